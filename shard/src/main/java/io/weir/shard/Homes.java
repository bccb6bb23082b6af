package io.weir.shard;

import io.weir.model.ErrorCode;
import io.weir.model.RunSpec;
import io.weir.model.WeirException;
import io.weir.model.WorkerId;
import io.weir.wire.RunMessage;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// The runs that a shard is the home of, finished ones included. Confined to the thread inside the shard.
final class Homes {
    private final int shard;
    private final @Nullable PlantedBug bug;
    private final Map<String, HomeRun> byName = new TreeMap<>();
    private final Map<Long, HomeRun> byId = new HashMap<>();

    /// @param shard index of the home shard
    Homes(int shard, @Nullable PlantedBug bug) {
        this.shard = shard;
        this.bug = bug;
    }

    @Nullable
    HomeRun find(String name) {
        return byName.get(name);
    }

    @Nullable
    HomeRun find(long run) {
        return byId.get(run);
    }

    Collection<HomeRun> all() {
        return byName.values();
    }

    List<String> names() {
        return List.copyOf(byName.keySet());
    }

    /// Takes a question that only the home shard of a run can answer, now or later.
    ///
    /// @throws WeirException if it is refused; `answer` is not used then
    void ask(RunMessage question, Answer answer) {
        switch (question) {
            case RunMessage.JoinRun join -> answer.reply(join(join));
            case RunMessage.Heartbeat heartbeat ->
                answer.reply(of(heartbeat.worker()).heartbeat(heartbeat));
            case RunMessage.CompleteStep complete -> of(complete.worker()).complete(complete, answer);
            case RunMessage.Barrier barrier -> of(barrier.worker()).barrier(barrier, answer);
            case RunMessage.BeginPass begin -> of(begin.worker()).beginPass(begin, answer);
            case RunMessage.NextPortion next -> of(next.worker()).nextPortion(next, answer);
            default ->
                throw new WeirException(
                        ErrorCode.MALFORMED_FRAME, "not a question for a home shard: type=" + question.type());
        }
    }

    private HomeRun of(WorkerId worker) {
        HomeRun home = byId.get(worker.run());
        if (home == null) {
            throw new WeirException(
                    ErrorCode.UNKNOWN_RUN,
                    "this shard is not the home of the run: shard=" + shard + ", run=" + worker.run());
        }
        return home;
    }

    private RunMessage.JoinRunReply join(RunMessage.JoinRun join) {
        HomeRun home = toJoin(join);
        RunMessage.JoinRunReply reply = home.join(join);
        byName.put(join.spec().name(), home);
        byId.put(home.id(), home);
        return reply;
    }

    /// The run that is joined, made if it is not there, or begun anew if it is finished and may be.
    private HomeRun toJoin(RunMessage.JoinRun join) {
        RunSpec spec = join.spec();
        HomeRun home = byName.get(spec.name());
        if (home == null) {
            return begin(spec, 0, null);
        }
        if (home.isFinished()) {
            if (!join.continued()) {
                throw new WeirException(
                        ErrorCode.RUN_FINISHED,
                        "run is finished, and is taken up again only on request: run=" + spec.name());
            }
            return begin(spec, home.life() + 1, home);
        }
        List<String> differences = home.spec().differencesTo(spec);
        if (!differences.isEmpty()) {
            throw new WeirException(
                    ErrorCode.RUN_MISMATCH,
                    "run exists with another specification: run=" + spec.name() + ", "
                            + String.join("; ", differences));
        }
        return home;
    }

    private HomeRun begin(RunSpec spec, int life, @Nullable HomeRun before) {
        int memberCount = spec.startingWorkers();
        for (HomeRun other : byName.values()) {
            memberCount += other.equals(before) ? 0 : other.memberCount();
        }
        int runCount = byName.size() + (before == null ? 1 : 0);
        if (runCount > Shard.MAX_RUNS || memberCount > Shard.MAX_RUN_MEMBERS) {
            throw new WeirException(
                    ErrorCode.LIMIT_EXCEEDED,
                    "a shard can be home of " + Shard.MAX_RUNS + " runs with " + Shard.MAX_RUN_MEMBERS
                            + " workers in all, finished ones included: run=" + spec.name() + ", shard=" + shard
                            + ", runs=" + runCount + ", workers=" + memberCount + "; names can be used again"
                            + " with --continue, and a server's restart forgets them");
        }
        return new HomeRun(spec, life, before, bug);
    }
}
