package io.weir.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class UpdateKernelTest {
    private static final long SEED = 20261101;

    private static final float[] SPECIAL = {
        0f,
        -0f,
        1f,
        -1f,
        Float.MIN_VALUE,
        -Float.MIN_VALUE,
        0x1p-130f,
        Float.MIN_NORMAL,
        -Float.MIN_NORMAL,
        1e-20f,
        -1e-23f,
        1e19f,
        -1e20f,
        1e30f,
        Float.MAX_VALUE,
        -Float.MAX_VALUE,
        Float.POSITIVE_INFINITY,
        Float.NEGATIVE_INFINITY,
        Float.NaN
    };

    private static final List<UpdateKernel> KERNELS = List.of(
            UpdateKernels.sgd(0.1f),
            UpdateKernels.momentum(0.1f, 0.9f),
            UpdateKernels.adaGrad(0.1f, 1e-8f),
            UpdateKernels.adaGrad(0.1f, 0),
            UpdateKernels.adam(0.001f, 0.9f, 0.999f, 1e-8f),
            UpdateKernels.adam(0.001f, 0, 0, 0),
            UpdateKernels.ftrl(0.1f, 1, 0, 0),
            UpdateKernels.ftrl(0.05f, 1, 0.5f, 0.25f),
            UpdateKernels.ftrl(0.05f, 0, 0.5f, 0.25f),
            UpdateKernels.nesterov(0.1f, 0.9f),
            UpdateKernels.rowwiseAdaGrad(0.1f, 1e-8f),
            UpdateKernels.groupAdaGrad(0.1f, 1e-5f),
            UpdateKernels.adaDelta(1, 0.9f, 1e-5f),
            UpdateKernels.rmsProp(0.01f, 0.9f, 1e-8f, 0, false),
            UpdateKernels.rmsProp(0.01f, 0.9f, 1e-8f, 0.5f, false),
            UpdateKernels.rmsProp(0.01f, 0.9f, 1e-8f, 0, true),
            UpdateKernels.rmsProp(0.01f, 0.9f, 1e-8f, 0.5f, true),
            UpdateKernels.adamW(0.001f, 0.9f, 0.999f, 1e-8f, 0.01f),
            UpdateKernels.adaMax(0.002f, 0.9f, 0.999f, 0),
            UpdateKernels.nadam(0.001f, 0.9f, 0.999f, 1e-8f, 0.004f),
            UpdateKernels.amsGrad(0.001f, 0.9f, 0.999f, 1e-8f),
            UpdateKernels.ftml(0.0025f, 0.6f, 0.999f, 1e-8f),
            UpdateKernels.signum(0.01f, 0.9f, 0.1f),
            UpdateKernels.signum(0.01f, 0, 0),
            UpdateKernels.sgld(0.01f, 5),
            UpdateKernels.lars(0.1f, 0.9f, 0.001f, 1e-8f, 0.01f),
            UpdateKernels.lamb(0.01f, 0.9f, 0.999f, 1e-6f, 0.01f, 0, 0),
            UpdateKernels.dcAsgd(0.01f, 0, 0.04f),
            UpdateKernels.dcAsgd(0.01f, 0.9f, 0.04f),
            UpdateKernels.adaGrad(0.1f, 1e-8f).tuned(0.5f, 1, 0, 0.01f, null),
            UpdateKernels.adam(0.001f, 0.9f, 0.999f, 1e-8f).tuned(1, 0, 0.5f, 0, t -> 1f / t),
            UpdateKernels.lamb(0.01f, 0.9f, 0.999f, 1e-6f, 0, 0, 10).tuned(2, 0.7f, 1.5f, 0.1f, t -> 0.5f),
            UpdateKernels.add(),
            UpdateKernels.assign(),
            UpdateKernels.min(),
            UpdateKernels.max());

    private final Arena arena = Arena.ofShared();

    @AfterEach
    void close() {
        arena.close();
    }

    @Test
    void sgdStepsAgainstTheGradient() {
        RecordsFixture rows = ordinary(19, 0);
        RecordsFixture before = rows.copy(arena);
        rows.update(UpdateKernels.sgd(0.3f));
        forEachWeight(rows, (row, i) -> {
            float expected = before.weight(row, i) - 0.3f * rows.gradient(row, i);
            assertThat(rows.weight(row, i)).isEqualTo(expected);
        });
    }

    @Test
    void momentumKeepsAVelocity() {
        RecordsFixture rows = ordinary(23, 1);
        RecordsFixture before = rows.copy(arena);
        rows.update(UpdateKernels.momentum(0.3f, 0.8f));
        forEachWeight(rows, (row, i) -> {
            float v = 0.8f * before.slot(row, 0, i) + rows.gradient(row, i);
            assertThat(rows.slot(row, 0, i)).isEqualTo(v);
            assertThat(rows.weight(row, i)).isEqualTo(before.weight(row, i) - 0.3f * v);
        });
    }

    @Test
    void adaGradDividesByTheRootOfSquares() {
        RecordsFixture rows = ordinary(37, 1);
        RecordsFixture before = rows.copy(arena);
        rows.update(UpdateKernels.adaGrad(0.3f, 0.01f));
        forEachWeight(rows, (row, i) -> {
            float g = rows.gradient(row, i);
            float a = before.slot(row, 0, i) + g * g;
            assertThat(rows.slot(row, 0, i)).isEqualTo(a);
            float root = (float) Math.sqrt(a);
            assertThat(rows.weight(row, i)).isEqualTo(before.weight(row, i) - 0.3f * g / (root + 0.01f));
            double exact =
                    before.weight(row, i) - 0.3 * g / (Math.sqrt(before.slot(row, 0, i) + (double) g * g) + 0.01);
            assertThat((double) rows.weight(row, i)).isCloseTo(exact, within(1e-5));
        });
    }

    @Test
    void adaGradGivesThePublishedSteps() {
        for (int length : new int[] {1, 4, 16, 21}) {
            RecordsFixture rows = filled(length, 1, 1f);
            UpdateKernel kernel = UpdateKernels.adaGrad(0.1f, 0);
            rows.initialize(kernel);
            putGradients(rows, 2);
            rows.update(kernel);
            forEachWeight(rows, (row, i) -> assertThat(rows.weight(row, i)).isEqualTo(0.9f));
            putGradients(rows, 1);
            rows.update(kernel);
            forEachWeight(rows, (row, i) -> assertThat(rows.weight(row, i)).isCloseTo(0.8552786f, within(1e-7f)));
        }
    }

    @Test
    void zeroGradientsWithoutEpsilonKeepTheWeight() {
        List<UpdateKernel> kernels = List.of(UpdateKernels.adaGrad(0.1f, 0), UpdateKernels.adam(0.1f, 0.9f, 0.999f, 0));
        for (UpdateKernel kernel : kernels) {
            for (int length : new int[] {1, 3, 8, 16, 29}) {
                RecordsFixture rows = filled(length, kernel.slotCount(), 0.7f);
                rows.initialize(kernel);
                putGradients(rows, 0);
                rows.update(kernel);
                forEachWeight(rows, (row, i) -> assertThat(rows.weight(row, i)).isEqualTo(0.7f));
            }
        }
    }

    /// A gradient whose square underflows must not leap: without epsilon no first step is longer than the rate.
    @Test
    void tinyGradientsWithoutEpsilonStepAtMostTheRate() {
        RecordsFixture rows = filled(17, 1, 0f);
        UpdateKernel kernel = UpdateKernels.adaGrad(0.1f, 0);
        rows.initialize(kernel);
        for (float gradient = 1f; gradient > 0; gradient /= 8) {
            rows.initialize(kernel);
            RecordsFixture once = rows.copy(arena);
            putGradients(once, gradient);
            once.update(kernel);
            assertThat(once.weight(0, 0)).isBetween(-0.2f, 0f);
        }
    }

    @Test
    void adamFollowsItsFormula() {
        float rest1 = 1 - 0.9f;
        float rest2 = 1 - 0.99f;
        RecordsFixture rows = ordinary(41, 2);
        RecordsFixture before = rows.copy(arena);
        rows.update(UpdateKernels.adam(0.01f, 0.9f, 0.99f, 1e-6f));
        forEachWeight(rows, (row, i) -> {
            int t = rows.pushCount(row);
            float g = rows.gradient(row, i);
            float m = 0.9f * before.slot(row, 0, i) + rest1 * g;
            float v = 0.99f * before.slot(row, 1, i) + rest2 * g * g;
            assertThat(rows.slot(row, 0, i)).isEqualTo(m);
            assertThat(rows.slot(row, 1, i)).isEqualTo(v);
            double meanCorrected = m / (1 - Math.pow(0.9f, t));
            double squareCorrected = v / (1 - Math.pow(0.99f, t));
            double step = 0.01f * meanCorrected / (Math.sqrt(squareCorrected) + 1e-6f);
            assertThat((double) rows.weight(row, i)).isCloseTo(before.weight(row, i) - step, within(1e-6));
        });
    }

    /// Algorithm 1 of the paper in double, with the beta that a float holds.
    @Test
    void adamTakesTheFirstStepsOfThePaper() {
        float[] gradients = {0.5f, -0.25f, 1f, 0.125f, -2f, 0.75f};
        double m = 0;
        double v = 0;
        double w = 1;
        RecordsFixture rows = filled(20, 2, 1f);
        UpdateKernel kernel = UpdateKernels.adam(0.1f, 0.9f, 0.999f, 1e-8f);
        rows.initialize(kernel);
        for (int t = 1; t <= gradients.length; t++) {
            double g = gradients[t - 1];
            m = 0.9f * m + (1 - (double) 0.9f) * g;
            v = 0.999f * v + (1 - (double) 0.999f) * g * g;
            double mHat = m / (1 - Math.pow(0.9f, t));
            double vHat = v / (1 - Math.pow(0.999f, t));
            w -= 0.1f * mHat / (Math.sqrt(vHat) + 1e-8);
            for (int row = 0; row < rows.rowCount; row++) {
                rows.putPushCount(row, t);
            }
            putGradients(rows, (float) g);
            rows.update(kernel);
            double expected = w;
            forEachWeight(
                    rows, (row, i) -> assertThat((double) rows.weight(row, i)).isCloseTo(expected, within(2e-6)));
        }
        assertThat(w).isBetween(0.5, 1.0);
    }

    @Test
    void adamCorrectsAnyPushCount() {
        for (float beta2 : new float[] {0, 0.5f, 0.99f, 0.999f, 0.99999f, Math.nextDown(1f)}) {
            for (int t : new int[] {1, 2, 3, 100, 17_000, 65_535, 65_536, 1_000_000, Integer.MAX_VALUE, -1}) {
                float beta1 = beta2 / 2;
                RecordsFixture rows = filled(4, 2, 0f);
                UpdateKernel kernel = UpdateKernels.adam(1f, beta1, beta2, 0);
                for (int row = 0; row < rows.rowCount; row++) {
                    rows.putPushCount(row, t);
                    for (int i = 0; i < 4; i++) {
                        rows.putSlot(row, 0, i, 1);
                        rows.putSlot(row, 1, i, 1);
                    }
                }
                putGradients(rows, 1);
                rows.update(kernel);
                double count = Integer.toUnsignedLong(t);
                double mHat = 1 / (1 - Math.pow(beta1, count));
                double vHat = 1 / (1 - Math.pow(beta2, count));
                double expected = -mHat / Math.sqrt(vHat);
                assertThat((double) rows.weight(0, 0))
                        .as("beta2=%s, t=%s", beta2, t)
                        .isCloseTo(expected, within(Math.abs(expected) * 1e-5));
            }
        }
    }

    @Test
    void ftrlFollowsItsFormula() {
        RecordsFixture rows = ordinary(27, 2);
        RecordsFixture before = rows.copy(arena);
        rows.update(UpdateKernels.ftrl(0.2f, 0.5f, 0.3f, 0.7f));
        float inverse = 1 / 0.2f;
        forEachWeight(rows, (row, i) -> {
            float g = rows.gradient(row, i);
            float n = before.slot(row, 1, i);
            float q = n + g * g;
            float sigma = ((float) Math.sqrt(q) - (float) Math.sqrt(n)) * inverse;
            float z = before.slot(row, 0, i) + g - sigma * before.weight(row, i);
            assertThat(rows.slot(row, 0, i)).isEqualTo(z);
            assertThat(rows.slot(row, 1, i)).isEqualTo(q);
            double expected = 0;
            if (Math.abs(z) > 0.3f) {
                expected = -(z - Math.signum(z) * 0.3f) / ((0.5 + Math.sqrt(q)) / 0.2f + 0.7f);
            }
            assertThat((double) rows.weight(row, i)).isCloseTo(expected, within(1e-6));
        });
    }

    @Test
    void ftrlHoldsWeightsAtZeroWithinL1() {
        RecordsFixture rows = filled(33, 2, 0f);
        UpdateKernel kernel = UpdateKernels.ftrl(0.1f, 1, 1, 0);
        rows.initialize(kernel);
        putGradients(rows, 0.4f);
        rows.update(kernel);
        rows.update(kernel);
        forEachWeight(
                rows,
                (row, i) -> assertThat(Float.floatToRawIntBits(rows.weight(row, i)))
                        .isEqualTo(Float.floatToRawIntBits(0f)));
        rows.update(kernel);
        forEachWeight(rows, (row, i) -> assertThat(rows.weight(row, i)).isLessThan(0));
    }

    @Test
    void ftrlInitializesToTheInitialRow() {
        Random random = new Random(SEED);
        for (float l1 : new float[] {0, 0.5f}) {
            RecordsFixture rows = ordinary(31, 2);
            for (int i = 0; i < 31; i++) {
                rows.putWeight(0, i, i == 7 ? 0f : (float) random.nextGaussian());
            }
            RecordsFixture before = rows.copy(arena);
            rows.initialize(UpdateKernels.ftrl(0.2f, 0.5f, l1, 0.7f));
            forEachWeight(rows, (row, i) -> {
                float w = before.weight(row, i);
                assertThat(rows.weight(row, i)).isEqualTo(w);
                assertThat(rows.slot(row, 1, i)).isZero();
                float z = rows.slot(row, 0, i);
                double again = Math.abs(z) <= l1 ? 0 : -(z - Math.signum(z) * l1) / (0.5 / 0.2f + 0.7f);
                assertThat(again).isCloseTo(w, within(1e-6));
            });
            assertThat(Float.floatToRawIntBits(rows.slot(0, 0, 7))).isZero();
        }
    }

    @Test
    void plainValuesAreAddedAssignedOrCompared() {
        RecordsFixture rows = ordinary(19, 0);
        RecordsFixture before = rows.copy(arena);
        rows.putWeight(2, 3, -0f);
        rows.putGradient(2, 3, 0f);
        RecordsFixture added = rows.copy(arena);
        added.update(UpdateKernels.add());
        RecordsFixture assigned = rows.copy(arena);
        assigned.update(UpdateKernels.assign());
        RecordsFixture least = rows.copy(arena);
        least.update(UpdateKernels.min());
        RecordsFixture greatest = rows.copy(arena);
        greatest.update(UpdateKernels.max());
        before.putWeight(2, 3, -0f);
        forEachWeight(rows, (row, i) -> {
            float w = before.weight(row, i);
            float d = rows.gradient(row, i);
            assertThat(added.weight(row, i)).isEqualTo(w + d);
            assertThat(assigned.weight(row, i)).isEqualTo(d);
            assertThat(least.weight(row, i)).isEqualTo(d < w ? d : w);
            assertThat(greatest.weight(row, i)).isEqualTo(d > w ? d : row == 2 && i == 3 ? 0f : w);
        });
    }

    @Test
    void initializeSetsSlotsToZeroAndNothingElse() {
        RecordsFixture rows = ordinary(9, 1);
        RecordsFixture before = rows.copy(arena);
        rows.initialize(UpdateKernels.adaGrad(0.1f, 0));
        forEachWeight(rows, (row, i) -> {
            assertThat(rows.slot(row, 0, i)).isZero();
            before.putSlot(row, 0, i, 0);
        });
        assertThat(rows.records.mismatch(before.records)).isEqualTo(-1);
    }

    @Test
    void vectorAgreesWithScalarOnEveryLength() {
        for (UpdateKernel kernel : KERNELS) {
            for (int length = 1; length <= 130; length++) {
                Random random = new Random(SEED + length);
                int rowCount = length % 10 == 9 ? 150 : 5;
                RecordsFixture vector = RecordsFixture.create(arena, random, length, kernel, rowCount);
                fillOrdinary(vector, random);
                assertSameInBothForms(kernel, vector, "length=" + length);
            }
        }
    }

    @Test
    void vectorAgreesWithScalarOnSpecialValues() {
        for (UpdateKernel kernel : KERNELS) {
            for (int length : new int[] {1, 4, 16, 25, 47}) {
                for (int round = 0; round < 40; round++) {
                    long seed = SEED + 1000L * round + length;
                    Random random = new Random(seed);
                    RecordsFixture vector = RecordsFixture.create(arena, random, length, kernel, 4);
                    forEachWeight(vector, (row, i) -> {
                        vector.putGradient(row, i, special(random));
                        vector.putWeight(row, i, special(random));
                        for (int slot = 0; slot < kernel.slotCount(); slot++) {
                            vector.putSlot(row, slot, i, special(random));
                        }
                    });
                    assertSameInBothForms(kernel, vector, "seed=" + seed + ", length=" + length);
                }
            }
        }
    }

    /// A part of a block changes as the same part of a whole update does, and nothing beside it.
    @Test
    void updatesPartsLikeTheWhole() {
        int rowLength = 200;
        for (UpdateKernel kernel : KERNELS) {
            if (needsWholeRow(kernel)) {
                continue;
            }
            for (int round = 0; round < 20; round++) {
                long seed = SEED + round;
                Random random = new Random(seed);
                int start = random.nextInt(rowLength);
                int length = 1 + random.nextInt(rowLength - start);
                RecordsFixture whole = RecordsFixture.create(arena, random, rowLength, kernel, 3);
                fillOrdinary(whole, random);
                RecordsFixture before = whole.copy(arena);
                RecordsFixture part = whole.copy(arena);
                whole.update(kernel);
                MemorySegment gradients = arena.allocate(1 + (long) length * Float.BYTES);
                MemorySegment.copy(whole.gradients, whole.gradientOffset(1, start), gradients, 1, (long) length * 4);
                kernel.updateParts(
                        part.records, part.rowOffsets, 1, 1, start * 4L, gradients, 1, length, part.slotStrideBytes());
                for (int slots = 0; slots <= kernel.slotCount(); slots++) {
                    for (int i = start; i < start + length; i++) {
                        long offset = whole.offset(1, slots, i);
                        before.records.set(RecordLayout.INT, offset, whole.records.get(RecordLayout.INT, offset));
                    }
                }
                for (int position = rowLength * (1 + kernel.slotCount()); position < whole.valueLength(); position++) {
                    long offset = whole.valueOffset(1, position);
                    before.records.set(RecordLayout.INT, offset, whole.records.get(RecordLayout.INT, offset));
                }
                assertThat(part.records.mismatch(before.records))
                        .as("seed=%s", seed)
                        .isEqualTo(-1);
            }
        }
    }

    /// Norms and means of a part are not those of the whole; tables keep such rows in one piece.
    private static boolean needsWholeRow(UpdateKernel kernel) {
        return kernel instanceof GroupAdaGradKernel
                || kernel instanceof LarsKernel
                || kernel instanceof LambKernel
                || (kernel instanceof TunedKernel tuned && tuned.takesNorm());
    }

    @Test
    void updatesOnlyTheRowsOfTheRange() {
        RecordsFixture rows = ordinary(16, 1);
        UpdateKernel kernel = UpdateKernels.adaGrad(0.1f, 0);
        RecordsFixture before = rows.copy(arena);
        kernel.update(
                rows.records,
                rows.rowOffsets,
                2,
                2,
                rows.gradients,
                rows.gradientOffset(2, 0),
                16,
                rows.slotStrideBytes());
        RecordsFixture all = before.copy(arena);
        all.update(kernel);
        forEachWeight(rows, (row, i) -> {
            RecordsFixture expected = row == 2 || row == 3 ? all : before;
            assertThat(rows.weight(row, i)).isEqualTo(expected.weight(row, i));
            assertThat(rows.slot(row, 0, i)).isEqualTo(expected.slot(row, 0, i));
        });
    }

    @Test
    void aRowListedTwiceIsUpdatedTwice() {
        RecordsFixture rows = filled(16, 0, 1f);
        putGradients(rows, 1);
        long[] twice = {rows.rowOffsets[0], rows.rowOffsets[0]};
        UpdateKernels.sgd(0.25f).update(rows.records, twice, 0, 2, rows.gradients, 3, 16, 64);
        assertThat(rows.weight(0, 5)).isEqualTo(0.5f);
        assertThat(rows.weight(1, 5)).isEqualTo(1f);
    }

    @Test
    void readsGradientsOfDirectBuffers() {
        RecordsFixture rows = ordinary(16, 1);
        RecordsFixture other = rows.copy(arena);
        ByteBuffer buffer = ByteBuffer.allocateDirect((int) rows.gradients.byteSize());
        MemorySegment gradients = MemorySegment.ofBuffer(buffer);
        gradients.copyFrom(rows.gradients);
        UpdateKernel kernel = UpdateKernels.adaGrad(0.1f, 0);
        kernel.update(
                rows.records,
                rows.rowOffsets,
                0,
                rows.rowCount,
                gradients.asReadOnly(),
                RecordsFixture.GRADIENTS_OFFSET,
                16,
                rows.slotStrideBytes());
        other.update(kernel);
        assertThat(rows.records.mismatch(other.records)).isEqualTo(-1);
    }

    @Test
    void refusesRowsAndGradientsOutOfBoundsBeforeChangingAnything() {
        RecordsFixture rows = ordinary(16, 1);
        RecordsFixture before = rows.copy(arena);
        UpdateKernel kernel = UpdateKernels.adaGrad(0.1f, 0);
        long last = rows.records.byteSize() - 128;
        for (long bad : new long[] {last + 1, last + 16, 15, 0, -1, Long.MIN_VALUE, Long.MAX_VALUE}) {
            long[] offsets = rows.rowOffsets.clone();
            offsets[3] = bad;
            assertThatThrownBy(() -> kernel.update(rows.records, offsets, 0, 5, rows.gradients, 3, 16, 64))
                    .isInstanceOf(IndexOutOfBoundsException.class)
                    .hasMessageStartingWith("row must lie within the records: rowOffset=" + bad + ", row=3");
        }
        for (long bad : new long[] {4, -1, Long.MAX_VALUE}) {
            assertThatThrownBy(() -> kernel.update(rows.records, rows.rowOffsets, 0, 5, rows.gradients, bad, 16, 64))
                    .isInstanceOf(IndexOutOfBoundsException.class)
                    .hasMessageStartingWith("range must lie within its segment: offset=" + bad);
        }
        for (int from : new int[] {1, -1}) {
            assertThatThrownBy(() -> kernel.update(rows.records, rows.rowOffsets, from, 5, rows.gradients, 3, 16, 64))
                    .isInstanceOf(IndexOutOfBoundsException.class)
                    .hasMessageStartingWith("rows must lie within rowOffsets: from=" + from);
        }
        assertThat(rows.records.mismatch(before.records)).isEqualTo(-1);
    }

    @Test
    void refusesShapesThatOverlap() {
        RecordsFixture rows = ordinary(16, 1);
        UpdateKernel kernel = UpdateKernels.adaGrad(0.1f, 0);
        assertThatThrownBy(() -> kernel.update(rows.records, rows.rowOffsets, 0, 1, rows.gradients, 3, 16, 60))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("slotStrideBytes=60");
        assertThatThrownBy(() -> kernel.updateParts(rows.records, rows.rowOffsets, 0, 1, 4, rows.gradients, 3, 16, 64))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("startBytes=4");
        assertThatThrownBy(() -> kernel.update(rows.records, rows.rowOffsets, 0, 1, rows.gradients, 3, -1, 64))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("length=-1");
    }

    @Test
    void refusesSegmentsItCannotUse() {
        RecordsFixture rows = ordinary(16, 0);
        UpdateKernel kernel = UpdateKernels.sgd(0.1f);
        MemorySegment heap = MemorySegment.ofArray(new float[200]);
        assertThatThrownBy(() -> kernel.update(rows.records, rows.rowOffsets, 0, 1, heap, 0, 16, 64))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("native=false");
        assertThatThrownBy(() ->
                        kernel.update(rows.records.asReadOnly(), rows.rowOffsets, 0, 1, rows.gradients, 3, 16, 64))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("readOnly=true");
        Arena closed = Arena.ofShared();
        MemorySegment gone = closed.allocate(200);
        closed.close();
        assertThatThrownBy(() -> kernel.update(rows.records, rows.rowOffsets, 0, 1, gone, 0, 16, 64))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageStartingWith("segment is closed");
    }

    @Test
    void refusesSettingsOutOfRange() {
        assertThatThrownBy(() -> UpdateKernels.sgd(0))
                .hasMessage("rate must be above 0 and finite: rate=0.0")
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> UpdateKernels.momentum(1, 1))
                .hasMessage("momentum must be at least 0 and below 1: momentum=1.0");
        assertThatThrownBy(() -> UpdateKernels.adaGrad(1, Float.NaN))
                .hasMessage("epsilon must be 0 or more and finite: epsilon=NaN");
        assertThatThrownBy(() -> UpdateKernels.ftrl(1, 0, 0, 0))
                .hasMessage("ftrl needs beta or l2 above 0: beta=0, l2=0");
    }

    /// Lanes live in registers only: a loop that boxed them would allocate at every row. The compiler works in
    /// the background, so rounds go on until one allocates nothing; the measuring itself may take a few bytes.
    @Test
    void allocatesNothingOnceCompiled() {
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        for (UpdateKernel kernel : KERNELS) {
            for (int length : new int[] {1, 8, 16, 100}) {
                Random random = new Random(SEED);
                RecordsFixture rows = RecordsFixture.create(arena, random, length, kernel, 512);
                fillOrdinary(rows, random);
                long least = Long.MAX_VALUE;
                for (int attempt = 0; attempt < 2_000 && least >= 64; attempt++) {
                    long before = threads.getCurrentThreadAllocatedBytes();
                    for (int i = 0; i < 50; i++) {
                        rows.update(kernel);
                    }
                    least = Math.min(least, (threads.getCurrentThreadAllocatedBytes() - before) / 50);
                }
                assertThat(least)
                        .as("bytes an update of 512 rows, kernel=%s, length=%s", kernel, length)
                        .isLessThan(64);
            }
        }
    }

    private void assertSameInBothForms(UpdateKernel kernel, RecordsFixture vector, String what) {
        RecordsFixture scalar = vector.copy(arena);
        RecordsFixture before = vector.copy(arena);
        vector.update(kernel);
        scalar.updateScalar(kernel);
        for (int row = 0; row < vector.rowCount; row++) {
            for (int position = 0; position < vector.valueLength(); position++) {
                long offset = vector.valueOffset(row, position);
                float expected = scalar.records.get(RecordLayout.FLOAT, offset);
                float actual = vector.records.get(RecordLayout.FLOAT, offset);
                if (Float.floatToIntBits(actual) != Float.floatToIntBits(expected)) {
                    int i = position % vector.rowLength;
                    throw new AssertionError("forms differ: expected=" + expected + ", actual=" + actual + ", kernel="
                            + kernel.getClass().getSimpleName() + ", position=" + position + ", index=" + i
                            + ", gradient=" + vector.gradient(row, i) + ", weight=" + before.weight(row, i) + ", "
                            + what);
                }
                // Beside the rows all three must hold the same noise.
                vector.records.set(RecordLayout.INT, offset, 0);
                scalar.records.set(RecordLayout.INT, offset, 0);
                before.records.set(RecordLayout.INT, offset, 0);
            }
        }
        assertThat(vector.records.mismatch(before.records)).as(what).isEqualTo(-1);
        assertThat(scalar.records.mismatch(before.records)).as(what).isEqualTo(-1);
    }

    private RecordsFixture ordinary(int rowLength, int slotCount) {
        Random random = new Random(SEED + rowLength);
        RecordsFixture rows = RecordsFixture.create(arena, random, rowLength, slotCount, 5);
        fillOrdinary(rows, random);
        return rows;
    }

    private RecordsFixture filled(int rowLength, int slotCount, float weight) {
        RecordsFixture rows = ordinary(rowLength, slotCount);
        forEachWeight(rows, (row, i) -> rows.putWeight(row, i, weight));
        return rows;
    }

    /// Weights and gradients of either sign; slots as sums of squares would be.
    private static void fillOrdinary(RecordsFixture rows, Random random) {
        forEachWeight(rows, (row, i) -> {
            rows.putWeight(row, i, (float) random.nextGaussian());
            rows.putGradient(row, i, (float) random.nextGaussian());
            for (int slot = 0; slot < rows.slotCount; slot++) {
                rows.putSlot(row, slot, i, random.nextFloat() * 4);
            }
        });
    }

    private static void putGradients(RecordsFixture rows, float gradient) {
        forEachWeight(rows, (row, i) -> rows.putGradient(row, i, gradient));
    }

    private static float special(Random random) {
        return random.nextInt(3) == 0 ? (float) random.nextGaussian() : SPECIAL[random.nextInt(SPECIAL.length)];
    }

    private static void forEachWeight(RecordsFixture rows, WeightVisitor visitor) {
        for (int row = 0; row < rows.rowCount; row++) {
            for (int i = 0; i < rows.rowLength; i++) {
                visitor.visit(row, i);
            }
        }
    }

    private interface WeightVisitor {
        void visit(int row, int index);
    }
}
