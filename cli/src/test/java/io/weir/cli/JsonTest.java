package io.weir.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class JsonTest {
    @Test
    void writesFieldsInOrder() {
        String text = new Json()
                .put("text", "a \"b\"\n")
                .put("whole", Long.MIN_VALUE)
                .put("float", 0.1f)
                .put("double", 0.1)
                .put("truth", true)
                .put("nested", new Json().put("list", List.of(1, new Json(), List.of())))
                .put("nothing", null)
                .text();
        assertThat(text)
                .isEqualTo("{\"text\":\"a \\\"b\\\"\\n\",\"whole\":-9223372036854775808,\"float\":0.1,\"double\":0.1,"
                        + "\"truth\":true,\"nested\":{\"list\":[1,{},[]]},\"nothing\":null}");
    }

    @Test
    void writesNullForWhatIsNoNumber() {
        assertThat(new Json()
                        .put("a", Double.NaN)
                        .put("b", Float.NEGATIVE_INFINITY)
                        .text())
                .isEqualTo("{\"a\":null,\"b\":null}");
    }
}
