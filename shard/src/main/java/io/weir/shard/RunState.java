package io.weir.shard;

import io.weir.model.Consistency;
import io.weir.model.RunSpec;
import io.weir.model.WorkerId;
import io.weir.wire.DataLayout;
import io.weir.wire.RunMessage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// One run as each of its shards knows it: the clocks of its workers, the steps that are not closed yet, and the pulls
/// that wait. Confined to the thread inside the shard.
///
/// Who is a member, and who took part in a step, is decided by the run's home shard alone; workers bring its records.
/// Until a record comes a shard waits for every worker that the run began with or that was opened here.
final class RunState {
    /// How many steps ahead of the open one a push may be.
    static final int MAX_STEPS_AHEAD = 64;

    private final @Nullable PlantedBug bug;
    private final long id;
    private RunSpec spec;
    private int life;
    private long members;

    /// By index: whether the others wait for this worker. Those beyond the end are no members.
    private boolean[] counted;

    private boolean[] opened;

    /// The clock group of all pushes and ticks that name no other.
    private Group firstGroup = new Group(0);

    /// The other clock groups, by index.
    private final Map<Integer, Group> furtherGroups = new HashMap<>();

    /// Last generation of each worker and portion that was closed here or is out of the run: it does not come back,
    /// whatever is still on its way.
    private final Map<Integer, Integer> closedGenerations = new HashMap<>();

    private final List<ParkedPull> parked = new ArrayList<>();

    /// One clock group.
    static final class Group {
        final int index;

        /// Steps that are closed, of a synchronous run.
        long closed;

        /// Pushes of later steps, in the order of their arrival.
        final List<HeldPush> held = new ArrayList<>();

        /// By index of the worker.
        long[] clocks = new long[0];

        Group(int index) {
            this.index = index;
        }

        long clock(int worker) {
            return worker < clocks.length ? clocks[worker] : 0;
        }

        void setClock(int worker, long clock) {
            if (worker >= clocks.length) {
                clocks = Arrays.copyOf(clocks, Math.max(worker + 1, 2 * clocks.length));
            }
            clocks[worker] = clock;
        }
    }

    /// A pull that must not be answered yet.
    ///
    /// @param entry of the worker that waits
    record ParkedPull(WorkerEntry entry, int generation, int group, long clock, Parked request, long bytes) {}

    RunState(RunSpec spec, int life, @Nullable PlantedBug bug) {
        this.id = spec.id();
        this.spec = spec;
        this.life = life;
        this.bug = bug;
        this.counted = new boolean[spec.startingWorkers()];
        this.opened = new boolean[spec.startingWorkers()];
        Arrays.fill(counted, true);
    }

    long id() {
        return id;
    }

    RunSpec spec() {
        return spec;
    }

    int life() {
        return life;
    }

    /// Number of the newest membership record that came here.
    long members() {
        return members;
    }

    /// Begins anew. What was held or waited is gone.
    void restart(RunSpec newSpec, int newLife) {
        spec = newSpec;
        life = newLife;
        members = 0;
        counted = new boolean[newSpec.startingWorkers()];
        opened = new boolean[newSpec.startingWorkers()];
        Arrays.fill(counted, true);
        firstGroup = new Group(0);
        furtherGroups.clear();
    }

    Group group(int index) {
        return index == 0 ? firstGroup : furtherGroups.computeIfAbsent(index, Group::new);
    }

    /// The first group, and those that have been named so far.
    List<Group> groups() {
        List<Group> all = new ArrayList<>();
        all.add(firstGroup);
        all.addAll(furtherGroups.values());
        return all;
    }

    // ---- members ----

    /// Whether the run can have such a worker or portion.
    boolean mayHave(WorkerId id) {
        return id.isPortion()
                ? id.worker() - WorkerId.PORTIONS < spec.portionCount() * spec.slices()
                : id.worker() >= 0 && id.worker() < RunSpec.MAX_WORKERS;
    }

    private boolean isCounted(int worker) {
        return worker < counted.length && counted[worker];
    }

    private void setCounted(int worker, boolean value) {
        if (worker >= counted.length) {
            int length = Math.max(worker + 1, 2 * counted.length);
            counted = Arrays.copyOf(counted, length);
            opened = Arrays.copyOf(opened, length);
        }
        counted[worker] = value;
    }

    /// Whether this generation was closed here, or a later one.
    boolean wasClosed(WorkerId worker) {
        return closedGeneration(worker.worker()) >= worker.generation();
    }

    /// Last generation of a worker or portion that was closed here, 0 for none.
    int closedGeneration(int worker) {
        return closedGenerations.getOrDefault(worker, 0);
    }

    void onClosed(WorkerId worker) {
        closedGenerations.merge(worker.worker(), worker.generation(), Math::max);
        if (!worker.isPortion()) {
            setCounted(worker.worker(), false);
        }
    }

