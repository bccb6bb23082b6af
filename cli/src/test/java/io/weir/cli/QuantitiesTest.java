package io.weir.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class QuantitiesTest {
    @Test
    void readsBytes() {
        assertThat(Quantities.bytes("memory", "8g")).isEqualTo(8L << 30);
        assertThat(Quantities.bytes("memory", "1.5 MiB")).isEqualTo(3L << 19);
        assertThat(Quantities.bytes("memory", "4096")).isEqualTo(4096);
        assertThat(Quantities.bytes("memory", "2T")).isEqualTo(2L << 40);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "g", "8x", "-1g", "1e30t", "1.2.3g", "NaN"})
    void refusesWhatIsNoNumberOfBytes(String text) {
        assertThatThrownBy(() -> Quantities.bytes("memory", text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("memory must be a number of bytes such as 512m, 8g or 1t: memory=" + text);
    }

    @Test
    void readsDurations() {
        assertThat(Quantities.duration("patience", "500ms")).isEqualTo(Duration.ofMillis(500));
        assertThat(Quantities.duration("patience", "60")).isEqualTo(Duration.ofSeconds(60));
        assertThat(Quantities.duration("patience", "1.5 s")).isEqualTo(Duration.ofMillis(1500));
        assertThat(Quantities.duration("patience", "2m")).isEqualTo(Duration.ofMinutes(2));
        assertThat(Quantities.duration("patience", "24h")).isEqualTo(Duration.ofDays(1));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "s", "0", "25h", "1d", "-1s"})
    void refusesWhatIsNoDuration(String text) {
        assertThatThrownBy(() -> Quantities.duration("patience", text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("patience must be from 1ms to 24h, such as 500ms, 60s or 2m: patience=" + text);
    }

    @Test
    void writesAmounts() {
        assertThat(Quantities.ofBytes(8L << 30)).isEqualTo("8.0 GiB");
        assertThat(Quantities.ofBytes(1000)).isEqualTo("1000 bytes");
        assertThat(Quantities.ofCount(32_561)).isEqualTo("32,561");
        assertThat(Quantities.plural(1, "pass")).isEqualTo("1 pass");
        assertThat(Quantities.plural(3, "pass")).isEqualTo("3 passes");
        assertThat(Quantities.plural(0, "shard")).isEqualTo("0 shards");
        assertThat(Quantities.ofRate(1_234_567)).isEqualTo("1.23 M");
        assertThat(Quantities.ofRate(45_678)).isEqualTo("45.7 k");
        assertThat(Quantities.ofRate(Double.NaN)).isEqualTo("-");
        assertThat(Quantities.ofMicros(12.34)).isEqualTo("12.3 µs");
        assertThat(Quantities.ofMicros(4560)).isEqualTo("4.56 ms");
    }
}
