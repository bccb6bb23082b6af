package io.weir.train;

import io.weir.client.Portion;
import io.weir.client.Run;
import io.weir.client.RunStatus;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// A worker under [Algorithm.Downpour].
///
/// Fetches and pushes are asynchronous calls, which the connection carries out while this thread computes.
///
/// A *round* is what one push stands for, and what a portion's position counts: its examples are those whose gradients
/// are in the push, and the tick that follows it is the portion's. The last round of a portion is as long as there are
/// batches. So whoever takes a portion over redoes exactly what was not pushed, with pushes of the same keys in the
/// same order, and each example's gradient is applied once on each shard.
///
/// A *leg* is the batches between two fetches. The fetch at the beginning of a leg brings the rows of the leg after
/// it, of embedding tables, and all of dense tables. No fetch has looked ahead to the rows of a portion's first leg:
/// what the copy has of them may be as old as the copy, so a worker that needs some waits for a fetch of them.
final class DownpourLoop implements PortionLoop {
    private static final long POLL_NS = 20_000_000;

    private final Workplace place;
    private final Algorithm.Downpour algorithm;
    private final Ledger ledger;
    private final Run run;
    private final Learner learner;
    private final List<ParameterLink> sources;
    private final List<LocalCopy> copies = new ArrayList<>();
    private final boolean allDense;
    private final UsualTime usualTime = new UsualTime();

    private final Deque<ExampleBatch> ahead = new ArrayDeque<>();
    private final Deque<ExampleBatch> spare = new ArrayDeque<>();

    /// By table, the keys of this leg and of the next one.
    private List<KeyIndexer> needed = new ArrayList<>();

    private List<KeyIndexer> neededNext = new ArrayList<>();
    private final List<float[]> brought = new ArrayList<>();
    private @Nullable Fetch fetch;
    private final Deque<Push> pushes = new ArrayDeque<>();

    DownpourLoop(Workplace place, Algorithm.Downpour algorithm) {
        this(place, algorithm, LocalCopy.DEFAULT_MOST_FLOATS);
    }

    /// @param mostFloats see [LocalCopy]
    DownpourLoop(Workplace place, Algorithm.Downpour algorithm, int mostFloats) {
        this.place = place;
        this.algorithm = algorithm;
        this.ledger = place.ledger();
        this.run = place.run();
        this.learner = place.model().learner(place.source().name());
        this.sources = place.links();
        boolean dense = true;
        for (Parameters parameters : learner.parameters()) {
            copies.add(new LocalCopy(parameters, algorithm.localRate(), mostFloats));
            needed.add(new KeyIndexer());
            neededNext.add(new KeyIndexer());
            brought.add(new float[0]);
            dense &= parameters.isDense();
        }
        this.allDense = dense;
    }

    /// Something under way, and when it came to its end.
    private static class UnderWay {
        final CompletableFuture<?> done;
        final long startNs = System.nanoTime();
        private volatile long endNs;

        UnderWay(List<CompletableFuture<?>> parts) {
            done = CompletableFuture.allOf(parts.toArray(new CompletableFuture<?>[0]))
                    .whenComplete((all, failure) -> endNs = System.nanoTime());
        }

        long tookNs() {
            return endNs - startNs;
        }
    }

    private static final class Push extends UnderWay {
        Push(List<CompletableFuture<?>> parts) {
            super(parts);
        }
    }

    private static final class Fetch extends UnderWay {
        final List<long[]> keys;

        Fetch(List<long[]> keys, List<CompletableFuture<?>> parts) {
            super(parts);
            this.keys = keys;
        }
    }

    // ---- the warm start ----

    /// Waits until worker 0 has trained on so many batches, or will not.
    @Override
    public void begin() {
        if (algorithm.warmStartBatches() == 0 || run.worker() == 0) {
            return;
        }
        long sinceNs = System.nanoTime();
        while (!ledger.isStopped() && !isWarm(place.weir().runStatus(run.name()), System.nanoTime() - sinceNs)) {
            LockSupport.parkNanos(this, POLL_NS);
        }
    }

