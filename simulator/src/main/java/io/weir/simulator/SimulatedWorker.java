package io.weir.simulator;

import io.weir.client.ClientConfig;
import io.weir.client.DenseTable;
import io.weir.client.Portion;
import io.weir.client.Run;
import io.weir.client.RunOptions;
import io.weir.client.Table;
import io.weir.client.TableInfo;
import io.weir.client.internal.WeirClient;
import io.weir.model.ErrorCode;
import io.weir.model.VectorOperation;
import io.weir.model.WeirException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// What a worker does, through all its lives: join, pull, push, tick, until its part is done; join again when it was
/// fenced. Each life is a process with a client of its own. Confined.
final class SimulatedWorker {
    /// Few calls under way, so that some wait for room.
    private static final int FEW_CALLS = 4;

    /// Between two pushes it may compute something: once in so many.
    private static final int PAUSE_ONE_IN = 4;

    /// Of the parts of passes so many take long, and so many are given up.
    private static final int SLOW_PART_ONE_IN = 12;

    private static final int GIVE_UP_ONE_IN = 40;

    private final History history;
    private final Timeline timeline;
    private int index;

    /// Lives that began anew; those that went on where the last one stopped are not counted.
    private int freshLives = -1;

    private int lives;
    private @Nullable SimulatedProcess process;
    private @Nullable Run run;
    private boolean done;

    /// It is to leave when it is through with what it does.
    private boolean leaving;

    private boolean away;

    /// It was killed for good.
    private boolean gone;

    /// The others were at any time not bound to wait for it.
    private boolean everOut;

    /// @param index -1 for a worker that joins later
    SimulatedWorker(History history, int index) {
        this.history = history;
        this.timeline = history.timeline();
        this.index = index;
        this.everOut = index < 0;
    }

    int index() {
        return index;
    }

    boolean isDone() {
        return done;
    }

    boolean isGone() {
        return gone;
    }

    boolean wasEverOut() {
        return everOut;
    }

    @Nullable
    SimulatedProcess process() {
        return process;
    }

    // ---- lives ----

    void start() {
        if (gone || done) {
            return;
        }
        lives++;
        SimulatedProcess born = new SimulatedProcess(timeline, "worker " + index + "#" + lives);
        process = born;
        WeirClient client = new WeirClient(
                config(), handler -> history.network().connect(born, handler), born, () -> timeline.random.nextLong());
        CompletableFuture<Run> joined =
                client.joinAsync(new RunOptions(history.scenario().run(), index, false));
        CompletableFuture<Run> _ = joined.whenComplete((ready, failure) -> history.guard(() -> {
            if (failure == null) {
                onJoined(ready);
            } else {
                onFailure(failure);
            }
        }));
    }

    private ClientConfig config() {
        ClientConfig config = ClientConfig.defaults();
        int calls = timeline.random.nextInt(2 * FEW_CALLS);
        return calls < FEW_CALLS ? config.withMaxInFlight(1 + calls) : config;
    }

    /// Whether it has been asked to leave and has not come back.
    boolean isAway() {
        return away && !done && !gone;
    }

    /// Lets it leave its run in order when it is through with what it does, and come back. Its place is free meanwhile,
    /// so nobody may join who takes any.
    ///
    /// @return false if it is in no run, or is to leave already
    boolean askToLeave() {
        if (run == null || done || isAway()) {
            return false;
        }
        leaving = true;
        away = true;
        return true;
    }

    private void leave(Run current) {
        leaving = false;
        everOut = true;
        history.tally().add(Tally.What.LEAVES);
        if (timeline.isTraced()) {
            timeline.say("-- worker " + index + " leaves");
        }
        SimulatedProcess ending = process;
        later(
                0,
                () -> orEnd(() -> {
                    current.close();
                    if (ending != null) {
                        ending.kill();
                        history.network().abandon(ending);
                    }
                    run = null;
                    timeline.after(timeline.between(1_000, 200_000), this::start);
                }));
    }

