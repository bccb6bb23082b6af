package io.weir.shard;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.model.Compression;
import io.weir.model.Consistency;
import io.weir.model.ErrorCode;
import io.weir.model.InitialRow;
import io.weir.model.OptimizerSpec;
import io.weir.model.RunSpec;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import io.weir.table.MemoryBudget;
import io.weir.wire.FrameType;
import io.weir.wire.Limits;
import io.weir.wire.ValueEncoder;
import io.weir.wire.ValueType;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Pushes and pulls in fewer bits, from the client's encoder into the rows and back.
class EncodedPushTest {
    private static final OptimizerSpec SGD = OptimizerSpec.parse("sgd(rate=1)");
    private static final int TABLE = 1;
    private static final int DENSE = 2;
    private static final int BLOCK = 16;
    private static final List<Compression> ROUNDED =
            List.of(Compression.bf16(), Compression.fp16(), Compression.int8());
    private static final List<Compression> WITH_FEEDBACK = List.of(
            Compression.twoBit(0.5f),
            Compression.oneBit(),
            Compression.oneBitCompat(0),
            Compression.topK(0.2),
            Compression.randomK(0.2, 7));

    private final MemoryBudget budget = new MemoryBudget(16 << 20);
    private Shard shard = new Shard(0, 1, budget);

    @BeforeEach
    void open() {
        open(2);
    }

    private void open(int dim) {
        shard.close();
        shard = new Shard(0, 1, budget);
        shard.apply(new Control.CreateTable(TABLE, 0, TableSpec.embedding("t", dim, SGD)));
        shard.apply(new Control.CreateTable(
                DENSE, 0, new TableSpec("d", new TableShape.Dense(4_000_000, BLOCK), SGD, new InitialRow.Zero(), 0)));
        shard.apply(Controls.open(DataFrame.RUN, 0, 1));
    }

    @AfterEach
    void close() {
        shard.close();
        assertThat(budget.usedBytes()).isZero();
    }