    private boolean isWarm(RunStatus status, long waitedNs) {
        RunStatus.Worker first = status.workers().getFirst();
        boolean over = status.portionsDone() == status.spec().portionCount()
                || first.clock() * algorithm.batchesPerPush() >= algorithm.warmStartBatches();
        return over
                || switch (first.state()) {
                    case ACTIVE -> false;
                    case MISSING -> waitedNs > status.spec().silenceMs() * 1_000_000L;
                    case LEFT, FINISHED, FENCED -> true;
                };
    }

    // ---- compute ----

    @Override
    public void train(Portion portion) {
        List<ParameterLink> targets =
                sources.stream().map(table -> table.within(portion)).toList();
        int pass = place.plan().passOf(portion.index());
        ahead.forEach(spare::addLast);
        ahead.clear();
        try (ExampleReader reader = place.plan().open(place.source(), portion.index())) {
            long from = portion.position() * algorithm.batchesPerPush();
            ExampleBatch skipped = new ExampleBatch();
            for (long done = from;
                    done > 0 && reader.next(skipped, place.config().batch());
                    done--) {
                // Somebody has pushed its gradients.
            }
            readAhead(reader, 1);
            if (ahead.isEmpty()) {
                track(List.of(portion.tickAsync(true)));
            }
            Tally round = new Tally();
            for (long step = 0; !ahead.isEmpty() && !ledger.isStopped(); step++) {
                if (step % algorithm.batchesPerFetch() == 0) {
                    beginLeg(reader, step == 0);
                } else {
                    readAhead(reader, 2);
                    endFetch(false);
                }
                ExampleBatch batch = ahead.removeFirst();
                long startNs = System.nanoTime();
                round.add(batch, learn(batch, Mixer.of(portion.index(), from + step)));
                ledger.pause(usualTime.believed(System.nanoTime() - startNs));
                spare.addLast(batch);
                boolean last = ahead.isEmpty();
                if (last || round.batches == algorithm.batchesPerPush()) {
                    push(portion, targets, last);
                    ledger.trained(pass, round);
                    round = new Tally();
                }
            }
        }
        awaitPushes(0);
    }

    /// Learns from one batch and returns the sum of its losses.
    private double learn(ExampleBatch batch, long draw) {
        learner.select(batch);
        List<Parameters> parameters = learner.parameters();
        for (int i = 0; i < copies.size(); i++) {
            copies.get(i).read(parameters.get(i));
        }
        double loss = learner.lossAndGradients(place.scale(batch), draw);
        for (int i = 0; i < copies.size(); i++) {
            copies.get(i).learn(parameters.get(i));
        }
        return loss;
    }

    /// Reads until `count` batches are there, or all that there are.
    private void readAhead(ExampleReader reader, int count) {
        while (ahead.size() < count) {
            ExampleBatch batch = spare.isEmpty() ? new ExampleBatch() : spare.removeFirst();
            if (!reader.next(batch, place.config().batch())) {
                spare.addLast(batch);
                return;
            }
            ahead.addLast(batch);
        }
    }

    // ---- fetch ----

    /// Begins a leg: takes over what the last fetch has brought, and begins the next one.
    private void beginLeg(ExampleReader reader, boolean firstOfPortion) {
        endFetch(true);
        int leg = algorithm.batchesPerFetch();
        readAhead(reader, allDense ? 2 : 2 * leg);
        if (firstOfPortion) {
            collect(needed, 0, leg);
        } else {
            List<KeyIndexer> passed = needed;
            needed = neededNext;
            neededNext = passed;
        }
        collect(neededNext, leg, leg);
        boolean complete = allDense || !firstOfPortion;
        for (int i = 0; i < copies.size(); i++) {
            KeyIndexer now = needed.get(i);
            copies.get(i).makeRoom(now.uniqueCount() + neededNext.get(i).uniqueCount());
            complete &= copies.get(i).holds(now.uniqueKeys(), now.uniqueCount());
        }
        if (complete) {
            beginFetch(neededNext);
        } else {
            for (int i = 0; i < copies.size(); i++) {
                needed.get(i)
                        .append(
                                neededNext.get(i).uniqueKeys(),
                                neededNext.get(i).uniqueCount());
            }
            beginFetch(needed);
            endFetch(true);
        }
    }

