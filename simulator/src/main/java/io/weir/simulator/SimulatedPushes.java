package io.weir.simulator;

import io.weir.client.DenseTable;
import io.weir.client.Table;
import io.weir.client.TableInfo;
import io.weir.model.ErrorCode;
import io.weir.model.VectorOperation;
import io.weir.model.WeirException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import java.util.function.Function;

/// How a worker makes its pushes, through all its lives: in what ways they are sent, and which of them may fail how.
/// Confined.
final class SimulatedPushes {
    /// Between two pushes it may compute something: once in so many.
    private static final int PAUSE_ONE_IN = 4;

    private final History history;
    private final Timeline timeline;
    private final SimulatedWorker worker;

    SimulatedPushes(History history, SimulatedWorker worker) {
        this.history = history;
        this.timeline = history.timeline();
        this.worker = worker;
    }

    /// Sends pushes, with a pause now and then, and after the last one goes on.
    ///
    /// @param next is given their results, each of which completes also when its push is refused for what it is
    void send(
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
                worker.later(
                        timeline.between(500, 8_000),
                        () -> worker.orEnd(() -> sendFrom(rest, pushes, tables, denseTables, under, next)));
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
        Throwable cause = causeOf(failure);
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
        Throwable cause = causeOf(failure);
        ErrorCode code = cause instanceof WeirException refused ? refused.code() : ErrorCode.INTERNAL;
        // Another worker makes the same push for whoever was fenced with a portion.
        push.failed |= !history.scenario().hasPortions() || code != ErrorCode.FENCED;
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

    /// What a dependent stage wraps.
    static Throwable causeOf(Throwable failure) {
        Throwable cause = failure.getCause();
        return failure instanceof CompletionException && cause != null ? cause : failure;
    }
}
