package io.weir.shard;

import io.weir.model.ErrorCode;
import io.weir.model.RunSpec;
import io.weir.model.WeirException;
import io.weir.wire.Message;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/// The barriers of a run, at its home shard: each opens when all who are expected are there. Confined to the thread
/// inside the shard.
final class Barriers {
    private final RunSpec spec;
    private final Map<Integer, Answers> there = new TreeMap<>();
    private long passed;

    Barriers(RunSpec spec) {
        this.spec = spec;
    }

    /// How many have opened.
    long passed() {
        return passed;
    }

    /// A worker is at a barrier.
    ///
    /// @throws WeirException if an earlier one has not opened
    void arrive(int worker, long ordinal, Answer answer) {
        if (ordinal < passed) {
            answer.reply(new Message.Ok());
            return;
        }
        if (ordinal > passed) {
            throw new WeirException(
                    ErrorCode.INVALID_ARGUMENT,
                    "barriers are passed one by one: run=" + spec.name() + ", ordinal=" + ordinal + ", passed="
                            + passed);
        }
        there.computeIfAbsent(worker, index -> new Answers()).add(answer);
    }

    /// A worker is not there any more.
    void refuse(int worker, ErrorCode code, String message) {
        Answers answers = there.remove(worker);
        if (answers != null) {
            answers.refuse(code, message);
        }
    }

    /// Opens the barrier when all are there.
    void tryOpen(List<Member> members) {
        if (there.isEmpty() || members.stream().anyMatch(this::lacks)) {
            return;
        }
        passed++;
        List<Answers> passing = List.copyOf(there.values());
        there.clear();
        passing.forEach(answers -> answers.reply(new Message.Ok()));
    }

    /// Whether those who are there wait for this member.
    boolean lacks(Member member) {
        return member.isExpected() && !there.containsKey(member.index);
    }

    /// The workers who are there, in order.
    Set<Integer> there() {
        return there.keySet();
    }
}