    /// Finds the keys that the learner needs for the batches from the `from`-th on that are there.
    private void collect(List<KeyIndexer> keys, int from, int count) {
        List<Parameters> parameters = learner.parameters();
        for (int i = 0; i < keys.size(); i++) {
            keys.get(i).clear();
            if (copies.get(i).isDense()) {
                keys.get(i).append(parameters.get(i).keys(), 1);
            }
        }
        if (allDense) {
            return;
        }
        Iterator<ExampleBatch> batches = ahead.stream().skip(from).limit(count).iterator();
        while (batches.hasNext()) {
            learner.select(batches.next());
            for (int i = 0; i < keys.size(); i++) {
                if (!copies.get(i).isDense()) {
                    keys.get(i)
                            .append(parameters.get(i).keys(), parameters.get(i).keyCount());
                }
            }
        }
    }

    private void beginFetch(List<KeyIndexer> wanted) {
        List<long[]> keys = new ArrayList<>();
        List<CompletableFuture<?>> parts = new ArrayList<>();
        for (int i = 0; i < copies.size(); i++) {
            int count = wanted.get(i).uniqueCount();
            long[] tableKeys = Arrays.copyOf(wanted.get(i).uniqueKeys(), count);
            keys.add(tableKeys);
            if (count > 0) {
                LocalCopy copy = copies.get(i);
                copy.beginFetch(tableKeys, count);
                if (brought.get(i).length < copy.fetchLength(count)) {
                    brought.set(i, new float[copy.fetchLength(count)]);
                }
                parts.add(sources.get(i).fetch(tableKeys, brought.get(i)));
            }
        }
        fetch = parts.isEmpty() ? null : new Fetch(keys, parts);
    }

    /// Takes over what a fetch has brought, if there is one under way.
    ///
    /// @param wait until it is there, or else leaves it
    private void endFetch(boolean wait) {
        Fetch begun = fetch;
        if (begun == null || (!wait && !begun.done.isDone())) {
            return;
        }
        run.await(begun.done);
        fetch = null;
        for (int i = 0; i < copies.size(); i++) {
            if (begun.keys.get(i).length > 0) {
                copies.get(i).endFetch(begun.keys.get(i), begun.keys.get(i).length, brought.get(i));
            }
        }
        ledger.pulled(begun.tookNs());
    }

    // ---- push ----

    /// Sends the gradients of a round, and the tick that makes it count.
    private void push(Portion portion, List<ParameterLink> targets, boolean last) {
        awaitPushes(algorithm.pushesAhead() - 1);
        List<CompletableFuture<?>> parts = new ArrayList<>();
        for (int i = 0; i < copies.size(); i++) {
            long[] keys = copies.get(i).summedKeys();
            parts.add(targets.get(i).send(keys, copies.get(i).takeSums()));
        }
        parts.add(portion.tickAsync(last));
        track(parts);
    }

    private void track(List<CompletableFuture<?>> parts) {
        pushes.addLast(new Push(parts));
        while (!pushes.isEmpty() && pushes.getFirst().done.isDone()) {
            awaitPushes(pushes.size() - 1);
        }
    }

    /// Waits until at most `most` pushes are unacknowledged.
    private void awaitPushes(int most) {
        while (pushes.size() > most) {
            Push oldest = pushes.getFirst();
            run.await(oldest.done);
            pushes.removeFirst();
            ledger.pushed(oldest.tookNs());
        }
    }
}
