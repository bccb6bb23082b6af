package io.weir.shard;

import io.weir.model.ErrorCode;
import io.weir.model.RunSpec;
import io.weir.model.WeirException;
import io.weir.model.WorkerId;
import io.weir.wire.RunMessage;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// A run at its home shard, which alone decides who is a member, who took part in a step, who holds which portion
/// of the input, and when a barrier opens. Confined to the thread inside the shard.
///
/// **Closing a step in two rounds.** A worker that is through with a step first sends its tick to every shard, and only
/// when all of them have it says so here. So whoever is counted as a contributor has its whole part on every shard, and
/// the record of the closed step, which workers carry to the shards, can be carried out by each of them. A worker that
/// dies before its part was everywhere is in no record, and its part is dropped everywhere. A worker says that it is
/// through with step `c` only when every server has the record of step `c - 1`: no shard is ever more than one record
/// behind, and the last one is all that has to be kept.
///
/// **Sliced replicas.** The workers of a replica hold a portion together. It is theirs when all of them ask, and done
/// when all of them say so; a step has all of them among its contributors or none, for it waits for every one. When one
/// is gone the others are fenced with it: what they hold of the model is of no use without it, and its gradient would
/// be a part of one. The replica takes part again when all have come back.
final class HomeRun {
    static final int MISSING = 0;
    static final int ACTIVE = 1;
    static final int LEFT = 2;
    static final int FINISHED = 3;
    static final int FENCED = 4;

    /// How many times the silence that is borne a worker may be late for the start.
    private static final int START_SILENCES = 6;

    private final long id;
    private final RunSpec spec;
    private final int life;
    private final List<Member> members = new ArrayList<>();
    private final List<Replica> replicas = new ArrayList<>();
    private final Portions portions;
    private final Passes passes;
    private final HomeSteps steps;
    private final Barriers barriers;
    private long records;
    private int ageMs;
    private boolean begun;

    /// @param before the life of the run before this one, whose generations go on
    HomeRun(RunSpec spec, int life, @Nullable HomeRun before, @Nullable PlantedBug bug) {
        this.id = spec.id();
        this.spec = spec;
        this.life = life;
        this.portions = new Portions(spec.portionCount(), spec.slices(), before == null ? null : before.portions, bug);
        this.passes = new Passes(spec, portions);
        this.steps = new HomeSteps(spec, members, portions, bug);
        this.barriers = new Barriers(spec);
        int count = Math.max(spec.startingWorkers(), before == null ? 0 : before.members.size());
        for (int i = 0; i < count; i++) {
            int generation = before != null && i < before.members.size() ? before.members.get(i).generation : 0;
            Member member = add(generation);
            member.state = i < spec.startingWorkers() ? MISSING : LEFT;
        }
    }

