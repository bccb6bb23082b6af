package io.weir.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.shard.Shard;
import io.weir.table.MemoryBudget;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ShardGateStressTest {
    private final ShardGate gate = new ShardGate(new Shard(0, 1, new MemoryBudget(1 << 20)));

    // Not volatile: what one thread does inside, the next one must see.
    private int inside;
    private long ran;

    private final class Step extends ShardTask {
        private final int[] last;
        private final int number;

        Step(int[] last, int number) {
            this.last = last;
            this.number = number;
        }

        @Override
        public void run(Shard shard) {
            assertAlone();
            assertThat(last[0]).isLessThan(number);
            last[0] = number;
        }
    }

    private void assertAlone() {
        assertThat(++inside).isEqualTo(1);
        ran++;
        inside--;
    }

    @Test
    void letsOneThreadInAtATimeAndKeepsTheOrderOfEachSubmitter() throws Exception {
        int threads = 4;
        int steps = 20_000;
        AtomicInteger accepted = new AtomicInteger();
        List<Throwable> failures = java.util.Collections.synchronizedList(new ArrayList<>());
        List<Thread> all = new ArrayList<>();
        List<int[]> lasts = new ArrayList<>();
        List<int[]> lastAccepted = new ArrayList<>();
        for (int t = 0; t < threads; t++) {
            int kind = t;
            int[] last = {-1};
            int[] mine = {-1};
            lasts.add(last);
            lastAccepted.add(mine);
            Thread thread = new Thread(() -> {
                try {
                    for (int i = 0; i < steps; i++) {
                        if (kind == 0 && i % 10 == 0) {
                            accepted.addAndGet(gate.call(shard -> {
                                assertAlone();
                                return 1;
                            }));
                        } else if (i % 7 == 3) {
                            Shard shard = gate.tryEnter();
                            if (shard != null) {
                                try {
                                    new Step(last, i).run(shard);
                                    accepted.incrementAndGet();
                                    mine[0] = i;
                                } finally {
                                    gate.leave();
                                }
                            }
                        } else if (gate.submit(new Step(last, i))) {
                            accepted.incrementAndGet();
                            mine[0] = i;
                        }
                    }
                } catch (Throwable e) {
                    failures.add(e);
                }
            });
            all.add(thread);
            thread.start();
        }
        for (Thread thread : all) {
            thread.join();
        }
        assertThat(failures).isEmpty();
        assertThat(gate.<Long>call(shard -> ran)).isEqualTo(accepted.get());
        for (int t = 0; t < threads; t++) {
            assertThat(lasts.get(t)).containsExactly(lastAccepted.get(t));
        }
    }

    @Test
    void boundsItsQueueAndLosesNothingOfIt() throws Exception {
        CountDownLatch entered = new CountDownLatch(1);
        CountDownLatch released = new CountDownLatch(1);
        Thread holder = new Thread(() -> {
            Shard shard = gate.tryEnter();
            assertThat(shard).isNotNull();
            entered.countDown();
            try {
                released.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } finally {
                gate.leave();
            }
        });
        holder.start();
        entered.await();
        int[] last = {-1};
        for (int i = 0; i < ShardGate.MAX_QUEUED; i++) {
            assertThat(gate.submit(new Step(last, i))).isTrue();
        }
        assertThat(gate.submit(new Step(last, ShardGate.MAX_QUEUED))).isFalse();
        assertThat(gate.tryEnter()).isNull();
        released.countDown();
        holder.join();
        assertThat(ran).isEqualTo(ShardGate.MAX_QUEUED);
        assertThat(last[0]).isEqualTo(ShardGate.MAX_QUEUED - 1);
        assertThat(gate.submit(new Step(last, ShardGate.MAX_QUEUED + 1))).isTrue();
    }
}
