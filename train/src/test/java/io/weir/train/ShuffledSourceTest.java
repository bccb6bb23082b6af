package io.weir.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.train.ExampleSource.Share;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class ShuffledSourceTest {
    private final ExampleSource rows = new CtrGenerator(6000, 1000, 5, 3).source();

    @Test
    void givesEveryExampleOnceInAnotherOrder() {
        List<String> plain = LibsvmSourceTest.read(rows, 1, Share.ALL);
        for (int window : new int[] {1, 7000, 1 << 20}) {
            for (int readers : new int[] {1, 3}) {
                List<String> shuffled = LibsvmSourceTest.read(new ShuffledSource(rows, 1, window), readers, Share.ALL);
                assertThat(shuffled).isNotEqualTo(plain).containsExactlyInAnyOrderElementsOf(plain);
            }
        }
    }

    @Test
    void repeatsItsOrderForTheSameSeedAndPassOnly() {
        List<String> first = LibsvmSourceTest.read(new ShuffledSource(rows, 1), 1, Share.ALL);
        assertThat(LibsvmSourceTest.read(new ShuffledSource(rows, 1), 1, Share.ALL))
                .isEqualTo(first);
        assertThat(LibsvmSourceTest.read(new ShuffledSource(rows, 2), 1, Share.ALL))
                .isNotEqualTo(first);
        ExampleSource secondPass = new ExampleSource() {
            @Override
            public String name() {
                return rows.name();
            }

            @Override
            public ExamplePass open(int pass, int readerCount, Share share) {
                return new ShuffledSource(rows, 1).open(1, readerCount, share);
            }
        };
        assertThat(LibsvmSourceTest.read(secondPass, 1, Share.ALL)).isNotEqualTo(first);
    }

    @Test
    void mixesTheWholeWindow() {
        List<String> plain = LibsvmSourceTest.read(rows, 1, Share.ALL);
        List<String> shuffled = LibsvmSourceTest.read(new ShuffledSource(rows, 1), 1, Share.ALL);
        List<String> firstHalf = plain.subList(0, plain.size() / 2);
        long early = shuffled.subList(0, plain.size() / 2).stream()
                .filter(firstHalf::contains)
                .count();
        // Half of 3000, give or take five standard deviations of the hypergeometric distribution.
        assertThat(early).isBetween(1500L - 97, 1500L + 97);
    }

    @Test
    void letsReadersGoThatWaitForOthersWhenItIsStopped() throws Exception {
        ExamplePass pass = new ShuffledSource(rows, 1).open(0, 3, Share.ALL);
        try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
            List<Future<Boolean>> waiting = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                ExamplePass.ExampleReader reader = pass.reader(i);
                // The third reader never comes.
                waiting.add(threads.submit(() -> reader.next(new ExampleBatch(), 10)));
            }
            pass.stop();
            for (Future<Boolean> reader : waiting) {
                assertThat(reader.get()).isFalse();
            }
        }
        pass.close();
    }
}