    /// The process dies.
    ///
    /// @param restartUs when it is started again, -1 for never
    /// @return false if it is not alive
    boolean kill(long restartUs) {
        SimulatedProcess dying = process;
        if (dying == null || dying.isDead() || done) {
            return false;
        }
        if (timeline.isTraced()) {
            timeline.say("-- kill worker " + index + (restartUs < 0 ? " for good" : ""));
        }
        history.tally().add(Tally.What.KILLS);
        dying.kill();
        if (history.network().abandon(dying)) {
            history.tally().add(Tally.What.HALF_DELIVERED);
        }
        run = null;
        if (restartUs < 0) {
            gone = true;
            everOut = true;
        } else {
            timeline.after(restartUs, () -> {
                history.tally().add(Tally.What.RESTARTS);
                start();
            });
        }
        return true;
    }

    private void onJoined(Run joined) {
        run = joined;
        away = leaving;
        index = joined.worker();
        if (!joined.isResumed() && !history.scenario().hasPortions()) {
            freshLives++;
            everOut |= freshLives > 0;
        } else if (freshLives < 0) {
            freshLives = 0;
        }
        everOut |= !joined.isResumed() && joined.generation() > 1;
        history.saw(this, joined);
        if (history.scenario().isInPasses() && index == 0) {
            orEnd(() -> beginPass(joined, joined.passesBegun()));
        } else if (history.scenario().hasPortions()) {
            orEnd(this::nextPortion);
        } else {
            orEnd(this::step);
        }
    }

    /// A life ends with an answer that nothing can be done about.
    private void onFailure(Throwable failure) {
        Throwable cause =
                failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        SimulatedProcess ending = process;
        if (cause instanceof WeirException refused && ending != null) {
            if (refused.code() == ErrorCode.FENCED || refused.code() == ErrorCode.UNKNOWN_WORKER) {
                everOut = true;
                history.tally().add(Tally.What.REJOINS);
                if (!ending.isDead()) {
                    ending.kill();
                    history.network().abandon(ending);
                    timeline.after(timeline.between(1_000, 50_000), this::start);
                }
                return;
            }
            if (refused.code() == ErrorCode.RUN_FINISHED) {
                done = true;
                return;
            }
        }
        throw new Violation("worker " + index + " met an error that it should not: " + cause);
    }

    // ---- steps of a run without portions ----

    private Run run() {
        Run present = run;
        if (present == null) {
            throw new IllegalStateException("the worker is in no run: worker=" + index);
        }
        return present;
    }

    private void step() {
        Run current = run();
        long clock = current.clock();
        if (clock >= history.scenario().steps()) {
            end(current);
            return;
        }
        if (leaving) {
            leave(current);
            return;
        }
        Table receipts = current.table(history.receiptsTable());
        long[] keys = history.pulledKeys(index);
        float[] rows = new float[keys.length * Receipts.DIM];
        List<Receipts.Push> pushes = history.receipts().step(index, freshLives, clock, history.hasPoison());
        then(receipts.pullAsync(keys, rows), () -> {
            history.pulled(this, freshLives, clock, rows);
            later(
                    timeline.between(500, 8_000),
                    () -> orEnd(() -> send(pushes, current::table, current::denseTable, under -> {
                        CompletableFuture<Boolean> tick = current.tickAsync();
                        under.add(tick);
                        then(CompletableFuture.allOf(under.toArray(new CompletableFuture<?>[0])), () -> {
                            history.ticked(index, freshLives, clock, tick.join());
                            step();
                        });
                    })));
        });
    }

    /// Sends pushes, with a pause now and then, and after the last one goes on.
    ///
    /// @param next is given their results, each of which completes also when its push is refused for what it is
    private void send(
            List<Receipts.Push> pushes,
            Function<TableInfo, Table> tables,
            Function<TableInfo, DenseTable> denseTables,
            Consumer<List<CompletableFuture<?>>> next) {
        sendFrom(0, pushes, tables, denseTables, new ArrayList<>(), next);
    }

