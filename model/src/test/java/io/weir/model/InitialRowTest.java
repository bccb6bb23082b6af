package io.weir.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class InitialRowTest {
    private static final InitialRow UNIFORM = new InitialRow.Uniform(-0.25f, 0.25f);
    private static final InitialRow NORMAL = new InitialRow.Normal(0.5f, 2f);

    /// The golden values stand in `docs/protocol.md` too: they may never change.
    @Test
    void hasItsGoldenValues() {
        long[][] places = {
            {0, 0, 0},
            {0, 0, 1},
            {1, 0, 0},
            {0, 1, 0},
            {-7, 42, 15},
            {-1, -1, 4095},
            {Long.MIN_VALUE, Long.MAX_VALUE, 1_048_575}
        };
        int[] uniform = {0xbda5d594, 0xbde9ea74, 0xbd09bd08, 0x3c38c340, 0x3e111c0e, 0x3e1990e8, 0xbe0e63c8};
        int[] normal = {0x3e9076a8, 0xbf8a3669, 0xbfb360c5, 0xbd539502, 0xbe248ad8, 0x4000f2a7, 0x3fde89d8};
        for (int i = 0; i < places.length; i++) {
            long[] place = places[i];
            assertThat(bits(UNIFORM, place)).as("uniform %s", i).isEqualTo(uniform[i]);
            assertThat(bits(NORMAL, place)).as("normal %s", i).isEqualTo(normal[i]);
            assertThat(bits(new InitialRow.Zero(), place)).isZero();
            assertThat(bits(new InitialRow.Constant(-0.5f), place)).isEqualTo(Float.floatToRawIntBits(-0.5f));
        }
    }

    @Test
    void uniformStaysBelowItsUpperEnd() {
        InitialRow narrow = new InitialRow.Uniform(1f, Math.nextUp(1f));
        InitialRow widest = new InitialRow.Uniform(-Float.MAX_VALUE, Float.MAX_VALUE);
        for (int key = 0; key < 100_000; key++) {
            assertThat(narrow.value(3, key, 0)).isEqualTo(1f);
            float wide = widest.value(3, key, 0);
            assertThat(wide >= -Float.MAX_VALUE && wide < Float.MAX_VALUE).isTrue();
        }
    }

    @Test
    void uniformHasTheMomentsOfItsDistribution() {
        double[] moments = moments(UNIFORM);
        assertThat(moments[0]).isBetween(-0.001, 0.001);
        assertThat(moments[1]).isBetween(0.5 / Math.sqrt(12) - 0.001, 0.5 / Math.sqrt(12) + 0.001);
        int[] bins = new int[16];
        for (int i = 0; i < 160_000; i++) {
            bins[(int) ((UNIFORM.value(9, i / 16, i % 16) + 0.25f) * 32)]++;
        }
        for (int bin : bins) {
            assertThat(bin).isBetween(9500, 10_500);
        }
    }

    @Test
    void normalHasTheMomentsOfItsDistribution() {
        double[] moments = moments(NORMAL);
        assertThat(moments[0]).isBetween(0.5 - 0.015, 0.5 + 0.015);
        assertThat(moments[1]).isBetween(2 - 0.015, 2 + 0.015);
        int within = 0;
        for (int i = 0; i < 100_000; i++) {
            within += Math.abs(NORMAL.value(9, i, 0) - 0.5f) < 2 ? 1 : 0;
        }
        assertThat(within).isBetween(67_500, 69_000);
    }

    @Test
    void neighbouringPositionsKeysAndSeedsAreUnrelated() {
        for (long[] step : new long[][] {{0, 0, 1}, {0, 1, 0}, {1, 0, 0}, {0, 1L << 32, 0}}) {
            double sum = 0;
            int count = 100_000;
            for (int i = 0; i < count; i++) {
                float here = UNIFORM.value(i % 7, i, i % 5);
                float there = UNIFORM.value(i % 7 + step[0], i + step[1], i % 5 + (int) step[2]);
                sum += here * there;
            }
            assertThat(Math.abs(sum / count / (0.25 / 12)))
                    .as("step to %s", (Object) step)
                    .isLessThan(0.02);
        }
    }

    @Test
    void knowsWhichRowsAreZeros() {
        assertThat(new InitialRow.Zero().isZero()).isTrue();
        assertThat(new InitialRow.Constant(0f).isZero()).isTrue();
        assertThat(new InitialRow.Constant(-0f).isZero()).isFalse();
        assertThat(new InitialRow.Constant(Float.MIN_VALUE).isZero()).isFalse();
        assertThat(UNIFORM.isZero()).isFalse();
        assertThat(NORMAL.isZero()).isFalse();
    }

    @Test
    void readsWhatItWrites() {
        for (String text : new String[] {"zero", "constant(0.5)", "uniform(-1.0,1.0)", "normal(0.0,0.01)"}) {
            assertThat(InitialRow.parse(text).text()).isEqualTo(text);
        }
        assertThat(InitialRow.parse(" uniform(-1, 1e0) ")).isEqualTo(new InitialRow.Uniform(-1, 1));
        assertThat(InitialRow.parse("constant(3)")).isEqualTo(new InitialRow.Constant(3));
    }

    @Test
    void rejectsTextsThatAreNone() {
        String[] broken = {
            "",
            "Zero",
            "zero()",
            "zero(1)",
            "constant",
            "constant()",
            "constant(x)",
            "constant(1,2)",
            "constant(1",
            "uniform(1)",
            "uniform(1,2,3)",
            "uniform(,1)",
            "normal(0,1)x",
            "normal((0),1)"
        };
        for (String text : broken) {
            refuses(
                    () -> InitialRow.parse(text),
                    "initial row must be zero, constant(value), uniform(low,high) or normal(mean,deviation):"
                            + " initial-row=" + text);
        }
        refuses(() -> InitialRow.parse("uniform(1,1)"), "uniform low must be below high: low=1.0, high=1.0");
    }

    @Test
    void rejectsDistributionsThatAreNone() {
        float max = Float.MAX_VALUE;
        refuses(() -> new InitialRow.Constant(Float.NaN), "initial row value must be finite: value=NaN");
        refuses(
                () -> new InitialRow.Uniform(Float.NEGATIVE_INFINITY, 0),
                "initial row low must be finite: low=-Infinity");
        refuses(() -> new InitialRow.Uniform(0, Float.NaN), "initial row high must be finite: high=NaN");
        refuses(() -> new InitialRow.Uniform(1, 1), "uniform low must be below high: low=1.0, high=1.0");
        refuses(() -> new InitialRow.Uniform(2, 1), "uniform low must be below high: low=2.0, high=1.0");
        refuses(() -> new InitialRow.Normal(Float.NaN, 1), "initial row mean must be finite: mean=NaN");
        refuses(
                () -> new InitialRow.Normal(0, Float.POSITIVE_INFINITY),
                "initial row deviation must be finite: deviation=Infinity");
        refuses(() -> new InitialRow.Normal(0, 0), "normal deviation must be above 0: deviation=0.0");
        refuses(() -> new InitialRow.Normal(0, -1), "normal deviation must be above 0: deviation=-1.0");
        refuses(
                () -> new InitialRow.Normal(0, max / 5),
                "normal must be finite up to 6 deviations: mean=0.0, deviation=" + max / 5);
        refuses(
                () -> new InitialRow.Normal(-max, max / 100),
                "normal must be finite up to 6 deviations: mean=" + -max + ", deviation=" + max / 100);
    }

    private static int bits(InitialRow row, long[] place) {
        return Float.floatToRawIntBits(row.value(place[0], place[1], (int) place[2]));
    }

    /// Mean and standard deviation over many keys and positions.
    private static double[] moments(InitialRow row) {
        double sum = 0;
        double squares = 0;
        int count = 200_000;
        for (int i = 0; i < count; i++) {
            double value = row.value(5, i / 8, i % 8);
            sum += value;
            squares += value * value;
        }
        double mean = sum / count;
        return new double[] {mean, Math.sqrt(squares / count - mean * mean)};
    }

    private static void refuses(ThrowingCallable call, String message) {
        assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class).hasMessage(message);
    }
}
