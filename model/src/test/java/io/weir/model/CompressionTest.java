package io.weir.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CompressionTest {
    @Test
    void everyCaseReadsBackFromItsText() {
        Map<String, Compression> cases = new LinkedHashMap<>();
        cases.put("none", Compression.none());
        cases.put("bf16", Compression.bf16());
        cases.put("fp16", Compression.fp16());
        cases.put("int8", Compression.int8());
        cases.put("2bit(0.5)", Compression.twoBit(0.5f));
        cases.put("2bit(1e-5)", Compression.twoBit(1e-5f));
        cases.put("1bit", Compression.oneBit());
        cases.put("1bit-compat(0)", Compression.oneBitCompat(0));
        cases.put("1bit-compat(-2)", Compression.oneBitCompat(-2));
        cases.put("topk(0.01)", Compression.topK(0.01));
        cases.put("topk(1)", Compression.topK(1));
        cases.put("randomk(0.25,-7)", Compression.randomK(0.25, -7));
        cases.forEach((text, compression) -> {
            assertThat(compression.text()).isEqualTo(text);
            assertThat(Compression.parse(text)).isEqualTo(compression);
            assertThat(Compression.parse("  " + text.toUpperCase(java.util.Locale.ROOT)))
                    .isEqualTo(compression);
        });
    }

    @Test
    void onlyWhatRoundsEachValueByItselfIsForPulls() {
        for (String text : new String[] {"none", "bf16", "fp16", "int8"}) {
            assertThat(Compression.parse(text).isForPulls()).isTrue();
            assertThat(Compression.parse(text).hasFeedback()).isFalse();
        }
        for (String text : new String[] {"2bit(1)", "1bit", "1bit-compat(0)", "topk(1)", "randomk(1,1)"}) {
            assertThat(Compression.parse(text).isForPulls()).isFalse();
            assertThat(Compression.parse(text).hasFeedback()).isTrue();
        }
    }

    @Test
    void refusesTextThatIsNone() {
        refuses(
                "gzip",
                "compression must be one of none, bf16, fp16, int8, 2bit(THRESHOLD), 1bit,"
                        + " 1bit-compat(THRESHOLD), topk(FRACTION), randomk(FRACTION,SEED): compression=gzip");
        refuses("2bit(0.5", "compression must end with ')': compression=2bit(0.5");
        refuses("2bit(x)", "setting of a compression must be a number: found='x', compression=2bit(x)");
        refuses(
                "randomk(0.1,1.5)",
                "seed of a compression must be a whole number: found='1.5', compression=randomk(0.1,1.5)");
        for (String text : new String[] {"2bit", "2bit()", "2bit(1,2)", "1bit(0)", "randomk(0.1)", "bf16(1)"}) {
            assertThatThrownBy(() -> Compression.parse(text))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith("compression must have its settings, one of ")
                    .hasMessageEndingWith(": compression=" + text);
        }
    }

    @Test
    void refusesSettingsOutOfRange() {
        for (float threshold : new float[] {0, -1, Float.NaN, Float.POSITIVE_INFINITY}) {
            assertThatThrownBy(() -> Compression.twoBit(threshold))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("threshold of 2 bits must be finite and above 0: threshold=" + threshold);
        }
        assertThatThrownBy(() -> Compression.oneBitCompat(Float.NaN))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("threshold of 1 bit must be finite: threshold=NaN");
        for (double fraction : new double[] {0, -0.1, 1.0001, Double.NaN}) {
            assertThatThrownBy(() -> Compression.topK(fraction)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> Compression.randomK(fraction, 1))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("fraction of the values must be above 0 and at most 1: fraction=" + fraction);
        }
    }

    private static void refuses(String text, String message) {
        assertThatThrownBy(() -> Compression.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
    }
}