    /// A worker is opened here. A new generation counts from now on; the same one again changes nothing but what
    /// `number` says.
    ///
    /// @param later whether it is a new generation
    /// @param clock where it goes on, -1 to leave that to the shard
    /// @param number its last number on all shards, -1 if that is not to be changed
    /// @param fresh whether it begins anew: in a synchronous run at `clock`, otherwise at the slowest clock of
    ///     this shard
    void onOpened(WorkerEntry entry, boolean later, long clock, long number, boolean fresh) {
        int worker = entry.worker;
        if (number >= 0 && entry.lastNumber() <= number) {
            entry.begin(number, clock);
            group(0).setClock(worker, entry.clock());
        }
        if (!later) {
            return;
        }
        if (fresh && !spec.isBsp()) {
            boolean begins = worker < spec.startingWorkers() && isCounted(worker) && !opened[worker];
            for (Group group : groups()) {
                long slowest = begins ? 0 : slowestOf(group, worker);
                if (slowest != Long.MAX_VALUE && slowest > entry.clock(group.index)) {
                    entry.tick(group.index, slowest);
                    group.setClock(worker, slowest);
                }
            }
        }
        setCounted(worker, true);
        opened[worker] = true;
        group(0).setClock(worker, entry.clock());
    }

    /// Takes a membership record.
    ///
    /// @return whether it said something new
    boolean update(long number, List<RunMessage.Gone> gone, WorkerEntries workers) {
        boolean news = number > members;
        members = Math.max(members, number);
        // Also from an older record: who was out of the run once, in this generation, never comes back.
        for (RunMessage.Gone each : gone) {
            closedGenerations.merge(each.worker(), each.generation(), Math::max);
            WorkerEntry entry = workers.find(id, each.worker());
            if (entry == null) {
                onClosed(new WorkerId(id, each.worker(), each.generation()));
            } else if (entry.generation() <= each.generation() && !entry.isFenced()) {
                entry.fence();
                setCounted(each.worker(), false);
                news = true;
            }
        }
        return news;
    }

    // ---- clocks ----

    /// @param flags of the tick: whether the others wait for this worker from now on
    void onTick(WorkerEntry entry, int group, int flags) {
        if (flags == DataLayout.FLAG_IDLE) {
            setCounted(entry.worker, false);
        } else if (flags == DataLayout.FLAG_ACTIVE) {
            long slowest = slowestOf(group(group), entry.worker);
            if (slowest != Long.MAX_VALUE && slowest > entry.clock(group)) {
                entry.tick(group, slowest);
            }
            setCounted(entry.worker, true);
        }
        group(group).setClock(entry.worker, entry.clock(group));
    }

    private long slowestOf(Group group, int except) {
        long slowest = Long.MAX_VALUE;
        for (int worker = 0; worker < counted.length; worker++) {
            if (counted[worker] && worker != except) {
                slowest = Math.min(slowest, group.clock(worker));
            }
        }
        return slowest;
    }

    /// Whether a pull at this clock sees all that it must.
    boolean mayRead(int group, long clock) {
        if (spec.consistency() instanceof Consistency.Asp) {
            return true;
        }
        Group present = group(group);
        if (spec.consistency() instanceof Consistency.Ssp ssp) {
            long bound = ssp.staleness() + (bug == PlantedBug.STALENESS_OFF_BY_ONE ? 1L : 0L);
            return clock <= bound || slowestOf(present, -1) >= clock - bound;
        }
        return present.closed >= clock;
    }

    /// Whom a worker at this clock waits for, the first few.
    List<Integer> waitedFor(int group, long clock) {
        List<Integer> slow = new ArrayList<>();
        Group present = group(group);
        long staleness = spec.consistency() instanceof Consistency.Ssp ssp ? ssp.staleness() : 0;
        for (int worker = 0; worker < counted.length && slow.size() < MAX_NAMED; worker++) {
            if (counted[worker] && present.clock(worker) < clock - staleness) {
                slow.add(worker);
            }
        }
        return slow;
    }

    /// How many of those who are waited for are named.
    static final int MAX_NAMED = 8;

    // ---- pulls that wait ----

    void park(ParkedPull pull) {
        parked.add(pull);
    }

    List<ParkedPull> parked() {
        return parked;
    }

    /// Takes out one pull whose time has come, whose worker is out, or that nobody waits for any more; null if there is
    /// none.
    @Nullable
    ParkedPull takeReady() {
        for (Iterator<ParkedPull> pulls = parked.iterator(); pulls.hasNext(); ) {
            ParkedPull pull = pulls.next();
            boolean out = pull.entry().isFenced() || pull.entry().generation() != pull.generation();
            if (out || pull.request().isGone() || mayRead(pull.group(), pull.clock())) {
                pulls.remove();
                return pull;
            }
        }
        return null;
    }
}
