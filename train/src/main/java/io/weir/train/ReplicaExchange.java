package io.weir.train;

import io.weir.client.DenseTable;
import io.weir.client.Portion;
import io.weir.client.Run;
import io.weir.client.RunOptions;
import io.weir.client.RunStatus;
import io.weir.client.Weir;
import io.weir.model.Consistency;
import io.weir.model.ErrorCode;
import io.weir.model.OptimizerSpec;
import io.weir.model.RunSpec;
import io.weir.model.TableSpec;
import io.weir.model.WeirException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// The [SliceExchange] of one slice of a replica, through the parameter servers. Confined to the thread of its slice.
///
/// The slices of a replica are the workers of a synchronous run of their own. One exchange is one step of it: each
/// slice pushes its piece into a dense table whose optimizer is `assign`, ticks, and pulls the pieces of the
/// others, which are all there at the next clock. The three go out together; the pull waits in the shards. Every
/// exchange of a batch has a table to itself, so until the next batch comes to it, its pieces can be read again.
///
/// Each piece begins with the portion and the batch that it belongs to. Thereby a slice sees that another one was not
/// among the contributors of a step, which then reads as it was before: the other is out, and so is this one, with
/// `FENCED`. And a slice whose process was killed, and that comes back in time, sees how far it had come: exchanges
/// whose pieces are all of its batch it only reads, and goes on at the first one that is not complete. The run resumes
/// that step, so what it had pushed of it counts once.
///
/// When a slice is fenced the replica begins with a further run and tables, named by a count: the newest run of which
/// nobody is gone is that in which its slices meet.
final class ReplicaExchange implements SliceExchange, AutoCloseable {
    /// Floats before each piece: portion, batch in two parts, and examples, all of them whole numbers.
    static final int HEAD = 4;

    private static final int HALF_BITS = 24;
    private static final float[] NO_FLOATS = {};

    private final Perceptron model;
    private final CompletableFuture<Void> membership;
    private final String name;
    private final int slice;
    private final int slices;
    private final Run run;

    /// By slice, the first unit of each layer, and after the last one their number.
    private final int[][] firstUnits;

    private final Exchange positions;
    private final List<Exchange> gathers = new ArrayList<>();
    private final List<Exchange> sums = new ArrayList<>();

    private boolean recovering;
    private int portion;
    private long position;

    /// Meets the other slices of a replica. Whoever holds a portion in this life of its worker may do so: then the
    /// others hold it as well, and everybody has left what came of earlier lives.
    ///
    /// @param training the run that the worker trains in
    /// @param maxExamples most examples of a batch
    static ReplicaExchange open(Weir weir, Perceptron model, Run training, int maxExamples) {
        int slices = training.spec().slices();
        int replica = training.worker() / slices;
        int slice = training.worker() % slices;
        String prefix = prefix(training.name()) + replica + ".";
        for (int ordinal = newest(weir, prefix); ; ordinal++) {
            RunSpec spec = RunSpec.of(prefix + ordinal, slices)
                    .withConsistency(Consistency.bsp())
                    .withSilence(Duration.ofMillis(training.spec().silenceMs()));
            if (isOver(weir, spec.name())) {
                continue;
            }
            Run run;
            try {
                run = weir.join(new RunOptions(spec, slice, false));
            } catch (WeirException e) {
                if (e.code() == ErrorCode.RUN_FINISHED || e.code() == ErrorCode.FENCED) {
                    continue;
                }
                throw e;
            }
            try {
                return new ReplicaExchange(model, training, run, slice, maxExamples);
            } catch (RuntimeException | Error e) {
                run.close();
                throw e;
            }
        }
    }

    /// What the names of the runs of replicas, and those of their tables, begin with.
    static String prefix(String run) {
        return run + "/replica";
    }

    private static int newest(Weir weir, String prefix) {
        int newest = 1;
        for (String run : weir.runs()) {
            String ordinal = run.startsWith(prefix) ? run.substring(prefix.length()) : "";
            if (ordinal.matches("[1-9][0-9]{0,8}")) {
                newest = Math.max(newest, Integer.parseInt(ordinal));
            }
        }
        return newest;
    }

    /// Whether somebody has left a run, or it is finished: who is in it will find out.
    private static boolean isOver(Weir weir, String run) {
        try {
            return weir.runStatus(run).workers().stream()
                    .anyMatch(worker ->
                            worker.state() != RunStatus.State.MISSING && worker.state() != RunStatus.State.ACTIVE);
        } catch (WeirException e) {
            if (e.code() == ErrorCode.UNKNOWN_RUN) {
                return false;
            }
            throw e;
        }
    }

