package io.weir.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/// `docs/optimizers.md` says what is there.
class OptimizerDocumentTest {
    @Test
    void listsEveryOptimizerWithItsDefaults() throws IOException {
        String text = Files.readString(Path.of("../docs/optimizers.md"));
        for (String name : OptimizerSpec.names()) {
            assertThat(text).contains("\n| `" + OptimizerSpec.parse(name).text() + "`");
        }
    }

    @Test
    void givesTheLengthOfATensorInOneBlock() throws IOException {
        String limit = String.format(java.util.Locale.ROOT, "at most %,d floats", TableShape.Dense.MAX_BLOCK_LENGTH);
        assertThat(Files.readString(Path.of("../docs/optimizers.md"))).contains(limit);
    }
}
