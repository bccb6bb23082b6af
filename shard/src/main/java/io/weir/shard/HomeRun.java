package io.weir.shard;

import static java.util.Objects.requireNonNull;

import io.weir.model.ErrorCode;
import io.weir.model.RunSpec;
import io.weir.model.WeirException;
import io.weir.model.WorkerId;
import io.weir.wire.Message;
import io.weir.wire.RunMessage;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
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

    /// How often a worker may ask the same while it waits for the answer.
    private static final int MAX_REPEATED = 64;

    /// How many times the silence that is borne a worker may be late for the start.
    private static final int START_SILENCES = 6;

    private final long id;
    private final RunSpec spec;
    private final int life;
    private final @Nullable PlantedBug bug;
    private final List<Member> members = new ArrayList<>();
    private final List<Replica> replicas = new ArrayList<>();
    private final Map<Integer, Steps> groups = new TreeMap<>();
    private final Portions portions;
    private final Passes passes;
    private final Map<Integer, List<Answer>> atBarrier = new TreeMap<>();
    private long barriers;
    private long records;
    private int ageMs;
    private boolean begun;

    /// The workers of one copy of the model: one, unless replicas are sliced.
    private static final class Replica {
        final List<Member> members = new ArrayList<>();
        int portion = Portions.NONE;

        /// For how long some of them have waited for others that are gone.
        int brokenMs;

        /// Whether none of them is gone.
        boolean isWhole() {
            return members.size() == 1 || members.stream().noneMatch(Member::isGone);
        }
    }

    /// One worker.
    private static final class Member {
        final int index;
        final Replica replica;
        int state;
        int generation;
        long token;
        boolean resumed;

        /// Whether it has said that it is open on every shard: only then can a further life go on where it stopped.
        boolean opened;

        /// Whether it has ticked in another clock group than the first.
        boolean hasGroups;

        int silentMs;

        /// Whether it has said that it is done with the portion of its replica.
        boolean portionDone;

        /// Why it is fenced, if not for its own silence: the worker of its replica that is gone.
        int gone = -1;

        /// Generation of the portion for this worker's slice, and the generation of this worker that it was given to.
        int portionGeneration;

        int portionLife;

        /// Where the portion goes that it waits for; more than one if it was asked for again over another connection.
        final List<Answer> waitsForPortion = new ArrayList<>();

        Member(int index, Replica replica, int generation) {
            this.index = index;
            this.replica = replica;
            this.generation = generation;
            replica.members.add(this);
        }

        boolean isGone() {
            return state == LEFT || state == FENCED;
        }
    }

    /// The steps of one clock group.
    private static final class Steps {
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
    }

    private record Waiting(int worker, long step, Answer answer) {}

    /// @param before the life of the run before this one, whose generations go on
    HomeRun(RunSpec spec, int life, @Nullable HomeRun before, @Nullable PlantedBug bug) {
        this.id = spec.id();
        this.spec = spec;
        this.life = life;
        this.bug = bug;
        this.portions = new Portions(spec.portionCount(), spec.slices(), before == null ? null : before.portions, bug);
        this.passes = new Passes(spec, portions);
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
        return anyFinished && (spec.isInPasses() ? passes.haveEnded() : portions.allDone());
    }

    // ---- members ----

    RunMessage.JoinRunReply join(RunMessage.JoinRun join) {
        Member member = memberToJoin(join);
        if (member.state != ACTIVE || member.token != join.token()) {
            begin(member, join.token());
        }
        return new RunMessage.JoinRunReply(
                member.index, member.generation, member.resumed, life, barriers, passes.begun(), closedSteps());
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
        groups.values().forEach(steps -> steps.through.remove(member.index));
        refuseWaiting(member);
        member.state = ACTIVE;
        member.generation++;
        member.token = token;
        member.opened = false;
        member.silentMs = 0;
        begun = true;
    }

    private List<RunMessage.Step> closedSteps() {
        List<RunMessage.Step> steps = new ArrayList<>();
        for (Map.Entry<Integer, Steps> group : groups.entrySet()) {
            if (group.getValue().closed > 0) {
                steps.add(new RunMessage.Step(
                        group.getKey(), group.getValue().closed - 1, group.getValue().contributors));
            }
        }
        return steps;
    }

    /// Its answers go to nobody any more: those that wait are for an earlier life.
    private void refuseWaiting(Member member) {
        String text = fencedText(member.index, member.generation, fencedReason(member));
        for (Steps steps : groups.values()) {
            steps.waiting.removeIf(waiting -> {
                boolean mine = waiting.worker() == member.index;
                if (mine) {
                    waiting.answer().refuse(ErrorCode.FENCED, text);
                }
                return mine;
            });
        }
        List<Answer> here = new ArrayList<>(member.waitsForPortion);
        member.waitsForPortion.clear();
        if (member.index == Passes.COORDINATOR) {
            here.addAll(passes.takeWaiting());
        }
        List<Answer> barrier = atBarrier.remove(member.index);
        if (barrier != null) {
            here.addAll(barrier);
        }
        here.forEach(answer -> answer.refuse(ErrorCode.FENCED, text));
    }

    /// One more answer that waits. Of too many, which no client asks for, the oldest is refused.
    private static void addWaiting(List<Answer> waiting, Answer answer) {
        if (waiting.size() >= MAX_REPEATED) {
            refuseRepeated(waiting.removeFirst());
        }
        waiting.add(answer);
    }

    private static void refuseRepeated(Answer answer) {
        answer.refuse(ErrorCode.BUSY, "the worker asks too often: limit=" + MAX_REPEATED);
    }

    private String fencedText(int worker, int generation, String why) {
        return "worker is out of the run: run=" + spec.name() + ", worker=" + worker + ", generation=" + generation
                + ", why=" + why + "; join again to go on as a new generation";
    }

    /// What it did in open steps does not count, and its portion goes to others.
    private void forget(Member member) {
        for (Steps steps : groups.values()) {
            steps.through.remove(member.index);
        }
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
        member.state = state;
        records++;
        proceed();
    }

    /// Whoever may have waited for something that has changed.
    private void proceed() {
        assignPortions();
        for (int group : List.copyOf(groups.keySet())) {
            tryClose(group);
        }
        tryBarrier();
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
            List<Answer> waiting = List.copyOf(member.waitsForPortion);
            member.waitsForPortion.clear();
            for (Answer answer : waiting) {
                answer.refuse(
                        ErrorCode.RUN_MISMATCH,
                        "a replica trains when all its workers are there: run=" + spec.name() + ", worker="
                                + member.index + ", gone=" + gone + ", waitedMs=" + replica.brokenMs);
            }
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
        Member member = active(complete.worker());
        Steps steps = groups.computeIfAbsent(complete.group(), group -> new Steps());
        if (complete.step() < steps.closed) {
            answer.reply(stepClosed(steps, complete.group(), complete.step(), member.index));
            return;
        }
        if (complete.step() > steps.closed || complete.step() < 0) {
            throw new WeirException(
                    ErrorCode.INVALID_ARGUMENT,
                    "only the open step can be completed: run=" + spec.name() + ", step=" + complete.step() + ", open="
                            + steps.closed);
        }
        steps.messages++;
        steps.through.put(member.index, complete);
        List<Waiting> repeated = steps.waiting.stream()
                .filter(each -> each.worker() == member.index)
                .toList();
        if (repeated.size() >= MAX_REPEATED) {
            steps.waiting.remove(repeated.getFirst());
            refuseRepeated(repeated.getFirst().answer());
        }
        steps.waiting.add(new Waiting(member.index, complete.step(), answer));
        tryClose(complete.group());
    }

    private static RunMessage.StepClosed stepClosed(Steps steps, int group, long step, int worker) {
        boolean counted = steps.lastCounted.getOrDefault(worker, -1L) == step;
        return new RunMessage.StepClosed(group, step, counted, steps.closed, steps.contributors);
    }

    /// Whether the open step of a synchronous run waits for this member: it works on the step, or it may still ask for
    /// a portion, which would begin at this step or at the next one as the question comes in time.
    private boolean isRequired(Member member) {
        return member.replica.isWhole()
                && (member.state == MISSING
                        || (member.state == ACTIVE
                                && (spec.portionCount() == 0 || member.replica.portion != Portions.NONE))
                        || (spec.isBsp() && mayAsk(member)));
    }

    /// Whether a member has no portion and has not asked for one, but may.
    private static boolean mayAsk(Member member) {
        return member.replica.isWhole()
                && (member.state == MISSING
                        || (member.state == ACTIVE
                                && member.replica.portion == Portions.NONE
                                && member.waitsForPortion.isEmpty()));
    }

    private void tryClose(int group) {
        Steps steps = groups.get(group);
        if (steps == null || steps.through.isEmpty()) {
            return;
        }
        int required = 0;
        for (Member member : members) {
            required += isRequired(member) ? 1 : 0;
        }
        List<Integer> through = steps.through.keySet().stream()
                .filter(index -> members.get(index).replica.isWhole())
                .toList();
        if (through.isEmpty()) {
            return;
        }
        int enough = spec.backupWorkers() > 0 ? Math.min(spec.workerCount(), required) : required;
        int have = bug == PlantedBug.MESSAGES_COUNTED ? steps.messages : through.size();
        if (have < enough) {
            return;
        }
        steps.contributors = through;
        for (int index : through) {
            Member member = members.get(index);
            RunMessage.CompleteStep part = requireNonNull(steps.through.get(index));
            steps.lastCounted.put(member.index, steps.closed);
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
        steps.through.clear();
        steps.messages = 0;
        steps.closed++;
        List<Waiting> waiting = List.copyOf(steps.waiting);
        steps.waiting.clear();
        for (Waiting each : waiting) {
            each.answer().reply(stepClosed(steps, group, each.step(), each.worker()));
        }
        assignPortions();
    }

    // ---- barriers ----

    void barrier(RunMessage.Barrier barrier, Answer answer) {
        Member member = active(barrier.worker());
        if (barrier.ordinal() < barriers) {
            answer.reply(new Message.Ok());
            return;
        }
        if (barrier.ordinal() > barriers) {
            throw new WeirException(
                    ErrorCode.INVALID_ARGUMENT,
                    "barriers are passed one by one: run=" + spec.name() + ", ordinal=" + barrier.ordinal()
                            + ", passed=" + barriers);
        }
        addWaiting(atBarrier.computeIfAbsent(member.index, index -> new ArrayList<>()), answer);
        tryBarrier();
    }

    private void tryBarrier() {
        if (atBarrier.isEmpty()) {
            return;
        }
        for (Member member : members) {
            if ((member.state == ACTIVE || member.state == MISSING) && !atBarrier.containsKey(member.index)) {
                return;
            }
        }
        barriers++;
        List<List<Answer>> passing = List.copyOf(atBarrier.values());
        atBarrier.clear();
        passing.forEach(answers -> answers.forEach(answer -> answer.reply(new Message.Ok())));
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
        addWaiting(member.waitsForPortion, answer);
        proceed();
    }

    private RunMessage.Portion portion(Member member) {
        if (member.portionLife != member.generation) {
            member.portionLife = member.generation;
            member.portionGeneration = portions.renew(member.replica.portion, member.index);
        }
        Steps steps = groups.get(0);
        return new RunMessage.Portion(
                member.replica.portion,
                member.portionGeneration,
                spec.isInPasses() ? passes.begun() - 1 : portions.position(member.replica.portion),
                steps == null ? 0 : steps.closed,
                passes.arguments());
    }

    private void give(Replica replica, int portion) {
        portions.hold(portion);
        replica.portion = portion;
        for (Member member : replica.members) {
            member.portionLife = 0;
            replyPortion(member, portion(member));
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
    /// can ask any more before the open step is closed, so that the outcome does not depend on who asks first.
    private void assignPortions() {
        if (spec.portionCount() == 0) {
            return;
        }
        if (spec.isBsp() && members.stream().anyMatch(HomeRun::mayAsk)) {
            return;
        }
        for (Replica replica : replicas) {
            boolean allAsk = replica.portion == Portions.NONE
                    && replica.members.stream()
                            .allMatch(member -> member.state == ACTIVE && !member.waitsForPortion.isEmpty());
            int portion = !allAsk ? Portions.NONE : spec.isInPasses() ? passes.next() : portions.firstFree();
            if (portion != Portions.NONE) {
                give(replica, portion);
            } else if (spec.isInPasses() ? passes.haveEnded() : portions.allDone()) {
                RunMessage.Portion none = new RunMessage.Portion(Portions.NONE, 0, 0, 0);
                replica.members.forEach(member -> replyPortion(member, none));
            }
        }
    }

    private static void replyPortion(Member member, RunMessage.Portion given) {
        List<Answer> answers = List.copyOf(member.waitsForPortion);
        member.waitsForPortion.clear();
        for (Answer answer : answers) {
            answer.reply(given);
        }
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
        Steps steps = groups.get(group);
        return steps == null ? 0 : steps.closed;
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
        for (Steps steps : groups.values()) {
            for (Waiting waiting : steps.waiting) {
                waits.add(new RunMessage.Wait(
                        waiting.worker(),
                        WAITS_FOR_STEP,
                        waiting.step(),
                        missing(member -> isRequired(member) && !steps.through.containsKey(member.index))));
            }
        }
        for (int worker : atBarrier.keySet()) {
            waits.add(new RunMessage.Wait(
                    worker,
                    WAITS_AT_BARRIER,
                    barriers,
                    missing(member -> (member.state == ACTIVE || member.state == MISSING)
                            && !atBarrier.containsKey(member.index))));
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
