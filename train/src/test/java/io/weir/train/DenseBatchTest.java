package io.weir.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weir.train.ExampleSource.Share;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class DenseBatchTest {
    @Test
    void becomesSparseWithoutItsZerosAndStaysAsItIs() {
        ExampleBatch batch = new ExampleBatch();
        batch.addFeature(77, 1f);
        batch.endExample(1);
        batch.clearDense(3);
        System.arraycopy(new float[] {0, 2, 3}, 0, batch.values(), batch.addDense(4), 3);
        System.arraycopy(new float[] {5, 0, 0}, 0, batch.values(), batch.addDense(6), 3);
        ExampleBatch sparse = batch.sparse(new ExampleBatch());
        assertThat(sparse.isDense()).isFalse();
        assertThat(Arrays.copyOf(sparse.rowStarts(), 3)).containsExactly(0, 2, 3);
        assertThat(Arrays.copyOf(sparse.keys(), 3)).containsExactly(1, 2, 0);
        assertThat(Arrays.copyOf(sparse.values(), 3)).containsExactly(2f, 3f, 5f);
        assertThat(Arrays.copyOf(sparse.labels(), 2)).containsExactly(4, 6);
        assertThat(sparse.sparse(new ExampleBatch())).isSameAs(sparse);
        assertThat(batch.featureCount()).isEqualTo(6);

        batch.clear();
        assertThat(batch.isDense()).isFalse();
        for (int i = 0; i < 5000; i++) {
            batch.addFeature(i, i + 1f);
        }
        batch.endExample(0);
        assertThat(batch.values()[4999]).isEqualTo(5000f);
    }

    @Test
    void refusesNoWidth() {
        assertThatThrownBy(() -> new ExampleBatch().clearDense(0))
                .hasMessage("a dense example has at least one value: width=0");
    }

    @Test
    void examplesAreShuffledWhole() {
        DenseExamples examples = new DenseExamples(500, 7, 5, 3);
        List<String> plain = read(examples.open(Share.ALL), 64);
        List<String> shuffled = read(new ShuffledReader(examples.open(Share.ALL), 9, 200 * 7), 13);
        assertThat(shuffled).isNotEqualTo(plain).containsExactlyInAnyOrderElementsOf(plain);
        assertThat(read(new ShuffledReader(examples.open(Share.ALL), 9, 200 * 7), 99))
                .isEqualTo(shuffled);
    }

    private static List<String> read(ExampleReader reader, int most) {
        List<String> examples = new ArrayList<>();
        ExampleBatch batch = new ExampleBatch();
        while (reader.next(batch, most)) {
            assertThat(batch.isDense()).isTrue();
            for (int i = 0; i < batch.exampleCount(); i++) {
                float[] values = Arrays.copyOfRange(batch.values(), batch.rowStarts()[i], batch.rowStarts()[i + 1]);
                examples.add(batch.labels()[i] + " " + Arrays.toString(values));
            }
        }
        return examples;
    }
}
