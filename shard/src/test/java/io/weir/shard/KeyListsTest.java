package io.weir.shard;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.model.Compression;
import io.weir.model.Consistency;
import io.weir.model.ErrorCode;
import io.weir.model.OptimizerSpec;
import io.weir.model.RunSpec;
import io.weir.model.TableSpec;
import io.weir.model.WorkerId;
import io.weir.table.MemoryBudget;
import io.weir.wire.Limits;
import io.weir.wire.ValueEncoder;
import io.weir.wire.ValueType;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Key lists that are kept, and requests that name them by their hash.
class KeyListsTest {
    private static final OptimizerSpec SGD = OptimizerSpec.parse("sgd(rate=1)");
    private static final int TABLE = 1;
    private static final long[] KEYS = {5, -7, 5, 1L << 40};
    private static final float[] ONES = {1, 1, 1, 1};

    private final MemoryBudget budget = new MemoryBudget(32 << 20);
    private final Shard shard = new Shard(0, 1, budget);

    @BeforeEach
    void open() {
        shard.apply(new Control.CreateTable(TABLE, 0, TableSpec.embedding("t", 1, SGD)));
        shard.apply(Controls.open(DataFrame.RUN, 0, 1));
        shard.apply(Controls.open(DataFrame.RUN, 1, 1));
    }

    @AfterEach
    void close() {
        shard.close();
        assertThat(budget.usedBytes()).isZero();
    }

    private static DataFrame pull(long... keys) {
        return DataFrame.pull(TABLE, 1, keys);
    }

    private static DataFrame push() {
        return DataFrame.push(TABLE, 1, KEYS, ONES);
    }

    private List<Float> rows(DataFrame pull) {
        return ((Outcome.Rows) pull.sendTo(shard)).values();
    }

    private static void assertForgotten(Outcome answer) {
        assertThat(answer).isInstanceOfSatisfying(Outcome.Refused.class, refused -> {
            assertThat(refused.code()).isEqualTo(ErrorCode.KEYS_FORGOTTEN);
            assertThat(refused.ordered()).isFalse();
            assertThat(refused.message()).startsWith("keys must be sent that are not kept here: shard=0, count=");
        });
    }

    private static Outcome acknowledged(long number) {
        return new Outcome.Acknowledged(1, 0, number);
    }

    @Test
    void aKeptListIsPulledAndPushedByItsHash() {
        assertThat(push().keepingKeys().numbered(1, 0).sendTo(shard)).isEqualTo(acknowledged(1));
        assertThat(rows(pull(KEYS).hashingKeys())).containsExactly(-2f, -1f, -2f, -1f);
        assertThat(push().hashingKeys().numbered(2, 1).sendTo(shard)).isEqualTo(acknowledged(2));
        assertThat(rows(pull(KEYS).keepingKeys())).containsExactly(-4f, -2f, -4f, -2f);
        DataFrame both = DataFrame.pushPull(TABLE, 1, KEYS, ONES).hashingKeys().numbered(3, 2);
        for (int i = 0; i < 2; i++) {
            assertThat(rows(both)).containsExactly(-6f, -3f, -6f, -3f);
        }
        assertThat(rows(pull(KEYS).hashingKeys().replying(ValueType.BFLOAT16))).containsExactly(-6f, -3f, -6f, -3f);
    }

    @Test
    void aListKeptByAPullServesAPushInFewerBits() {
        assertThat(rows(pull(KEYS).keepingKeys())).containsOnly(0f);
        for (Compression compression : List.of(Compression.twoBit(1), Compression.oneBit(), Compression.topK(1))) {
            DataFrame push = DataFrame.encoded(TABLE, 1, KEYS, new ValueEncoder(compression), new float[] {1, 1, 1, 1});
            long last = shard.entry(new WorkerId(DataFrame.RUN, 0, 1), -1).lastNumber();
            assertThat(push.hashingKeys().numbered(last + 1, last).sendTo(shard))
                    .isEqualTo(acknowledged(last + 1));
        }
        assertThat(rows(pull(KEYS))).containsExactly(-6f, -3f, -6f, -3f);
    }

