package io.weir.shard;

import static java.util.Objects.requireNonNull;

import io.weir.model.ErrorCode;
import io.weir.model.RunSpec;
import io.weir.model.WeirException;
import io.weir.wire.RunMessage;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// The steps of a run's clock groups, at its home shard: who is through with the open step of a group, who waits for it
/// to close, and the record of the last closed one. Confined to the thread inside the shard.
final class HomeSteps {
    private final RunSpec spec;
    private final List<Member> members;
    private final Portions portions;
    private final @Nullable PlantedBug bug;
    private final Map<Integer, Group> groups = new TreeMap<>();

    /// One clock group.
    private static final class Group {
        final int id;
        long closed;
        List<Integer> contributors = List.of();

        /// By worker: who is through with the open step.
        final TreeMap<Integer, RunMessage.CompleteStep> through = new TreeMap<>();

        /// Who waits for the open step to close.
        final List<Waiting> waiting = new ArrayList<>();

        /// By worker: the last step that it took part in.
        final Map<Integer, Long> lastCounted = new HashMap<>();

        /// Messages about the open step, for a planted bug.
        int messages;

        Group(int id) {
            this.id = id;
        }

        RunMessage.StepClosed stepClosed(long step, int worker) {
            boolean counted = lastCounted.getOrDefault(worker, -1L) == step;
            return new RunMessage.StepClosed(id, step, counted, closed, contributors);
        }

        /// Of too many answers that wait for the same worker, which no client asks for, the oldest is refused.
        void add(Waiting more) {
            List<Waiting> repeated = waiting.stream()
                    .filter(each -> each.worker() == more.worker())
                    .toList();
            if (repeated.size() >= Answers.MAX_WAITING) {
                waiting.remove(repeated.getFirst());
                Answers.refuseRepeated(repeated.getFirst().answer());
            }
            waiting.add(more);
        }
    }

    private record Waiting(int worker, long step, Answer answer) {}

    /// @param members of the run, which may become more
    HomeSteps(RunSpec spec, List<Member> members, Portions portions, @Nullable PlantedBug bug) {
        this.spec = spec;
        this.members = members;
        this.portions = portions;
        this.bug = bug;
    }

    /// How many steps of a group are closed.
    long closed(int group) {
        Group present = groups.get(group);
        return present == null ? 0 : present.closed;
    }

    /// The record of each group's last closed step.
    List<RunMessage.Step> lastClosed() {
        return groups.values().stream()
                .filter(group -> group.closed > 0)
                .map(group -> new RunMessage.Step(group.id, group.closed - 1, group.contributors))
                .toList();
    }

    /// A worker is through with the open step of a group, and waits for it to close.
    ///
    /// @return whether it waits: not if that step is closed already
    /// @throws WeirException if that step is not open yet
    boolean complete(Member member, RunMessage.CompleteStep complete, Answer answer) {
        Group group = groups.computeIfAbsent(complete.group(), Group::new);
        if (complete.step() < group.closed) {
            answer.reply(group.stepClosed(complete.step(), member.index));
            return false;
        }
        if (complete.step() > group.closed || complete.step() < 0) {
            throw new WeirException(
                    ErrorCode.INVALID_ARGUMENT,
                    "only the open step can be completed: run=" + spec.name() + ", step=" + complete.step() + ", open="
                            + group.closed);
        }
        group.messages++;
        group.through.put(member.index, complete);
        group.add(new Waiting(member.index, complete.step(), answer));
        return true;
    }

    /// What a worker did in open steps does not count.
    void forget(Member member) {
        groups.values().forEach(group -> group.through.remove(member.index));
    }

    /// A worker waits no more.
    void refuse(Member member, ErrorCode code, String message) {
        for (Group group : groups.values()) {
            group.waiting.removeIf(waiting -> {
                boolean mine = waiting.worker() == member.index;
                if (mine) {
                    waiting.answer().refuse(code, message);
                }
                return mine;
            });
        }
    }

    /// The groups that have had a step.
    List<Integer> groups() {
        return List.copyOf(groups.keySet());
    }

    /// Closes the open step of a group if all who are waited for are through with it.
    ///
    /// @return whether it is closed now
    boolean tryClose(int id) {
        Group group = groups.get(id);
        if (group == null || group.through.isEmpty()) {
            return false;
        }
        List<Integer> through = group.through.keySet().stream()
                .filter(index -> members.get(index).replica.isWhole())
                .toList();
        if (through.isEmpty()) {
            return false;
        }
        int required = (int) members.stream().filter(this::isRequired).count();
        int enough = spec.backupWorkers() > 0 ? Math.min(spec.workerCount(), required) : required;
        int have = bug == PlantedBug.MESSAGES_COUNTED ? group.messages : through.size();
        if (have < enough) {
            return false;
        }
        group.contributors = through;
        for (int index : through) {
            count(group, members.get(index));
        }
        group.through.clear();
        group.messages = 0;
        group.closed++;
        List<Waiting> waiting = List.copyOf(group.waiting);
        group.waiting.clear();
        for (Waiting each : waiting) {
            each.answer().reply(group.stepClosed(each.step(), each.worker()));
        }
        return true;
    }

    /// A member's part is in the step that closes.
    private void count(Group group, Member member) {
        RunMessage.CompleteStep part = requireNonNull(group.through.get(member.index));
        group.lastCounted.put(member.index, group.closed);
        Replica replica = member.replica;
        // Once for all workers of the replica, which are all here.
        if (part.portion() != Portions.NONE
                && part.portion() == replica.portion
                && member.index == replica.members.getFirst().index) {
            portions.advance(replica.portion);
            if (part.last()) {
                portions.finish(replica.portion);
                replica.portion = Portions.NONE;
            }
        }
    }

    /// Whether the open step of a synchronous run waits for this member: it works on the step, or it may still ask for
    /// a portion, which would begin at this step or at the next one as the question comes in time.
    private boolean isRequired(Member member) {
        return member.replica.isWhole()
                && (member.state == HomeRun.MISSING
                        || (member.state == HomeRun.ACTIVE
                                && (spec.portionCount() == 0 || member.replica.portion != Portions.NONE))
                        || (spec.isBsp() && member.mayAsk()));
    }

    /// Tells of everyone who waits for a step: worker, step, and whom it waits for.
    void eachWaiting(WaitingConsumer consumer) {
        for (Group group : groups.values()) {
            for (Waiting waiting : group.waiting) {
                consumer.accept(
                        waiting.worker(),
                        waiting.step(),
                        member -> isRequired(member) && !group.through.containsKey(member.index));
            }
        }
    }

    /// Takes one who waits.
    @FunctionalInterface
    interface WaitingConsumer {
        void accept(int worker, long step, Predicate<Member> isWaitedFor);
    }
}