    private void sendFrom(
            int first,
            List<Receipts.Push> pushes,
            Function<TableInfo, Table> tables,
            Function<TableInfo, DenseTable> denseTables,
            List<CompletableFuture<?>> under,
            Consumer<List<CompletableFuture<?>>> next) {
        for (int i = first; i < pushes.size(); i++) {
            Receipts.Push push = pushes.get(i);
            under.add(
                    push.kind == Receipts.Kind.TRANSFORM
                            ? transform(push, denseTables)
                            : send(push, tables.apply(history.tableOf(push))));
            if (timeline.chance(PAUSE_ONE_IN)) {
                int rest = i + 1;
                later(
                        timeline.between(500, 8_000),
                        () -> orEnd(() -> sendFrom(rest, pushes, tables, denseTables, under, next)));
                return;
            }
        }
        next.accept(under);
    }

    /// Sends a push in one of four ways.
    private CompletableFuture<?> send(Receipts.Push push, Table table) {
        Receipts.Content content = history.receipts().content(push, history.isBsp());
        long[] keys = content.keys();
        float[] gradients = content.gradients();
        int attempt = ++push.sent;
        push.acknowledged = false;
        push.refused = false;
        history.tally().add(Tally.What.PUSHES);
        int way = timeline.random.nextInt(6);
        boolean reads = way < 2;
        float[] rows = new float[reads ? gradients.length : 0];
        CompletableFuture<Void> sent =
                switch (way) {
                    case 0 -> table.pushPullAsync(keys, gradients, rows);
                    case 1 -> waiting(() -> table.pushPull(keys, gradients, rows));
                    case 2 -> waiting(() -> table.push(keys, gradients));
                    default -> table.pushAsync(keys, gradients);
                };
        return sent.handle((ok, failure) -> {
            if (failure != null) {
                onPushFailure(push, attempt, reads, failure);
            } else {
                push.acknowledged = true;
                if (reads) {
                    history.tally().add(Tally.What.PUSH_PULLS);
                    history.guard(() -> history.pushPulled(push, keys, rows));
                }
            }
            return null;
        });
    }

    /// Adds a multiple of one dense table to another.
    private CompletableFuture<?> transform(Receipts.Push push, Function<TableInfo, DenseTable> tables) {
        int attempt = ++push.sent;
        push.acknowledged = false;
        push.refused = false;
        history.tally().add(Tally.What.TRANSFORMS);
        DenseTable vector = tables.apply(history.tableOf(push));
        DenseTable ones = tables.apply(history.ones());
        CompletableFuture<?> changed = vector.axpyAsync(Receipts.unit(push), ones)
                .handle((ok, failure) -> {
                    if (failure != null) {
                        onPushFailure(push, attempt, false, failure);
                    } else {
                        push.acknowledged = true;
                    }
                    return null;
                });
        return timeline.chance(2) ? CompletableFuture.allOf(changed, sum(push, vector, ones)) : changed;
    }

    /// Asks for the sum of a vector that others change meanwhile.
    private CompletableFuture<?> sum(Receipts.Push push, DenseTable vector, DenseTable ones) {
        History.SumCheck check = history.new SumCheck(Receipts.vector(push));
        CompletableFuture<Double> asked =
                timeline.chance(2) ? vector.dotAsync(ones) : vector.reduceAsync(VectorOperation.NORM1, null);
        return asked.handle((sum, failure) -> {
            if (failure == null) {
                history.guard(() -> check.answered(sum));
            } else {
                onReadFailure(failure);
            }
            return null;
        });
    }