    @Test
    void anUnknownHashTakesNoNumber() {
        long position = shard.position();
        assertForgotten(pull(KEYS).hashingKeys().sendTo(shard));
        assertForgotten(push().hashingKeys().numbered(1, 0).sendTo(shard));
        assertForgotten(DataFrame.pushPull(TABLE, 1, KEYS, ONES)
                .hashingKeys()
                .numbered(1, 0)
                .sendTo(shard));
        assertThat(shard.position()).isEqualTo(position);
        assertThat(push().numbered(1, 0).sendTo(shard)).isEqualTo(acknowledged(1));
        // It is decided: nobody needs its keys.
        assertThat(push().hashingKeys().numbered(1, 0).sendTo(shard)).isEqualTo(acknowledged(1));
        assertForgotten(DataFrame.pushPull(TABLE, 1, KEYS, ONES)
                .hashingKeys()
                .numbered(1, 0)
                .sendTo(shard));
        assertThat(rows(pull(KEYS))).containsExactly(-2f, -1f, -2f, -1f);
    }

    @Test
    void aGapIsAGapWhateverTheKeys() {
        assertThat(push().hashingKeys().numbered(3, 2).sendTo(shard))
                .isInstanceOfSatisfying(
                        Outcome.Refused.class,
                        refused -> assertThat(refused.code()).isEqualTo(ErrorCode.GAP));
    }

    @Test
    void listsBelongToOneGenerationOfOneWorker() {
        assertThat(rows(pull(KEYS).keepingKeys())).containsOnly(0f);
        assertForgotten(pull(KEYS).hashingKeys().from(1, 1).sendTo(shard));
        assertForgotten(pull(KEYS).hashingKeys().from(0, 2).sendTo(shard));
        assertForgotten(pull(KEYS).hashingKeys().from(9, 1).sendTo(shard));
        assertThat(rows(pull(KEYS).hashingKeys())).containsOnly(0f);
        shard.apply(Controls.open(DataFrame.RUN, 0, 2));
        assertForgotten(pull(KEYS).hashingKeys().from(0, 1).sendTo(shard));
        assertForgotten(pull(KEYS).hashingKeys().from(0, 2).sendTo(shard));
    }

    @Test
    void aWorkerThatIsNotOpenKeepsNothing() {
        long used = budget.usedBytes();
        assertThat(rows(pull(KEYS).keepingKeys().from(9, 1))).containsOnly(0f);
        assertThat(budget.usedBytes()).isEqualTo(used);
        assertForgotten(pull(KEYS).hashingKeys().from(9, 1).sendTo(shard));
    }

    @Test
    void anotherCountIsAnotherList() {
        assertThat(rows(pull(KEYS).keepingKeys())).containsOnly(0f);
        DataFrame shorter = pull(KEYS).hashingKeys().counting(3);
        assertForgotten(shorter.sendTo(shard));
    }

    private static long[] list(int ordinal, int count) {
        long[] keys = new long[count];
        Arrays.setAll(keys, i -> (long) ordinal * count + i);
        return keys;
    }

    @Test
    void theOldestListsGiveWay() {
        int count = Limits.MAX_KEPT_KEY_BYTES / Long.BYTES / 4;
        long used = budget.usedBytes();
        for (int i = 0; i < 6; i++) {
            assertThat(rows(pull(list(i, count)).keepingKeys())).hasSize(count);
            assertThat(budget.usedBytes() - used)
                    .isLessThanOrEqualTo(Limits.MAX_KEPT_KEY_BYTES + 4L * KeyLists.LIST_BYTES);
        }
        for (int i = 0; i < 6; i++) {
            Outcome answer = pull(list(i, count)).hashingKeys().sendTo(shard);
            if (i < 2) {
                assertForgotten(answer);
            } else {
                assertThat(answer).isInstanceOf(Outcome.Rows.class);
            }
        }
        assertThat(rows(pull(list(9, 4 * count + 1)).keepingKeys())).hasSize(4 * count + 1);
        assertForgotten(pull(list(9, 4 * count + 1)).hashingKeys().sendTo(shard));
        assertThat(rows(pull(list(5, count)).hashingKeys())).hasSize(count);
    }

