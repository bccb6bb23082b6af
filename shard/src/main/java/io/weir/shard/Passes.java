package io.weir.shard;

import io.weir.model.ErrorCode;
import io.weir.model.RunSpec;
import io.weir.model.WeirException;
import io.weir.wire.RunMessage;
import java.util.ArrayList;
import java.util.List;

/// The passes of a run that goes in passes, at its home shard: which one is open, what it was begun with, and what came
/// of its portions. Confined to the thread inside the shard.
///
/// A portion's part in a pass counts when somebody says that every shard has it; whoever says so first, its results are
/// kept. All who compute the part compute the same, so it does not matter who that is. When no portion is left that
/// nobody holds, those that are still held are handed out once more: a slow or a dead worker holds up nobody.
final class Passes {
    /// The worker who begins them.
    static final int COORDINATOR = 0;

    private final RunSpec spec;
    private final Portions portions;
    private final Answers waiting = new Answers();
    private List<List<Double>> results = List.of();
    private List<Double> arguments = List.of();
    private long begun;
    private boolean ended;

    Passes(RunSpec spec, Portions portions) {
        this.spec = spec;
        this.portions = portions;
    }

    /// How many were begun.
    long begun() {
        return begun;
    }

    /// What the last one was begun with.
    List<Double> arguments() {
        return arguments;
    }

    boolean haveEnded() {
        return ended;
    }

    /// The next portion to hand out: one that nobody holds, or else one that others are at, or [Portions#NONE].
    int next() {
        if (begun == 0 || ended || portions.allDone()) {
            return Portions.NONE;
        }
        int free = portions.firstFree();
        return free == Portions.NONE ? portions.leastHeld(spec.portionCopies()) : free;
    }

    /// Begins the next pass, or waits for the last one.
    ///
    /// @return whether one was begun
    /// @throws WeirException if it is neither, or the one before is not done
    boolean begin(RunMessage.BeginPass begin, Answer answer) {
        if (begin.pass() == -1) {
            end();
            answer.reply(new RunMessage.PassDone(-1, List.of()));
            return false;
        }
        boolean next = begin.pass() == begun && (begun == 0 || portions.allDone());
        if (ended || (!next && (begin.pass() != begun - 1 || begun == 0))) {
            throw new WeirException(
                    ErrorCode.INVALID_ARGUMENT,
                    "passes are begun one by one, each when the one before is done: run=" + spec.name() + ", pass="
                            + begin.pass() + ", begun=" + begun + ", done=" + portions.allDone() + ", ended=" + ended);
        }
        if (next) {
            portions.beginPass();
            begun++;
            arguments = begin.arguments();
            results = new ArrayList<>();
            for (int i = 0; i < spec.portionCount(); i++) {
                results.add(List.of());
            }
        }
        if (portions.allDone()) {
            answer.reply(done());
        } else {
            waiting.add(answer);
        }
        return next;
    }

    /// A holder is through with a portion.
    ///
    /// @param counted whether every shard has its part
    void onThrough(int portion, boolean counted, List<Double> came) {
        if (!counted) {
            portions.free(portion);
        } else if (!portions.isDone(portion)) {
            portions.finish(portion);
            results.set(portion, came);
            if (portions.allDone()) {
                waiting.reply(done());
            }
        }
    }

    private RunMessage.PassDone done() {
        return new RunMessage.PassDone(begun - 1, results);
    }

    /// There are no more.
    void end() {
        ended = true;
    }

    /// Who waits for the open pass.
    Answers waiting() {
        return waiting;
    }
}