    private float[] pulled(DataFrame pull) {
        List<Float> values = ((Outcome.Rows) pull.sendTo(shard)).values();
        float[] floats = new float[values.size()];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = values.get(i);
        }
        return floats;
    }

    private static float[] gaussian(int count, long seed) {
        Random random = new Random(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    private static long[] keys(int count) {
        long[] keys = new long[count];
        for (int i = 0; i < count; i++) {
            keys[i] = 3L * i - 7;
        }
        return keys;
    }

    private static Outcome acknowledged(long number) {
        return new Outcome.Acknowledged(1, 0, number);
    }

    private static void assertRefused(Outcome answer, ErrorCode code, boolean ordered, String part) {
        assertThat(answer).isInstanceOfSatisfying(Outcome.Refused.class, refused -> {
            assertThat(refused.code()).isEqualTo(code);
            assertThat(refused.ordered()).isEqualTo(ordered);
            assertThat(refused.message()).contains(part);
        });
    }

    // ---- the worker's form and the server's form ----

    /// With SGD of rate 1 from 0 a row is what was read of its gradient, negated. What the encoder left is what it had
    /// less exactly that.
    @Test
    void readsOfEachValueWhatTheWorkerTookFromItsResidual() {
        for (int dim : new int[] {1, 2, 3, 15, 16, 17, 40}) {
            for (int count : new int[] {1, 2, 5, 33, 70}) {
                for (Compression compression : WITH_FEEDBACK) {
                    open(dim);
                    ValueEncoder encoder = new ValueEncoder(compression);
                    float[] before = gaussian(count * dim, dim);
                    float[] left = before.clone();
                    DataFrame push = DataFrame.encoded(TABLE, dim, keys(count), encoder, left);
                    assertThat(push.numbered(1, 0).sendTo(shard)).isEqualTo(acknowledged(1));
                    assertLeft(compression, before, left, pulled(DataFrame.pull(TABLE, dim, keys(count))));
                }
            }
        }
        for (int count : new int[] {1, 15, 255, 256, 257, 1000}) {
            for (Compression compression : WITH_FEEDBACK) {
                open();
                ValueEncoder encoder = new ValueEncoder(compression);
                float[] before = gaussian(count, count);
                float[] left = before.clone();
                DataFrame push = DataFrame.encodedStretch(DENSE, BLOCK, 5, encoder, left);
                assertThat(push.numbered(1, 0).sendTo(shard)).isEqualTo(acknowledged(1));
                assertLeft(compression, before, left, pulled(DataFrame.pullStretch(DENSE, BLOCK, 5, count)));
            }
        }
    }

    private static void assertLeft(Compression compression, float[] before, float[] left, float[] rows) {
        assertThat(rows).hasSize(before.length);
        for (int i = 0; i < before.length; i++) {
            assertThat(before[i] - -rows[i])
                    .as("%s, i=%s", compression.text(), i)
                    .isEqualTo(left[i]);
        }
    }

    @Test
    void roundedValuesAreTheSameForWorkerAndServerInBothDirections() {
        for (int dim : new int[] {1, 3, 16, 17, 64}) {
            for (int count : new int[] {1, 5, 70, 700}) {
                for (Compression compression : ROUNDED) {
                    open(dim);
                    ValueEncoder encoder = new ValueEncoder(compression);
                    float[] gradients = gaussian(count * dim, dim);
                    float[] rounded = rounded(encoder, gradients, ValueType.spanLength(false, dim));
                    DataFrame push = DataFrame.encoded(TABLE, dim, keys(count), encoder, gradients);
                    assertThat(push.numbered(1, 0).sendTo(shard)).isEqualTo(acknowledged(1));
                    float[] rows = pulled(DataFrame.pull(TABLE, dim, keys(count)));
                    for (int i = 0; i < rows.length; i++) {
                        assertThat(-rows[i]).isEqualTo(rounded[i]);
                    }
                    assertThat(pulled(DataFrame.pull(TABLE, dim, keys(count)).replying(encoder.type())))
                            .containsExactly(rounded(encoder, rows, ValueType.spanLength(false, dim)));
                }
            }
        }
        for (int count : new int[] {1, 256, 257, 40_000}) {
            for (Compression compression : ROUNDED) {
                open();
                ValueEncoder encoder = new ValueEncoder(compression);
                float[] gradients = gaussian(count, count);
                DataFrame push = DataFrame.encodedStretch(DENSE, BLOCK, 5, encoder, gradients);
                assertThat(push.numbered(1, 0).sendTo(shard)).isEqualTo(acknowledged(1));
                float[] rows = pulled(DataFrame.pullStretch(DENSE, BLOCK, 5, count));
                assertThat(pulled(DataFrame.pullStretch(DENSE, BLOCK, 5, count).replying(encoder.type())))
                        .containsExactly(rounded(encoder, rows, ValueType.STRETCH_SPAN));
            }
        }
    }

    private static float[] rounded(ValueEncoder encoder, float[] values, int run) {
        ByteBuffer bytes = DataFrame.buffer((int) encoder.maxBytes(values.length, run));
        encoder.encode(values.clone(), values.length, run, bytes, 0);
        float[] rounded = new float[values.length];
        ValueEncoder.decodeRows(encoder.type(), bytes, 0, rounded, values.length, run);
        return rounded;
    }

    @Test
    void sumsRepeatedKeysAsIfFloatsHadCome() {
        ValueEncoder encoder = new ValueEncoder(Compression.twoBit(1));
        DataFrame push = DataFrame.encoded(TABLE, 2, new long[] {4, 4, 9}, encoder, new float[] {1, 0, 2, 3, -5, 0});
        assertThat(push.numbered(1, 0).sendTo(shard)).isEqualTo(acknowledged(1));
        assertThat(pulled(DataFrame.pull(TABLE, 2, 4, 9))).containsExactly(-2, -1, 1, 0);
    }

    @Test
    void anEmptyPushTakesItsNumber() {
        for (Compression compression : WITH_FEEDBACK) {
            open();
            DataFrame push = DataFrame.encoded(TABLE, 2, new long[0], new ValueEncoder(compression), new float[0]);
            assertThat(push.numbered(1, 0).sendTo(shard)).isEqualTo(acknowledged(1));
            assertThat(push.numbered(2, 1).sendTo(shard)).isEqualTo(acknowledged(2));
        }
    }

    // ---- exactly once, steps ----

    @Test
    void theSameBytesAgainAreAcknowledgedAndNotApplied() {
        DataFrame push = DataFrame.encoded(
                TABLE, 2, keys(3), new ValueEncoder(Compression.twoBit(0.5f)), new float[] {1, 1, 1, 1, 1, 1});
        for (int i = 0; i < 3; i++) {
            assertThat(push.numbered(1, 0).sendTo(shard)).isEqualTo(acknowledged(1));
            assertThat(pulled(DataFrame.pull(TABLE, 2, keys(3)))).containsOnly(-0.5f);
        }
        assertThat(shard.duplicates()).isEqualTo(2);
    }

    @Test
    void aPushPullAnswersInTheTypeThatItAsksForAlsoWhenItComesAgain() {
        ValueEncoder encoder = new ValueEncoder(Compression.oneBit());
        DataFrame push = DataFrame.encoded(FrameType.PUSH_PULL, TABLE, 2, keys(2), encoder, new float[] {1, 1, 1, 1})
                .numbered(1, 0)
                .replying(ValueType.INT8);
        assertThat(pulled(push)).containsOnly(-1f);
        assertThat(pulled(push)).containsOnly(-1f);
    }

    @Test
    void aSynchronousStepFoldsWhatWasRead() {
        RunSpec spec = RunSpec.of("encoded", 2).withConsistency(Consistency.bsp());
        for (boolean dense : new boolean[] {false, true}) {
            List<List<Float>> results = new ArrayList<>();
            for (boolean plain : new boolean[] {true, false}) {
                try (RunOnShard run = new RunOnShard(spec).join(0, 1)) {
                    for (int worker = 0; worker < 2; worker++) {
                        float[] gradients = {0.5f, -0.5f, 0, 0.5f};
                        ValueEncoder encoder = new ValueEncoder(Compression.twoBit(0.5f));
                        DataFrame push;
                        if (dense) {
                            push = plain
                                    ? DataFrame.pushStretch(RunOnShard.DENSE, RunOnShard.BLOCK, 14, gradients)
                                    : DataFrame.encodedStretch(
                                            RunOnShard.DENSE, RunOnShard.BLOCK, 14, encoder, gradients);
                        } else {
                            push = plain
                                    ? DataFrame.push(RunOnShard.TABLE, 1, keys(4), gradients)
                                    : DataFrame.encoded(RunOnShard.TABLE, 1, keys(4), encoder, gradients);
                        }
                        assertThat(run.send(worker, push)).isInstanceOf(Outcome.Acknowledged.class);
                    }
                    run.closeStep(0, 0, 1);
                    DataFrame pull = dense
                            ? DataFrame.pullStretch(RunOnShard.DENSE, RunOnShard.BLOCK, 14, 4)
                            : DataFrame.pull(RunOnShard.TABLE, 1, keys(4));
                    results.add(((Outcome.Rows) pull.ofRun(0).sendTo(run.shard)).values());
                }
            }
            assertThat(results.get(0)).containsExactly(-1f, 1f, 0f, -1f);
            assertThat(results.get(1)).isEqualTo(results.get(0));
        }
    }

    // ---- hostile ----

    @Test
    void refusesInOrderWhatCannotBeValues() {
        int valuesAt = 8;
        refuses(Compression.twoBit(1), bytes -> bytes.putFloat(valuesAt, Float.NaN), "threshold must be finite");
        refuses(Compression.twoBit(1), bytes -> bytes.putFloat(valuesAt, 0), "threshold must be finite");
        refuses(Compression.twoBit(1), bytes -> bytes.putFloat(valuesAt, -1), "threshold must be finite");
        refuses(
                Compression.twoBit(1),
                bytes -> bytes.putFloat(valuesAt, Float.POSITIVE_INFINITY),
                "threshold must be finite");
        refuses(Compression.twoBit(1), bytes -> bytes.put(valuesAt + 4, (byte) 0x40), "at=0, count=2");
        refuses(Compression.twoBit(1), bytes -> bytes.put(valuesAt + 4, (byte) 0x02), "at=3, count=2");
        refuses(Compression.twoBit(1), bytes -> bytes.put(valuesAt + 7, (byte) 0x01), "at=15, count=2");
        refuses(Compression.oneBitCompat(0), bytes -> bytes.put(valuesAt, (byte) 0x20), "at=2, count=2");
        refuses(Compression.oneBitCompat(0), bytes -> bytes.put(valuesAt + 3, (byte) 0x01), "at=31, count=2");
        refuses(Compression.oneBit(), bytes -> bytes.put(valuesAt + 4, (byte) 0x01), "at=0, count=2");
        refuses(Compression.oneBit(), bytes -> bytes.putFloat(valuesAt, -1), "at=0, count=2");
        refuses(Compression.topK(1), bytes -> bytes.putInt(valuesAt + 8, 2), "at=1, count=2");
        refuses(Compression.topK(1), bytes -> bytes.putInt(valuesAt + 8, 0), "at=1, count=2");
        refuses(Compression.topK(1), bytes -> bytes.putInt(valuesAt + 4, -1), "at=0, count=2");
    }

    private void refuses(Compression compression, Consumer<ByteBuffer> change, String part) {
        refuses(compression, change, ErrorCode.INVALID_ARGUMENT, part);
    }

    /// The refusal takes the number, nothing of the push is applied, and the next push follows it.
    private void refuses(Compression compression, Consumer<ByteBuffer> change, ErrorCode code, String part) {
        open();
        DataFrame push = DataFrame.encoded(TABLE, 2, new long[] {5}, new ValueEncoder(compression), new float[] {3, 1})
                .changed(change);
        assertRefused(push.numbered(1, 0).sendTo(shard), code, true, part);
        assertThat(pulled(DataFrame.pull(TABLE, 2, 5))).containsOnly(0f);
        assertRefused(push.numbered(1, 0).sendTo(shard), ErrorCode.REJECTED, true, "refused when it came first");
        assertThat(DataFrame.push(TABLE, 2, new long[] {5}, 1, 1).numbered(2, 1).sendTo(shard))
                .isEqualTo(acknowledged(2));
    }

    @Test
    void namesTheKeyOfAValueThatIsNotFinite() {
        int valuesAt = 8;
        refuses(
                Compression.oneBit(),
                bytes -> bytes.putFloat(valuesAt, Float.NaN),
                ErrorCode.NON_FINITE,
                "table=t, key=5");
        refuses(
                Compression.int8(),
                bytes -> bytes.putFloat(valuesAt, Float.MAX_VALUE),
                ErrorCode.NON_FINITE,
                "table=t, key=5");
        refuses(
                Compression.bf16(),
                bytes -> bytes.putShort(valuesAt + 2, (short) 0x7f80),
                ErrorCode.NON_FINITE,
                "table=t, key=5");
        refuses(
                Compression.fp16(),
                bytes -> bytes.putShort(valuesAt + 2, (short) 0xfc00),
                ErrorCode.NON_FINITE,
                "table=t, key=5");
        refuses(
                Compression.topK(1),
                bytes -> bytes.putFloat(valuesAt + 12, Float.NaN),
                ErrorCode.NON_FINITE,
                "table=t, key=5");
    }

    /// A few bytes that stand for many floats are paid for by the budget while they are looked at, and only then.
    @Test
    void aLongPushNeedsMemoryWhileItIsRead() {
        int count = 2_000_000;
        DataFrame push =
                DataFrame.encodedStretch(DENSE, BLOCK, 0, new ValueEncoder(Compression.topK(1e-6)), new float[count]);
        long free = budget.capBytes() - budget.usedBytes();
        assertThat(budget.tryReserve(free - 4L * count + 1)).isTrue();
        assertRefused(
                push.numbered(1, 0).sendTo(shard),
                ErrorCode.MEMORY_EXCEEDED,
                false,
                "for its keys and values: table=d");
        budget.release(free - 4L * count + 1);
        long before = budget.usedBytes();
        assertRefused(
                push.changed(bytes -> bytes.putInt(0, 0)).numbered(1, 0).sendTo(shard),
                ErrorCode.MEMORY_EXCEEDED,
                false,
                "push needs memory");
        assertThat(budget.usedBytes()).isEqualTo(before);
        assertThat(4L * count).isLessThan(Limits.MAX_FRAME_BYTES);
    }
}