    /// One member more.
    private Member add(int generation) {
        int index = members.size();
        if (index / spec.slices() == replicas.size()) {
            replicas.add(new Replica());
        }
        Member member = new Member(index, replicas.getLast(), generation);
        members.add(member);
        return member;
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

    int memberCount() {
        return members.size();
    }

    /// Number of the newest membership record.
    long records() {
        return records;
    }

    /// Whether nothing is left to do: all portions are done, or without portions every worker has done its part.
    boolean isFinished() {
        boolean anyFinished = false;
        for (Member member : members) {
            if (member.state == MISSING
                    || member.state == ACTIVE
                    || (member.isGone() && spec.portionCount() == 0 && member.index < spec.startingWorkers())) {
                return false;
            }
            anyFinished |= member.state == FINISHED;
        }
        return anyFinished && nothingIsLeft();
    }

    // ---- members ----

    RunMessage.JoinRunReply join(RunMessage.JoinRun join) {
        Member member = memberToJoin(join);
        if (member.state != ACTIVE || member.token != join.token()) {
            begin(member, join.token());
        }
        return new RunMessage.JoinRunReply(
                member.index,
                member.generation,
                member.resumed,
                life,
                barriers.passed(),
                passes.begun(),
                steps.lastClosed());
    }

    private Member memberToJoin(RunMessage.JoinRun join) {
        int index = join.worker();
        if (index < 0) {
            for (Member member : members) {
                if (member.index >= spec.startingWorkers()
                        && (member.state == LEFT || (member.state == ACTIVE && member.token == join.token()))) {
                    return member;
                }
            }
            index = members.size();
        }
        if (index >= members.size() && spec.slices() > 1) {
            throw new WeirException(
                    ErrorCode.RUN_MISMATCH,
                    "a run of sliced replicas keeps the workers that it began with: worker=" + index + ", workers="
                            + members.size() + ", slices=" + spec.slices() + ", run=" + spec.name());
        }
        if (index > members.size() || index >= RunSpec.MAX_WORKERS) {
            throw new WeirException(
                    ErrorCode.RUN_MISMATCH,
                    "worker index is beyond those of the run: worker=" + index + ", workers=" + members.size()
                            + ", run=" + spec.name() + "; join without an index to be one more");
        }
        if (index == members.size()) {
            return add(0);
        }
        return members.get(index);
    }

    private void begin(Member member, long token) {
        // A worker whose portions are streams of their own has nothing to do again in its own. And what is to be done
        // again is what follows the last tick of the first clock group: who has others begins anew.
        member.resumed = member.state == ACTIVE
                && member.opened
                && !member.hasGroups
                && (spec.isBsp() || spec.portionCount() == 0);
        if (member.state == ACTIVE && (!member.opened || member.hasGroups)) {
            fenceReplica(member);
            forget(member);
        }
        member.portionDone = false;
        member.gone = -1;
        member.hasGroups = false;
        // Its last life may have been through with the open step. This one does it again, and reads for it what was
        // there before the step was closed: so the step waits for it.
        steps.forget(member);
        refuseWaiting(member);
        member.state = ACTIVE;
        member.generation++;
        member.token = token;
        member.opened = false;
        member.silentMs = 0;
        begun = true;
    }

    /// Its answers go to nobody any more: those that wait are for an earlier life.
    private void refuseWaiting(Member member) {
        String text = fencedText(member.index, member.generation, fencedReason(member));
        steps.refuse(member, ErrorCode.FENCED, text);
        member.waitsForPortion.refuse(ErrorCode.FENCED, text);
        if (member.index == Passes.COORDINATOR) {
            passes.waiting().refuse(ErrorCode.FENCED, text);
        }
        barriers.refuse(member.index, ErrorCode.FENCED, text);
    }

    private String fencedText(int worker, int generation, String why) {
        return "worker is out of the run: run=" + spec.name() + ", worker=" + worker + ", generation=" + generation
                + ", why=" + why + "; join again to go on as a new generation";
    }

    /// What it did in open steps does not count, and its portion goes to others.
    private void forget(Member member) {
        steps.forget(member);
        member.portionDone = false;
        if (member.replica.portion != Portions.NONE) {
            portions.free(member.replica.portion);
            member.replica.portion = Portions.NONE;
        }
    }

    /// Puts the others of its replica out of the run with a member whose portion is no longer theirs.
    private void fenceReplica(Member gone) {
        for (Member member : gone.replica.members) {
            if (member.index != gone.index && member.state == ACTIVE) {
                member.gone = gone.index;
                member.state = FENCED;
                refuseWaiting(member);
                forget(member);
                records++;
            }
        }
    }

    private String fencedReason(Member member) {
        return switch (member.state) {
            case FENCED ->
                member.gone < 0
                        ? "it gave no sign of life for " + spec.silenceMs() + " ms"
                        : "worker " + member.gone + " of its replica is gone";
            case ACTIVE -> "a newer generation has taken over";
            default -> "it left";
        };
    }

    /// The member who asks.
    ///
    /// @throws WeirException `FENCED` if it is none any more
    private Member active(WorkerId worker) {
        Member member = worker.worker() >= 0 && worker.worker() < members.size() ? members.get(worker.worker()) : null;
        if (member == null || worker.generation() > member.generation || member.generation == 0) {
            throw new WeirException(
                    ErrorCode.UNKNOWN_WORKER,
                    "worker must join the run first: run=" + spec.name() + ", worker=" + worker.worker()
                            + ", generation=" + worker.generation());
        }
        if (member.state != ACTIVE || worker.generation() < member.generation) {
            throw new WeirException(
                    ErrorCode.FENCED, fencedText(worker.worker(), worker.generation(), fencedReason(member)));
        }
        member.silentMs = 0;
        return member;
    }

    /// A worker ends its part.
    void close(WorkerId worker, boolean finished) {
        Member member = worker.worker() < members.size() ? members.get(worker.worker()) : null;
        if (member != null && member.generation == worker.generation() && member.state == ACTIVE) {
            leave(member, finished ? FINISHED : LEFT);
        }
    }

    private void leave(Member member, int state) {
        member.state = state;
        if (member.generation > 0) {
            refuseWaiting(member);
        }
        if (state != FINISHED || member.replica.portion != Portions.NONE) {
            fenceReplica(member);
        }
        forget(member);
        if (member.index == Passes.COORDINATOR) {
            passes.end();
        }
        records++;
        proceed();
    }

    /// Whoever may have waited for something that has changed.
    private void proceed() {
        assignPortions();
        steps.groups().forEach(this::tryClose);
        barriers.tryOpen(members);
    }

    /// Fences who gave no sign of life for too long, also who never came.
    void timePassed(int ms) {
        if (!begun) {
            return;
        }
        ageMs = (int) Math.min(Integer.MAX_VALUE, (long) ageMs + ms);
        long startMs = (long) START_SILENCES * spec.silenceMs();
        for (Member member : List.copyOf(members)) {
            if (member.state == ACTIVE) {
                member.silentMs += ms;
            }
            if ((member.state == ACTIVE && member.silentMs >= spec.silenceMs())
                    || (member.state == MISSING && ageMs >= startMs)) {
                leave(member, FENCED);
            }
        }
        for (Replica replica : replicas) {
            boolean waits = !replica.isWhole() && replica.members.stream().anyMatch(each -> each.state == ACTIVE);
            replica.brokenMs = waits ? (int) Math.min(Integer.MAX_VALUE, (long) replica.brokenMs + ms) : 0;
            if (replica.brokenMs >= startMs) {
                giveUp(replica);
            }
        }
    }

    /// Tells those who wait for the rest of their replica that nobody has come.
    private void giveUp(Replica replica) {
        List<Integer> gone = replica.members.stream()
                .filter(Member::isGone)
                .map(member -> member.index)
                .toList();
        for (Member member : replica.members) {
            member.waitsForPortion.refuse(
                    ErrorCode.RUN_MISMATCH,
                    "a replica trains when all its workers are there: run=" + spec.name() + ", worker=" + member.index
                            + ", gone=" + gone + ", waitedMs=" + replica.brokenMs);
        }
    }

    RunMessage.Members heartbeat(RunMessage.Heartbeat heartbeat) {
        active(heartbeat.worker()).opened = true;
        return new RunMessage.Members(records, heartbeat.members() == records ? List.of() : gone());
    }

    /// A tick came to the home shard.
    void heard(int worker, int generation, int group) {
        Member member = worker < members.size() ? members.get(worker) : null;
        if (member != null && member.generation == generation) {
            member.silentMs = 0;
            member.hasGroups |= group != 0;
        }
    }

    /// All who are members no more.
    List<RunMessage.Gone> gone() {
        List<RunMessage.Gone> gone = new ArrayList<>();
        for (Member member : members) {
            if (member.state == LEFT || member.state == FINISHED || member.state == FENCED) {
                gone.add(new RunMessage.Gone(member.index, member.generation));
            }
        }
        return gone;
    }

    // ---- steps ----

    void complete(RunMessage.CompleteStep complete, Answer answer) {
        if (steps.complete(active(complete.worker()), complete, answer)) {
            tryClose(complete.group());
        }
    }

    private void tryClose(int group) {
        if (steps.tryClose(group)) {
            assignPortions();
        }
    }

    // ---- barriers ----

    void barrier(RunMessage.Barrier barrier, Answer answer) {
        barriers.arrive(active(barrier.worker()).index, barrier.ordinal(), answer);
        barriers.tryOpen(members);
    }

    // ---- portions ----

    void nextPortion(RunMessage.NextPortion next, Answer answer) {
        Member member = active(next.worker());
        if (spec.portionCount() == 0) {
            throw new WeirException(ErrorCode.INVALID_ARGUMENT, "the run has no portions: run=" + spec.name());
        }
        Replica replica = member.replica;
        boolean holds = next.done() != Portions.NONE && replica.portion == next.done();
        if (spec.isInPasses()) {
            if (holds && member.portionGeneration == next.generation()) {
                passes.onThrough(replica.portion, next.counted(), next.results());
                replica.portion = Portions.NONE;
            }
        } else if (!spec.isBsp() && holds) {
            member.portionDone = true;
            if (replica.members.stream().allMatch(each -> each.portionDone)) {
                portions.finish(replica.portion);
                replica.portion = Portions.NONE;
                replica.members.forEach(each -> each.portionDone = false);
            }
        }
        if (replica.portion != Portions.NONE && !member.portionDone) {
            answer.reply(portion(member));
            return;
        }
        member.waitsForPortion.add(answer);
        proceed();
    }

    private RunMessage.Portion portion(Member member) {
        if (member.portionLife != member.generation) {
            member.portionLife = member.generation;
            member.portionGeneration = portions.renew(member.replica.portion, member.index);
        }
        return new RunMessage.Portion(
                member.replica.portion,
                member.portionGeneration,
                spec.isInPasses() ? passes.begun() - 1 : portions.position(member.replica.portion),
                steps.closed(0),
                passes.arguments());
    }

    private void give(Replica replica, int portion) {
        portions.hold(portion);
        replica.portion = portion;
        for (Member member : replica.members) {
            member.portionLife = 0;
            member.waitsForPortion.reply(portion(member));
        }
    }

    /// Worker 0 begins a pass, or asks for what came of the last one.
    void beginPass(RunMessage.BeginPass begin, Answer answer) {
        Member member = active(begin.worker());
        if (!spec.isInPasses() || member.index != Passes.COORDINATOR) {
            throw new WeirException(
                    ErrorCode.INVALID_ARGUMENT,
                    "passes are begun by worker 0 of a run in passes: run=" + spec.name() + ", worker=" + member.index);
        }
        if (passes.begin(begin, answer)) {
            // Who is still at a portion of the pass before holds nothing any more.
            replicas.forEach(each -> each.portion = Portions.NONE);
        }
        proceed();
    }

    /// Hands out what is free to those who wait, in order of the workers. A synchronous run does so only when nobody
    /// can ask any more before the open step is closed, so that the outcome does not depend on who asks first. When
    /// all is done everybody hears so at once: those who have heard it ask no more, and may wait for the others.
    private void assignPortions() {
        if (spec.portionCount() == 0) {
            return;
        }
        if (nothingIsLeft()) {
            replicas.forEach(replica -> replica.replyAll(new RunMessage.Portion(Portions.NONE, 0, 0, 0)));
            return;
        }
        if (spec.isBsp() && members.stream().anyMatch(Member::mayAsk)) {
            return;
        }
        for (Replica replica : replicas) {
            int portion = !replica.asks() ? Portions.NONE : spec.isInPasses() ? passes.next() : portions.firstFree();
            if (portion != Portions.NONE) {
                give(replica, portion);
            }
        }
    }

    /// Whether all portions are done, for good.
    private boolean nothingIsLeft() {
        return spec.isInPasses() ? passes.haveEnded() : portions.allDone();
    }

    // ---- status ----

    /// @param entries of the workers on this shard, for their clocks
    List<RunMessage.Member> status(WorkerEntries entries) {
        List<RunMessage.Member> list = new ArrayList<>();
        for (Member member : members) {
            WorkerEntry entry = entries.find(id, member.index);
            list.add(new RunMessage.Member(
                    member.state,
                    member.generation,
                    entry == null ? 0 : entry.lastNumber(),
                    entry == null ? 0 : entry.clock(),
                    member.silentMs,
                    member.replica.portion));
        }
        return list;
    }

    long closedSteps(int group) {
        return steps.closed(group);
    }

    int portionsHeld() {
        return portions.heldCount();
    }

    int portionsDone() {
        return portions.doneCount();
    }

    private static final int WAITS_FOR_STEP = 2;
    private static final int WAITS_AT_BARRIER = 3;
    private static final int WAITS_FOR_PORTION = 4;

    /// Who waits here, and for whom.
    List<RunMessage.Wait> waits() {
        List<RunMessage.Wait> waits = new ArrayList<>();
        steps.eachWaiting((worker, step, isWaitedFor) ->
                waits.add(new RunMessage.Wait(worker, WAITS_FOR_STEP, step, missing(isWaitedFor))));
        for (int worker : barriers.there()) {
            waits.add(new RunMessage.Wait(worker, WAITS_AT_BARRIER, barriers.passed(), missing(barriers::lacks)));
        }
        for (Member member : members) {
            if (!member.waitsForPortion.isEmpty()) {
                waits.add(new RunMessage.Wait(
                        member.index,
                        WAITS_FOR_PORTION,
                        0,
                        missing(other -> mayStillAsk(other)
                                || (other.replica == member.replica && other.waitsForPortion.isEmpty()))));
            }
        }
        return waits;
    }

    /// Whether those who wait for a portion wait for this member: it holds one that may come back, or in a synchronous
    /// run has yet to ask for its next one.
    private boolean mayStillAsk(Member member) {
        return member.state == MISSING
                || (member.replica.portion != Portions.NONE && !member.portionDone)
                || (spec.isBsp() && member.state == ACTIVE && member.waitsForPortion.isEmpty());
    }

    private List<Integer> missing(Predicate<Member> isWaitedFor) {
        return members.stream()
                .filter(isWaitedFor)
                .map(member -> member.index)
                .limit(RunState.MAX_NAMED)
                .toList();
    }
}