    @Test
    void keepsSoManyShortListsAndNoMore() {
        for (int i = 0; i <= Limits.MAX_KEPT_KEY_LISTS; i++) {
            assertThat(rows(pull(i).keepingKeys())).hasSize(1);
        }
        assertForgotten(pull(0).hashingKeys().sendTo(shard));
        assertThat(rows(pull(1).hashingKeys())).hasSize(1);
        assertThat(rows(pull(Limits.MAX_KEPT_KEY_LISTS).hashingKeys())).hasSize(1);
    }

    @Test
    void rowsGoBeforeKeyLists() {
        assertThat(rows(pull(KEYS).keepingKeys())).containsOnly(0f);
        long free = budget.capBytes() - budget.usedBytes();
        assertThat(budget.tryReserve(free)).isTrue();
        // Its first row needs memory, which the list gives back; that is not enough here, but the list is gone.
        assertThat(push().numbered(1, 0).sendTo(shard))
                .isInstanceOfSatisfying(
                        Outcome.Refused.class,
                        refused -> assertThat(refused.code()).isEqualTo(ErrorCode.MEMORY_EXCEEDED));
        assertForgotten(pull(KEYS).hashingKeys().sendTo(shard));
        assertThat(rows(pull(KEYS).keepingKeys())).containsOnly(0f);
        assertThat(budget.usedBytes()).isLessThanOrEqualTo(budget.capBytes());
        budget.release(free);
        assertThat(push().numbered(1, 0).sendTo(shard)).isEqualTo(acknowledged(1));
    }

    @Test
    void aForgottenListIsKeptAgain() {
        assertThat(rows(pull(KEYS).keepingKeys())).containsOnly(0f);
        shard.forgetKeyLists();
        assertForgotten(pull(KEYS).hashingKeys().sendTo(shard));
        assertThat(rows(pull(KEYS).keepingKeys())).containsOnly(0f);
        assertThat(rows(pull(KEYS).hashingKeys())).containsOnly(0f);
    }

    @Test
    void keysOfAnotherShardAreNotKept() {
        try (Shard second = new Shard(1, 2, new MemoryBudget(1 << 20))) {
            second.apply(new Control.CreateTable(TABLE, 0, TableSpec.embedding("t", 1, SGD)));
            second.apply(Controls.open(DataFrame.RUN, 0, 1));
            DataFrame pull = pull(0).keepingKeys().toShard(1);
            assertThat(pull.sendTo(second))
                    .isInstanceOfSatisfying(
                            Outcome.Refused.class,
                            refused -> assertThat(refused.code()).isEqualTo(ErrorCode.WRONG_SHARD));
            assertForgottenBy(second, pull(0).hashingKeys().toShard(1));
        }
    }

    private static void assertForgottenBy(Shard shard, DataFrame frame) {
        assertThat(frame.sendTo(shard))
                .isInstanceOfSatisfying(
                        Outcome.Refused.class,
                        refused -> assertThat(refused.code()).isEqualTo(ErrorCode.KEYS_FORGOTTEN));
    }

    /// A pull that waits looks for its keys when it is answered.
    @Test
    void aPullThatWaitsFindsItsKeysOrSaysThatTheyAreForgotten() {
        for (boolean forgotten : new boolean[] {false, true}) {
            RunSpec spec = RunSpec.of("r", 2).withConsistency(Consistency.bsp());
            try (RunOnShard run = new RunOnShard(spec).join(0, 1)) {
                DataFrame pull = DataFrame.pull(RunOnShard.TABLE, 1, KEYS)
                        .ofRun(spec.id())
                        .from(0, 1);
                assertThat(pull.keepingKeys().sendTo(run.shard)).isInstanceOf(Outcome.Rows.class);
                DataFrame push = DataFrame.push(RunOnShard.TABLE, 1, KEYS, ONES).hashingKeys();
                assertThat(run.send(0, push)).isInstanceOf(Outcome.Acknowledged.class);
                Outcome waits = pull.hashingKeys().atClock(1).sendTo(run.shard);
                assertThat(waits).isInstanceOf(Outcome.Waits.class);
                if (forgotten) {
                    run.shard.forgetKeyLists();
                }
                run.closeStep(0, 0, 1);
                Outcome answer = ((Outcome.Waits) waits).frame().answer();
                if (forgotten) {
                    assertForgotten(answer);
                } else {
                    assertThat(((Outcome.Rows) answer).values()).containsExactly(-2f, -1f, -2f, -1f);
                }
            }
        }
    }
}
