package io.weir.shard;

import io.weir.model.ErrorCode;
import io.weir.model.Keys;
import io.weir.model.WeirException;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The runs that a shard is the home of, by name, finished ones included. Confined to the thread inside the shard.
final class Runs {
    private final int shard;
    private final Map<String, RunMembers> members = new HashMap<>();
    private int memberCount;

    /// @param shard index of the home shard
    Runs(int shard) {
        this.shard = shard;
    }

    @Nullable
    RunMembers find(String name) {
        return members.get(name);
    }

    /// Takes a worker in.
    ///
    /// @return its new generation
    int join(Control.JoinRun join) {
        RunMembers run = members.get(join.name());
        if (run == null) {
            run = add(join, 0);
        } else if (run.isFinished()) {
            if (!join.continued()) {
                throw new WeirException(
                        ErrorCode.RUN_FINISHED,
                        "run is finished, and is taken up again only on request: run=" + join.name());
            }
            if (run.workerCount() == join.workerCount()) {
                run.reopen();
            } else {
                run = add(join, run.workerCount());
            }
        } else if (run.workerCount() != join.workerCount()) {
            throw new WeirException(
                    ErrorCode.RUN_MISMATCH,
                    "run has another number of workers: run=" + join.name() + ", here " + run.workerCount() + ", there "
                            + join.workerCount());
        }
        return run.join(join.worker());
    }

    /// @param replaced workers of the finished run of this name that it takes the place of, 0 if there is none
    private RunMembers add(Control.JoinRun join, int replaced) {
        int runCountThen = members.size() + (replaced == 0 ? 1 : 0);
        int memberCountThen = memberCount + join.workerCount() - replaced;
        if (runCountThen > Shard.MAX_RUNS || memberCountThen > Shard.MAX_RUN_MEMBERS) {
            throw new WeirException(
                    ErrorCode.LIMIT_EXCEEDED,
                    "a shard can be home of " + Shard.MAX_RUNS + " runs with " + Shard.MAX_RUN_MEMBERS
                            + " workers in all, finished ones included: run=" + join.name() + ", shard=" + shard
                            + ", runs=" + runCountThen + ", workers=" + memberCountThen + "; names can be used again"
                            + " with --continue, and a server's restart forgets them");
        }
        RunMembers added = new RunMembers(Keys.ofString(join.name()), join.workerCount());
        members.put(join.name(), added);
        memberCount = memberCountThen;
        return added;
    }

    /// Takes a worker's part as finished or left, if this is the home of its run.
    void close(Control.CloseWorker close) {
        for (RunMembers run : members.values()) {
            if (run.run() == close.run() && close.worker() < run.workerCount()) {
                run.close(close.worker(), close.generation(), close.finished());
            }
        }
    }
}
