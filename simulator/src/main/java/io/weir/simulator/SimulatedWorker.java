package io.weir.simulator;

import io.weir.client.ClientConfig;
import io.weir.client.Portion;
import io.weir.client.Run;
import io.weir.client.RunOptions;
import io.weir.client.Table;
import io.weir.client.internal.WeirClient;
import io.weir.model.ErrorCode;
import io.weir.model.WeirException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/// What a worker does, through all its lives: join, pull, push, tick, until its part is done; join again when it was
/// fenced. Each life is a process with a client of its own. Confined.
final class SimulatedWorker {
    /// Few calls under way, so that some wait for room.
    private static final int FEW_CALLS = 4;

    /// Of the parts of passes so many take long, and so many are given up.
    private static final int SLOW_PART_ONE_IN = 12;

    private static final int GIVE_UP_ONE_IN = 40;

    private final History history;
    private final Timeline timeline;
    private final SimulatedPushes pushing;
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
        this.pushing = new SimulatedPushes(history, this);
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
        Throwable cause = SimulatedPushes.causeOf(failure);
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
                    () -> orEnd(() -> pushing.send(pushes, current::table, current::denseTable, under -> {
                        CompletableFuture<Boolean> tick = current.tickAsync();
                        under.add(tick);
                        then(CompletableFuture.allOf(under.toArray(new CompletableFuture<?>[0])), () -> {
                            history.ticked(index, freshLives, clock, tick.join());
                            step();
                        });
                    })));
        });
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
    void later(long us, Runnable next) {
        SimulatedProcess alive = process;
        if (alive != null) {
            alive.after(us, next);
        }
    }

    /// Does something of this life; a call that is refused ends it.
    void orEnd(Runnable action) {
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
        Throwable cause = SimulatedPushes.causeOf(failure);
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
                        pushing.send(
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
            if (taken.isEmpty() && index == 0) {
                // Like a training process that reports on the model when all have done their part.
                end(current);
            } else if (taken.isEmpty()) {
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
                        () -> orEnd(() -> pushing.send(
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