    private void onReadFailure(Throwable failure) {
        Throwable cause =
                failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        boolean expected = cause instanceof WeirException refused
                && (refused.code() == ErrorCode.FENCED || refused.code() == ErrorCode.UNKNOWN_WORKER);
        if (!expected) {
            history.fail(new Violation("a sum failed that should not have: " + cause));
        }
    }

    /// Makes a call that waits for its answer, and meanwhile time passes.
    private static CompletableFuture<Void> waiting(Runnable call) {
        try {
            call.run();
            return CompletableFuture.completedFuture(null);
        } catch (WeirException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    private void onPushFailure(Receipts.Push push, int attempt, boolean read, Throwable failure) {
        Throwable cause =
                failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        ErrorCode code = cause instanceof WeirException refused ? refused.code() : ErrorCode.INTERNAL;
        // In passes another worker makes the same push for whoever was fenced.
        push.failed |= !history.scenario().isInPasses() || code != ErrorCode.FENCED;
        if (push.sent == attempt) {
            push.refused = code == ErrorCode.MEMORY_EXCEEDED || code == ErrorCode.REJECTED;
        }
        boolean expected =
                switch (code) {
                    case MEMORY_EXCEEDED, FENCED, UNKNOWN_WORKER, REJECTED -> true;
                    // Whoever only pushes learns that from its tick.
                    case LATE -> read && history.isBsp();
                    case NON_FINITE -> push.kind == Receipts.Kind.POISON;
                    case UNKNOWN_TABLE -> push.kind == Receipts.Kind.TEMPORARY;
                    default -> false;
                };
        if (!expected) {
            history.fail(new Violation("a push failed that should not have: " + push + ": " + cause));
        }
    }

    /// Goes on when the result is there, or ends this life.
    private void then(CompletableFuture<?> result, Runnable next) {
        SimulatedProcess alive = process;
        CompletableFuture<?> _ = result.whenComplete((_, failure) -> {
            if (alive == process && alive != null && !alive.isDead()) {
                history.guard(() -> {
                    if (failure == null) {
                        orEnd(next);
                    } else {
                        onFailure(failure);
                    }
                });
            }
        });
    }

    /// Computing takes its time.
    private void later(long us, Runnable next) {
        SimulatedProcess alive = process;
        if (alive != null) {
            alive.after(us, next);
        }
    }

    /// Does something of this life; a call that is refused ends it.
    private void orEnd(Runnable action) {
        history.guard(() -> {
            try {
                action.run();
            } catch (WeirException e) {
                onFailure(e);
            }
        });
    }

    private void end(Run current) {
        then(current.barrierAsync(), () -> finish(current));
    }

    private void finish(Run current) {
        then(current.finishAsync(), () -> {
            done = true;
            SimulatedProcess ending = process();
            if (ending != null) {
                ending.kill();
            }
        });
    }

    // ---- passes ----

    /// Worker 0: begins one pass after the other, at least one in each life, for a later life knows nothing of the
    /// last one.
    private void beginPass(Run current, long pass) {
        if (pass >= history.scenario().steps() && pass > current.passesBegun()) {
            calmly(() -> {
                current.endPasses();
                finish(current);
            });
            return;
        }
        CompletableFuture<List<List<Double>>> asked = current.passAsync((double) pass);
        CompletableFuture<Boolean> begun = asked.handle((_, failure) -> {
            if (failure == null) {
                return true;
            }
            if (isEnded(failure) && current.generation() > 1) {
                return false;
            }
            throw failure instanceof CompletionException e ? e : new CompletionException(failure);
        });
        then(begun, () -> {
            if (begun.join()) {
                history.passDone(pass, asked.join());
                beginPass(current, pass + 1);
            } else {
                // An earlier life has ended them, or was silent for so long that they ended.
                finish(current);
            }
        });
    }

    private static boolean isEnded(Throwable failure) {
        Throwable cause =
                failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        return cause instanceof WeirException refused
                && refused.code() == ErrorCode.INVALID_ARGUMENT
                && refused.getMessage().contains("ended=true");
    }

    /// Computes a portion's part in a pass, which others may do as well, and makes its pushes if nobody was first.
    private void part(Run current, Portion portion) {
        long pass = portion.position();
        history.begun(portion.index(), pass);
        if (!portion.arguments().equals(List.of((double) pass))) {
            throw new Violation(
                    "a portion has the arguments of its pass: pass=" + pass + ", arguments=" + portion.arguments());
        }
        int source = Receipts.PORTION_SOURCE + portion.index();
        List<Receipts.Push> pushes = history.receipts().step(source, 0, pass, history.hasPoison());
        long us = timeline.chance(SLOW_PART_ONE_IN) ? timeline.between(20_000, 100_000) : timeline.between(500, 8_000);
        later(
                us,
                () -> orEnd(() -> {
                    if (timeline.chance(GIVE_UP_ONE_IN)) {
                        nextPortion();
                    } else if (portion.claim()) {
                        send(
                                pushes,
                                table -> portion.table(current.table(table)),
                                table -> portion.denseTable(current.denseTable(table)),
                                under -> then(
                                        CompletableFuture.allOf(under.toArray(new CompletableFuture<?>[0])),
                                        () -> calmly(() -> finishPart(portion, pass))));
                    } else {
                        history.tally().add(Tally.What.COPIES_TOO_LATE);
                        finishPart(portion, pass);
                    }
                }));
    }

    /// Does what waits for its answer: not from where another answer arrives, whose work is not done yet.
    private void calmly(Runnable action) {
        later(0, () -> orEnd(action));
    }

    private void finishPart(Portion portion, long pass) {
        portion.finish(History.resultOf(portion.index(), pass));
        nextPortion();
    }

    // ---- portions ----

    private void nextPortion() {
        Run current = run();
        if (leaving) {
            leave(current);
            return;
        }
        CompletableFuture<Optional<Portion>> asked = current.nextPortionAsync();
        then(asked, () -> {
            Optional<Portion> taken = asked.join();
            if (taken.isEmpty()) {
                finish(current);
            } else if (history.scenario().isInPasses()) {
                part(current, taken.get());
            } else {
                if (taken.get().position() > 0 || history.wasHeld(taken.get().index())) {
                    history.tally().add(Tally.What.PORTIONS_TAKEN_OVER);
                }
                history.held(taken.get().index());
                batch(current, taken.get());
            }
        });
    }

    private void batch(Run current, Portion portion) {
        long position = portion.position();
        if (position >= history.scenario().steps()) {
            // Whoever held it did all of it, but could not say so any more.
            then(portion.tickAsync(true), this::nextPortion);
            return;
        }
        boolean last = position == history.scenario().steps() - 1;
        int source = Receipts.PORTION_SOURCE + portion.index();
        List<Receipts.Push> pushes = history.receipts().step(source, 0, position, history.hasPoison());
        long[] keys = history.pulledKeys(index);
        float[] rows = new float[keys.length * Receipts.DIM];
        then(
                current.table(history.receiptsTable()).pullAsync(keys, rows),
                () -> later(
                        timeline.between(500, 8_000),
                        () -> orEnd(() -> send(
                                pushes,
                                table -> portion.table(current.table(table)),
                                table -> portion.denseTable(current.denseTable(table)),
                                under -> {
                                    CompletableFuture<Boolean> tick = portion.tickAsync(last);
                                    under.add(tick);
                                    then(CompletableFuture.allOf(under.toArray(new CompletableFuture<?>[0])), () -> {
                                        boolean counted = tick.join();
                                        if (counted) {
                                            history.batchDone(portion.index(), position);
                                        } else {
                                            history.notCounted();
                                        }
                                        if (counted && last) {
                                            nextPortion();
                                        } else {
                                            batch(current, portion);
                                        }
                                    });
                                }))));
    }
}