    private ReplicaExchange(Perceptron model, Run training, Run run, int slice, int maxExamples) {
        this.model = model;
        this.membership = training.membership();
        this.run = run;
        this.name = run.name();
        this.slice = slice;
        this.slices = run.spec().startingWorkers();
        this.recovering = run.isResumed();
        int layers = model.layers().size() - 1;
        this.firstUnits = new int[layers + 1][slices + 1];
        for (int layer = 1; layer <= layers; layer++) {
            for (int i = 0; i <= slices; i++) {
                firstUnits[layer][i] = model.firstUnit(layer, i, slices);
            }
        }
        this.positions = new Exchange("positions", new int[slices + 1], 0, false);
        for (int layer = 1; layer <= layers; layer++) {
            gathers.add(new Exchange("forward" + layer, firstUnits[layer], maxExamples, false));
            if (layer < layers) {
                sums.add(new Exchange("backward" + layer, firstUnits[layer], maxExamples, true));
            }
        }
    }

    /// What this slice computes with.
    ///
    /// @param source name of the examples, for messages
    Learner learner(String source) {
        return model.learner(source, slice, slices, this);
    }

    /// Turns to a portion. The slices may hold it at different batches, when one of them was lost between its push and
    /// those of others.
    ///
    /// @return the batch to begin with, at most `portion.position()`: what is before that this slice computes for
    ///     the others, and pushes nothing
    long begin(Portion portion) {
        this.portion = portion.index();
        this.position = portion.position();
        boolean again = recovering;
        positions.begin(NO_FLOATS, 1);
        long first = portion.position();
        for (int other = 0; other < slices; other++) {
            if (other != slice) {
                positions.await(other, false);
                // Who comes back goes on where it was: the others have begun long since.
                first = again && recovering ? first : Math.min(first, positions.positionOf(other));
            }
        }
        positions.end();
        return first;
    }

    /// Turns to a batch of the portion.
    void begin(long position) {
        this.position = position;
    }

    @Override
    public void gather(int layer, float[] own, float[] all, int examples) {
        Exchange gather = gathers.get(layer - 1);
        gather.begin(own, examples);
        int units = firstUnits[layer][slices];
        for (int other = 0; other < slices; other++) {
            float[] piece = own;
            int from = 0;
            if (other != slice) {
                piece = gather.await(other, true);
                from = HEAD;
            }
            int first = firstUnits[layer][other];
            int count = firstUnits[layer][other + 1] - first;
            for (int i = 0; i < examples; i++) {
                System.arraycopy(piece, from + i * count, all, i * units + first, count);
            }
        }
        gather.end();
    }

    @Override
    public void beginSum(int layer, float[] parts, int examples) {
        sums.get(layer - 1).begin(parts, examples);
    }

    @Override
    public void endSum(int layer, float[] parts, float[] own, int examples) {
        Exchange sum = sums.get(layer - 1);
        int units = firstUnits[layer][slices];
        int first = firstUnits[layer][slice];
        int count = firstUnits[layer][slice + 1] - first;
        for (int other = 0; other < slices; other++) {
            boolean mine = other == slice;
            float[] piece = mine ? parts : sum.await(other, true);
            for (int i = 0; i < examples; i++) {
                int from = mine ? i * units + first : HEAD + i * count;
                int to = i * count;
                for (int j = 0; j < count; j++) {
                    own[to + j] = other == 0 ? piece[from + j] : own[to + j] + piece[from + j];
                }
            }
        }
        sum.end();
    }

    /// Ends the exchange when all portions are done.
    void finish() {
        run.finish();
    }

    /// Drops the tables of all replicas' exchanges, also of those that were lost, when all portions of the run that
    /// they trained in are done: nobody reads them any more.
    static void dropTables(Weir weir, String training) {
        weir.tables().stream()
                .map(table -> table.spec().name())
                .filter(table -> table.startsWith(prefix(training)))
                .forEach(weir::drop);
    }

    /// Leaves. From another thread, whatever this one waits for then fails.
    @Override
    public void close() {
        run.close();
    }

    /// Waits for the others, as long as this worker is a member of both runs: in the one that trains it is out as soon
    /// as another slice is, which may not have been here yet.
    ///
    /// @throws WeirException `FENCED` if it is not, also if the tables are dropped already, as others have done
    /// everything
    private <T extends @Nullable Object> T await(CompletableFuture<T> result) {
        try {
            if (!result.isDone()) {
                run.await(CompletableFuture.anyOf(result, membership));
            }
            return run.await(result);
        } catch (WeirException e) {
            if (e.code() != ErrorCode.UNKNOWN_TABLE) {
                throw e;
            }
            WeirException out = new WeirException(
                    ErrorCode.FENCED,
                    "the replica is out of the run, others have done the rest: run=" + name + ", portion=" + portion
                            + ", batch=" + position);
            out.initCause(e);
            throw out;
        }
    }

    private WeirException lost(int other) {
        return new WeirException(
                ErrorCode.FENCED,
                "a slice of the replica is gone, it has no part in the step of the others: run=" + name + ", worker="
                        + other + ", portion=" + portion + ", batch=" + position);
    }

