package io.weir.shard;

import io.weir.model.RunSpec;
import io.weir.model.WorkerId;
import io.weir.wire.RunMessage;
import java.util.List;

/// Control events as a server makes them of messages.
final class Controls {
    private Controls() {}

    static Control open(long run, int worker, int generation) {
        return open(run, worker, generation, -1, -1, true);
    }

    static Control open(long run, int worker, int generation, long clock, long number, boolean fresh) {
        return new Control.OpenWorker(
                new RunMessage.OpenWorker(new WorkerId(run, worker, generation), clock, number, fresh));
    }

    static Control close(long run, int worker, int generation, boolean finished) {
        return new Control.CloseWorker(new WorkerId(run, worker, generation), finished);
    }

    static Control openRun(RunSpec spec, int life, RunMessage.Step... closed) {
        return new Control.OpenRun(new RunMessage.OpenRun(spec, life, List.of(closed)));
    }

    static Control members(long run, long number, RunMessage.Gone... gone) {
        return new Control.UpdateMembers(new RunMessage.UpdateMembers(run, number, List.of(gone)));
    }

    static Control closeStep(long run, int group, long step, Integer... contributors) {
        return new Control.CloseStep(new RunMessage.CloseStep(run, group, step, List.of(contributors)));
    }
}
