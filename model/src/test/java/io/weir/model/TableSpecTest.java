package io.weir.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class TableSpecTest {
    private static final OptimizerSpec SGD = new OptimizerSpec.Sgd(0.5f);

    @Test
    void rejectsNamesThatNoFileOrMetricCouldBear() {
        String rule = "table name must be 1 to 200 letters, digits, '.', '_', '-' or '/', beginning with a letter or"
                + " digit: name='";
        for (String name : new String[] {"", ".a", "-a", "_a", "/a", "a b", "a\n", "ä", "a:b", "x".repeat(201)}) {
            assertThatThrownBy(() -> TableSpec.embedding(name, 1, SGD))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage(rule + name + "'");
        }
        for (String name : new String[] {"a", "7", "Ads/user.v1_b-c", "x".repeat(200)}) {
            assertThat(TableSpec.embedding(name, 1, SGD).name()).isEqualTo(name);
        }
    }

    @Test
    @SuppressWarnings("NullAway") // the point is what happens to callers that do not check
    void rejectsMissingParts() {
        TableShape shape = new TableShape.Embedding(1);
        InitialRow zero = new InitialRow.Zero();
        assertThatThrownBy(() -> new TableSpec(null, shape, SGD, zero, 0)).hasMessage("name");
        assertThatThrownBy(() -> new TableSpec("a", null, SGD, zero, 0)).hasMessage("shape");
        assertThatThrownBy(() -> new TableSpec("a", shape, null, zero, 0)).hasMessage("optimizer");
        assertThatThrownBy(() -> new TableSpec("a", shape, SGD, null, 0)).hasMessage("initialRow");
    }

    @Test
    void namesEveryDifference() {
        TableSpec here = TableSpec.embedding("ads", 8, SGD);
        assertThat(here.differencesTo(TableSpec.embedding("ads", 8, new OptimizerSpec.Sgd(0.5f))))
                .isEmpty();
        TableSpec there = TableSpec.embedding("ad", 16, OptimizerSpec.parse("adagrad"))
                .withInitialRow(new InitialRow.Constant(1), 7);
        assertThat(here.differencesTo(there))
                .containsExactly(
                        "name: here ads, there ad",
                        "shape: here Embedding[dim=8], there Embedding[dim=16]",
                        "optimizer: here sgd(rate=0.5), there adagrad(rate=0.1,epsilon=1e-8)",
                        "initial row: here Zero[], there Constant[value=1.0]",
                        "seed: here 0, there 7");
    }

    @Test
    void choosesBlocksNoLongerThanTheTensorNeeds() {
        assertThat(TableSpec.dense("d", 1, SGD).rowLength()).isEqualTo(16);
        assertThat(TableSpec.dense("d", 17, SGD).rowLength()).isEqualTo(32);
        assertThat(TableSpec.dense("d", 16_384, SGD).rowLength()).isEqualTo(16_384);
        assertThat(TableSpec.dense("d", 1L << 40, SGD).rowLength()).isEqualTo(16_384);
        for (long length : new long[] {0, -1, Long.MIN_VALUE, Long.MAX_VALUE}) {
            assertThatThrownBy(() -> TableSpec.dense("d", length, SGD))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("dense length must be from 1 to 281474976710656: length=" + length);
        }
    }

    @Test
    void keepsATensorInOneBlockIfTheOptimizerNeedsAllOfIt() {
        OptimizerSpec lamb = OptimizerSpec.parse("lamb");
        assertThat(TableSpec.dense("net", 100_001, lamb).shape()).isEqualTo(new TableShape.Dense(100_001, 100_016));
        assertThat(TableSpec.dense("net", 1 << 20, lamb).rowLength()).isEqualTo(1 << 20);
        assertThat(TableSpec.dense("net", 100, OptimizerSpec.parse("sgd(clip_norm=1)"))
                        .valueLength())
                .isEqualTo(112);
        assertThatThrownBy(() -> TableSpec.dense("net", (1 << 20) + 1, lamb))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("an optimizer that needs the whole gradient of a tensor keeps it in one block, of at most"
                        + " 1048576 floats: length=1048577, blockLength=1048576, optimizer=" + lamb.text()
                        + ", table=net");
    }
}
