package io.weir.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.train.ExampleSource.Share;
import java.util.List;
import org.junit.jupiter.api.Test;

class ShuffledReaderTest {
    private final ExampleSource rows = new CtrGenerator(6000, 1000, 5, 3).source();
    private final List<String> plain = LibsvmSourceTest.read(rows, Share.ALL);

    private List<String> shuffled(long seed, int window) {
        try (ExampleReader reader = new ShuffledReader(rows.open(Share.ALL), seed, window)) {
            return LibsvmSourceTest.read(reader);
        }
    }

    @Test
    void givesEveryExampleOnceInAnotherOrder() {
        for (int window : new int[] {1, 7000, 1 << 20}) {
            assertThat(shuffled(1, window)).isNotEqualTo(plain).containsExactlyInAnyOrderElementsOf(plain);
        }
    }

    @Test
    void repeatsItsOrderForTheSameSeedOnly() {
        List<String> first = shuffled(1, 7000);
        assertThat(shuffled(1, 7000)).isEqualTo(first);
        assertThat(shuffled(2, 7000)).isNotEqualTo(first);
    }

    @Test
    void mixesTheWholeWindow() {
        List<String> firstHalf = plain.subList(0, plain.size() / 2);
        long early = shuffled(1, 1 << 20).subList(0, plain.size() / 2).stream()
                .filter(firstHalf::contains)
                .count();
        // Half of 3000, give or take five standard deviations of the hypergeometric distribution.
        assertThat(early).isBetween(1500L - 97, 1500L + 97);
    }
}
