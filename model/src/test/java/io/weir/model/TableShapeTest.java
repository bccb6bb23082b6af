package io.weir.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.util.SplittableRandom;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class TableShapeTest {
    @Test
    void rejectsDimsOutOfRange() {
        for (int dim : new int[] {0, -1, 4097, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
            refuses(() -> new TableShape.Embedding(dim), "dim must be from 1 to 4096: dim=" + dim);
        }
        assertThat(new TableShape.Embedding(1).rowLength()).isEqualTo(1);
        assertThat(new TableShape.Embedding(4096).rowLength()).isEqualTo(4096);
    }

    @Test
    void rejectsTensorsOutOfRange() {
        long most = TableShape.Dense.MAX_LENGTH;
        for (long length : new long[] {0, -1, most + 1, Long.MAX_VALUE}) {
            refuses(
                    () -> new TableShape.Dense(length, 16),
                    "dense length must be from 1 to 281474976710656: length=" + length);
        }
        for (int blockLength : new int[] {0, -16, (1 << 20) + 1, Integer.MAX_VALUE}) {
            refuses(
                    () -> new TableShape.Dense(1, blockLength),
                    "dense block length must be from 1 to 1048576: blockLength=" + blockLength);
        }
        assertThat(new TableShape.Dense(most, 16).blockCount()).isEqualTo(1L << 44);
        assertThat(new TableShape.Dense(1, 1 << 20).blockCount()).isEqualTo(1);
        assertThat(new TableShape.Dense(17, 16).blockCount()).isEqualTo(2);
        assertThat(new TableShape.Dense(32, 16).blockCount()).isEqualTo(2);
    }

    /// The golden values stand in `docs/protocol.md` too: they may never change.
    @Test
    void blocksHaveTheirGoldenPlaces() {
        TableShape shape = new TableShape.Dense(1_000_000, 16_384);
        int[] firstBlocks = {0, 8, 16, 24, 31, 39, 47, 55};
        for (int block = 0; block < 62; block++) {
            int stretch = 7;
            while (firstBlocks[stretch] > block) {
                stretch--;
            }
            assertThat(shape.shardOf(block, 5, 8)).as("block %s", block).isEqualTo((stretch + 5) % 8);
        }
    }

    /// Golden values of `docs/protocol.md`, too.
    @Test
    void aPlacementTurnsByItsHash() {
        String[] placements = {"a", "weir", "lbfgs/a9a"};
        int[][] firstShards = {{1, 0, 7, 15}, {1, 1, 7, 7}, {0, 0, 6, 6}};
        int[] shardCounts = {2, 3, 8, 24};
        for (int i = 0; i < placements.length; i++) {
            TableShape.Dense shape = new TableShape.Dense(1_000_000, 16_384, placements[i]);
            for (int j = 0; j < shardCounts.length; j++) {
                int shards = shardCounts[j];
                assertThat(shape.shardOfStretch(0, 5, shards))
                        .as("%s of %s", placements[i], shards)
                        .isEqualTo(firstShards[i][j])
                        .isEqualTo(shape.shardOfStretch(0, 99, shards));
                assertThat(shape.shardOfStretch(shards - 1, 5, shards))
                        .isEqualTo((firstShards[i][j] + shards - 1) % shards);
            }
        }
    }

    @Test
    void tablesAreTogetherByPlacementOrByBeingTheSame() {
        TableShape.Dense alone = new TableShape.Dense(100, 16);
        TableShape.Dense placed = new TableShape.Dense(100, 16, "p");
        assertThat(TableShape.Dense.areTogether(alone, 1, alone, 1)).isTrue();
        assertThat(TableShape.Dense.areTogether(alone, 1, alone, 2)).isFalse();
        assertThat(TableShape.Dense.areTogether(placed, 1, placed, 2)).isTrue();
        assertThat(TableShape.Dense.areTogether(placed, 1, new TableShape.Dense(100, 16, "q"), 2))
                .isFalse();
        assertThat(TableShape.Dense.areTogether(placed, 1, new TableShape.Dense(224, 32, "p"), 2))
                .as("as many blocks, twice as long")
                .isTrue();
        assertThat(TableShape.Dense.areTogether(placed, 1, new TableShape.Dense(120, 16, "p"), 2))
                .isFalse();
        refuses(
                () -> new TableShape.Dense(100, 16, "no spaces"),
                "placement name must be 1 to 200 letters, digits, '.', '_', '-' or '/', beginning with a letter or digit:"
                        + " name='no spaces'");
    }

    @Test
    void blocksLieContiguouslyOnAllShardsRotatedByTable() {
        SplittableRandom random = new SplittableRandom(3);
        for (int round = 0; round < 300; round++) {
            int shardCount = random.nextInt(1, 100);
            int blockCount = random.nextInt(shardCount, 3000);
            int tableId = random.nextInt(0, Integer.MAX_VALUE);
            TableShape shape = new TableShape.Dense(16L * blockCount, 16);
            int[] counts = new int[shardCount];
            int changes = 0;
            for (int block = 0; block < blockCount; block++) {
                int shard = shape.shardOf(block, tableId, shardCount);
                counts[shard]++;
                if (block == 0) {
                    assertThat(shard).as("seed=3, round=%s", round).isEqualTo(tableId % shardCount);
                } else if (shard != shape.shardOf(block - 1, tableId, shardCount)) {
                    assertThat(shard).isEqualTo((shape.shardOf(block - 1, tableId, shardCount) + 1) % shardCount);
                    changes++;
                }
            }
            assertThat(changes).as("seed=3, round=%s", round).isEqualTo(shardCount - 1);
            for (int count : counts) {
                assertThat(count)
                        .as("seed=3, round=%s", round)
                        .isBetween(blockCount / shardCount, (blockCount + shardCount - 1) / shardCount);
            }
        }
    }

    @Test
    void stretchesBeginAtTheirFirstBlock() {
        SplittableRandom random = new SplittableRandom(4);
        for (int round = 0; round < 300; round++) {
            int shardCount = random.nextInt(1, 100);
            TableShape.Dense shape = new TableShape.Dense(16L * random.nextInt(1, 300), 16);
            assertThat(shape.firstBlockOf(0, shardCount)).isZero();
            assertThat(shape.firstBlockOf(shardCount, shardCount)).isEqualTo(shape.blockCount());
            for (int stretch = 0; stretch < shardCount; stretch++) {
                long end = shape.firstBlockOf(stretch + 1, shardCount);
                for (long block = shape.firstBlockOf(stretch, shardCount); block < end; block++) {
                    assertThat(shape.shardOf(block, 0, shardCount))
                            .as("seed=4, round=%s", round)
                            .isEqualTo(stretch);
                }
            }
        }
        TableShape.Dense greatest = new TableShape.Dense(TableShape.Dense.MAX_LENGTH, 16);
        assertThat(greatest.firstBlockOf(ShardMap.MAX_SHARDS, ShardMap.MAX_SHARDS))
                .isEqualTo(greatest.blockCount());
    }

    @Test
    void fewerBlocksThanShardsEachLieOnOne() {
        TableShape shape = new TableShape.Dense(48, 16);
        assertThat(new int[] {shape.shardOf(0, 1, 8), shape.shardOf(1, 1, 8), shape.shardOf(2, 1, 8)})
                .containsExactly(1, 3, 6);
    }

    @Test
    void placesTheBlocksOfTheGreatestTensorWithoutOverflow() {
        TableShape.Dense shape = new TableShape.Dense(TableShape.Dense.MAX_LENGTH, 16);
        SplittableRandom random = new SplittableRandom(5);
        for (int round = 0; round < 10_000; round++) {
            long block = round == 0 ? shape.blockCount() - 1 : random.nextLong(shape.blockCount());
            int shardCount = round == 0 ? ShardMap.MAX_SHARDS : random.nextInt(1, ShardMap.MAX_SHARDS + 1);
            int tableId = round == 0 ? Integer.MAX_VALUE : random.nextInt(1, Integer.MAX_VALUE);
            int expected = BigInteger.valueOf(block)
                    .multiply(BigInteger.valueOf(shardCount))
                    .divide(BigInteger.valueOf(shape.blockCount()))
                    .add(BigInteger.valueOf(tableId))
                    .mod(BigInteger.valueOf(shardCount))
                    .intValueExact();
            assertThat(shape.shardOf(block, tableId, shardCount))
                    .as("seed=5, round=%s", round)
                    .isEqualTo(expected);
        }
    }

    @Test
    void embeddingRowsGoByTheirKeyAlone() {
        TableShape shape = new TableShape.Embedding(4);
        for (long key : new long[] {0, -1, 42, Long.MIN_VALUE, Long.MAX_VALUE}) {
            assertThat(shape.shardOf(key, 1, 24))
                    .isEqualTo(shape.shardOf(key, 99, 24))
                    .isEqualTo(Keys.shardOf(key, 24));
        }
    }

    private static void refuses(ThrowingCallable call, String message) {
        assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class).hasMessage(message);
    }
}
