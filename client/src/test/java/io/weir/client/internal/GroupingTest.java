package io.weir.client.internal;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.client.TableInfo;
import io.weir.model.Keys;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class GroupingTest {
    private final Grouping grouping = new Grouping();

    @Test
    void putsEachKeyUnderItsShardInOrderOfAppearance() {
        for (long seed = 1; seed <= 300; seed++) {
            Random random = new Random(seed);
            int shards = 1 + random.nextInt(random.nextInt(10) == 0 ? 4096 : 9);
            int from = random.nextInt(4);
            int count = random.nextInt(300);
            long[] keys = new long[from + count + random.nextInt(3)];
            Arrays.setAll(keys, i -> random.nextInt(4) == 0 ? random.nextInt(20) : random.nextLong());
            grouping.group(keys, from, count, shards);
            int next = 0;
            for (int shard = 0; shard < shards; shard++) {
                assertThat(grouping.startOf(shard)).as("seed=%d", seed).isEqualTo(next);
                List<Integer> expected = new ArrayList<>();
                for (int i = 0; i < count; i++) {
                    if (Keys.shardOf(keys[from + i], shards) == shard) {
                        expected.add(i);
                    }
                }
                List<Integer> actual = new ArrayList<>();
                for (; next < grouping.endOf(shard); next++) {
                    actual.add(grouping.position(next));
                }
                assertThat(actual).as("seed=%d, shard=%d", seed, shard).isEqualTo(expected);
            }
            assertThat(next).isEqualTo(count);
        }
    }

    @Test
    void carriesRowsThereAndBackForEveryLength() {
        for (int rowLength : new int[] {1, 2, 5, 6, 7, 16, 33}) {
            for (int shards : new int[] {1, 3, 8}) {
                Random random = new Random(rowLength * 31L + shards);
                int count = 200;
                int keysFrom = 3;
                int rowsFrom = 5;
                long[] keys = random.longs(keysFrom + count).toArray();
                float[] rows = new float[rowsFrom + count * rowLength + 4];
                for (int i = 0; i < rows.length; i++) {
                    rows[i] = i;
                }
                grouping.group(keys, keysFrom, count, shards);
                float[] back = new float[rows.length];
                Arrays.fill(back, -1);
                for (int shard = 0; shard < shards; shard++) {
                    int start = grouping.startOf(shard);
                    int end = grouping.endOf(shard);
                    ByteBuffer frame = ByteBuffer.allocate(8 + (end - start) * (8 + rowLength * 4))
                            .order(ByteOrder.LITTLE_ENDIAN);
                    grouping.putKeys(keys, keysFrom, start, end, frame, 8);
                    for (int i = start; i < end; i++) {
                        assertThat(frame.getLong(8 + (i - start) * 8)).isEqualTo(keys[keysFrom + grouping.position(i)]);
                    }
                    FloatBuffer floats = frame.asFloatBuffer();
                    int at = 2 + (end - start) * 2;
                    grouping.putRows(rows, rowsFrom, rowLength, start, end, floats, at);
                    // As an answer comes: in pieces.
                    for (int first = start; first < end; ) {
                        int some = Math.min(end - first, 1 + random.nextInt(40));
                        grouping.scatter(
                                floats, at + (first - start) * rowLength, first, some, back, rowsFrom, rowLength);
                        first += some;
                    }
                }
                float[] expected = rows.clone();
                Arrays.fill(expected, 0, rowsFrom, -1);
                Arrays.fill(expected, rowsFrom + count * rowLength, expected.length, -1);
                assertThat(back)
                        .as("rowLength=%d, shards=%d", rowLength, shards)
                        .isEqualTo(expected);
            }
        }
    }

    @Test
    void groupsBlocksOfADenseTableByTheirPlace() {
        TableSpec spec = TableSpec.dense("d", 1_000_000, OptimizerSpec.parse("sgd(rate=1)"));
        TableInfo table = new TableInfo(5, spec, 0, 0, 0);
        TableShape shape = spec.shape();
        long[] blocks = new long[62];
        Arrays.setAll(blocks, i -> (i * 7L) % 62);
        for (int shards : new int[] {1, 4, 100}) {
            grouping.groupBlocks(blocks, blocks.length, shards, table);
            for (int shard = 0; shard < shards; shard++) {
                for (int i = grouping.startOf(shard); i < grouping.endOf(shard); i++) {
                    assertThat(shape.shardOf(blocks[grouping.position(i)], 5, shards))
                            .isEqualTo(shard);
                }
            }
            assertThat(grouping.endOf(shards - 1)).isEqualTo(blocks.length);
        }
    }
}