    /// One of the exchanges of a batch, and its table.
    ///
    /// The table has a place for each piece: for what slice `i` gives to all, or, if that is not the same, for what
    /// it gives to slice `j`.
    private final class Exchange {
        private final int[] firstUnits;
        private final int maxExamples;
        private final boolean addressed;
        private final DenseTable table;

        private float[] outgoing = NO_FLOATS;
        private final float[][] incoming = new float[slices][];
        private final List<CompletableFuture<Void>> pulls = new ArrayList<>();
        private final List<CompletableFuture<Void>> pushes = new ArrayList<>();
        private @Nullable CompletableFuture<Boolean> tick;
        private int examples;

        /// @param firstUnits by slice, and after the last one how many there are
        /// @param addressed whether a slice gives to each other one what is that one's
        Exchange(String suffix, int[] firstUnits, int maxExamples, boolean addressed) {
            this.firstUnits = firstUnits;
            this.maxExamples = maxExamples;
            this.addressed = addressed;
            long pieces = addressed ? (long) slices * slices : slices;
            long all = (long) maxExamples * firstUnits[slices] * (addressed ? slices : 1);
            this.table = run.denseTable(
                    TableSpec.dense(name + "/" + suffix, pieces * HEAD + all, new OptimizerSpec.Assign()));
            for (int i = 0; i < slices; i++) {
                incoming[i] = NO_FLOATS;
                pulls.add(CompletableFuture.completedFuture(null));
            }
        }

        /// Where the piece of slice `from`, to slice `to` if that matters, begins.
        private long offset(int from, int to) {
            if (!addressed) {
                return (long) from * HEAD + (long) maxExamples * firstUnits[from];
            }
            return ((long) from * slices + to) * HEAD
                    + (long) maxExamples * ((long) from * firstUnits[slices] + firstUnits[to]);
        }

        private int columns(int slice) {
            return firstUnits[slice + 1] - firstUnits[slice];
        }

        /// Gives what this slice has to give, and asks for what the others give.
        void begin(float[] values, int examples) {
            this.examples = examples;
            if (recovering) {
                pull();
                recovering = isComplete();
                if (recovering) {
                    return;
                }
            }
            pushes.clear();
            if (addressed) {
                for (int to = 0; to < slices; to++) {
                    if (to != slice) {
                        push(to, values, firstUnits[slices], firstUnits[to], columns(to));
                    }
                }
            } else {
                push(slice, values, columns(slice), 0, columns(slice));
            }
            tick = run.tickAsync();
            pull();
        }

        /// Pushes columns of a matrix.
        private void push(int to, float[] values, int width, int first, int count) {
            int length = HEAD + examples * count;
            if (outgoing.length < length) {
                outgoing = new float[length];
            }
            outgoing[0] = portion;
            outgoing[1] = position & ((1 << HALF_BITS) - 1);
            outgoing[2] = position >>> HALF_BITS;
            outgoing[3] = examples;
            for (int i = 0; i < examples; i++) {
                System.arraycopy(values, i * width + first, outgoing, HEAD + i * count, count);
            }
            // Read before the call returns.
            pushes.add(table.pushAsync(offset(slice, to), outgoing, 0, length));
        }

        private void pull() {
            for (int other = 0; other < slices; other++) {
                if (other != slice) {
                    int length = HEAD + examples * columns(addressed ? slice : other);
                    if (incoming[other].length < length) {
                        incoming[other] = new float[length];
                    }
                    pulls.set(other, table.pullAsync(offset(other, slice), incoming[other], 0, length));
                }
            }
        }

        /// Whether all others have given theirs: of a step that was closed before.
        private boolean isComplete() {
            boolean complete = true;
            for (int other = 0; other < slices; other++) {
                if (other != slice) {
                    ReplicaExchange.this.await(pulls.get(other));
                    complete &= isOf(other, true) || (this == positions && isOf(other, false));
                }
            }
            return complete;
        }

        /// @param sameBatch whether it must be of this batch, or only of this portion
        private boolean isOf(int other, boolean sameBatch) {
            float[] piece = incoming[other];
            return (int) piece[0] == portion
                    && (int) piece[3] == examples
                    && (!sameBatch || positionOf(other) == position);
        }

        long positionOf(int other) {
            return (long) incoming[other][2] << HALF_BITS | (long) incoming[other][1];
        }

        /// What another slice has given, after the head.
        float[] await(int other, boolean sameBatch) {
            ReplicaExchange.this.await(pulls.get(other));
            if (!isOf(other, sameBatch)) {
                throw lost(other);
            }
            return incoming[other];
        }

        /// After all others have been awaited: what this slice gave counted, too.
        void end() {
            pushes.forEach(ReplicaExchange.this::await);
            pushes.clear();
            CompletableFuture<Boolean> ticked = tick;
            if (ticked != null && !ReplicaExchange.this.await(ticked)) {
                throw lost(slice);
            }
            tick = null;
        }
    }
}
