package io.weir.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.weir.kernel.Vectors.Formula;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/// Each operation against its formula, written out in plain arithmetic.
class VectorsTest {
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int AT = 3;
    private static final long SEED = 17;

    private interface Reference {
        double of(double y, double x, double a);
    }

    @Test
    void fills() {
        check(Formula.FILL, (y, x, a) -> a);
    }

    @Test
    void adds() {
        check(Formula.ADD, (y, x, a) -> y + a);
    }

    @Test
    void scales() {
        check(Formula.SCALE, (y, x, a) -> a * y);
    }

    @Test
    void addsAMultipleOfAnother() {
        check(Formula.AXPY, (y, x, a) -> y + a * x);
    }

    @Test
    void multiplies() {
        check(Formula.MULTIPLY, (y, x, a) -> y * x);
    }

    @Test
    void takesThePseudoGradient() {
        check(Formula.PSEUDO_GRADIENT, (y, x, a) -> {
            double left = x > 0 ? y + a : y - a;
            double right = x < 0 ? y - a : y + a;
            return left > 0 ? left : right < 0 ? right : 0;
        });
    }

    @Test
    void choosesTheOrthant() {
        check(Formula.ORTHANT, (y, x, a) -> y > 0 ? 1 : y < 0 ? -1 : x > 0 ? -1 : x < 0 ? 1 : 0);
    }

    @Test
    void keepsWhatGoesTheSameWay() {
        check(Formula.ALIGN, (y, x, a) -> (y > 0) == (a * x > 0) && y != 0 && a * x != 0 ? y : 0);
    }

    private static void check(Formula formula, Reference reference) {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int round = 0; round < 200; round++) {
            int length = random.nextInt(70);
            double sign = round % 5 > 0 || formula == Formula.PSEUDO_GRADIENT ? 1 : -1;
            double a = sign * (round % 5 == 0 ? random.nextDouble() : random.nextDouble() * 3);
            MemorySegment y = vector(random, length);
            MemorySegment x = vector(random, length);
            MemorySegment into = random.nextBoolean() ? y : Arena.ofAuto().allocate(AT + 4L * length);
            float[] expected = new float[length];
            for (int i = 0; i < length; i++) {
                expected[i] = (float) reference.of(get(y, i), get(x, i), a);
            }
            Vectors.transform(formula, into, AT, y, AT, x, AT, a, length);
            for (int i = 0; i < length; i++) {
                // A zero of either sign is fine.
                assertThat(get(into, i) + 0f)
                        .as("seed=%s, round=%s, i=%s", SEED, round, i)
                        .isEqualTo(expected[i] + 0f);
            }
        }
    }

    @Test
    void sumsWithinTheRoundingOfDoubles() {
        SplittableRandom random = new SplittableRandom(SEED + 1);
        for (int round = 0; round < 200; round++) {
            int length = random.nextInt(1000);
            MemorySegment y = vector(random, length);
            MemorySegment x = vector(random, length);
            double dot = 0;
            double absolute = 0;
            double norm = 0;
            for (int i = 0; i < length; i++) {
                dot += (double) get(y, i) * get(x, i);
                absolute += Math.abs((double) get(y, i) * get(x, i));
                norm += Math.abs(get(y, i));
            }
            assertThat(Vectors.dot(y, AT, x, AT, length))
                    .as("seed=%s, round=%s", SEED + 1, round)
                    .isCloseTo(dot, within(absolute * length * 0x1p-52 + 1e-300));
            assertThat(Vectors.norm1(y, AT, length)).isCloseTo(norm, within(norm * length * 0x1p-52 + 1e-300));
        }
    }

    /// One of the eight sums is 1, the others lose it: the order is part of the result.
    @Test
    void sumsInTheOrderThatIsDocumented() {
        MemorySegment y = Arena.ofAuto().allocate(4 * 20L);
        for (int i = 0; i < 20; i++) {
            y.set(FLOAT, 4L * i, i == 8 ? 1f : i == 0 ? 1e17f : i == 16 ? -1e17f : 0f);
        }
        MemorySegment ones = Arena.ofAuto().allocate(4 * 20L);
        for (int i = 0; i < 20; i++) {
            ones.set(FLOAT, 4L * i, 1f);
        }
        assertThat(Vectors.dot(y, 0, ones, 0, 20)).as("0, 8 and 16 share a sum").isEqualTo(0.0);
        y.set(FLOAT, 4L * 8, 0f);
        y.set(FLOAT, 4L * 9, 1f);
        assertThat(Vectors.dot(y, 0, ones, 0, 20)).as("9 has another").isEqualTo(1.0);
    }

    @Test
    void refusesRunsOutsideTheirSegments() {
        MemorySegment y = Arena.ofAuto().allocate(40);
        assertThatThrownBy(() -> Vectors.dot(y, 4, y, 0, 10)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> Vectors.transform(Formula.FILL, y, 0, y, 0, y, 0, 1, 11))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }

    /// Floats of very different size, with zeros of both signs among them.
    private static MemorySegment vector(SplittableRandom random, int length) {
        MemorySegment segment = Arena.ofAuto().allocate(AT + 4L * length);
        for (int i = 0; i < length; i++) {
            float value = (float) ((random.nextDouble() - 0.5) * Math.pow(10, random.nextInt(-6, 7)));
            segment.set(FLOAT, AT + 4L * i, random.nextInt(5) == 0 ? Math.signum(value) * 0f : value);
        }
        return segment;
    }

    private static float get(MemorySegment segment, int i) {
        return segment.get(FLOAT, AT + 4L * i);
    }
}
