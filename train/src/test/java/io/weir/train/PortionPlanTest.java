package io.weir.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.model.RunSpec;
import io.weir.train.ExampleSource.Share;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PortionPlanTest {
    private static final long MIB = 1 << 20;

    private final ExampleSource rows = new CtrGenerator(3000, 1000, 5, 3).source();
    private final List<String> plain = LibsvmSourceTest.read(rows, Share.ALL);

    private List<String> read(PortionPlan plan, int portion) {
        try (ExampleReader reader = plan.open(rows, portion)) {
            return LibsvmSourceTest.read(reader);
        }
    }

    @Test
    void cutsIntoPortionsOfAFewBatches() {
        assertThat(PortionPlan.perPass(1000 * MIB, 2, 64, 1)).isEqualTo(1000);
        // 16 batches of 1024 examples, 256 bytes each.
        assertThat(PortionPlan.perPass(1000 * MIB, 2, 1024, 1)).isEqualTo(250);
        // 16 for each worker.
        assertThat(PortionPlan.perPass(20 * MIB, 4, 256, 1)).isEqualTo(64);
        // A batch each.
        assertThat(PortionPlan.perPass(MIB, 4, 256, 1)).isEqualTo(16);
        assertThat(PortionPlan.perPass(0, 4, 256, 1)).isEqualTo(1);
        assertThat(PortionPlan.perPass(1L << 50, 4, 256, 1)).isEqualTo(4096);
        assertThat(PortionPlan.perPass(1L << 50, 4, 256, 1000) * 1000).isLessThanOrEqualTo(RunSpec.MAX_PORTIONS);
        assertThat(PortionPlan.perPass(1L << 50, 4, 256, RunSpec.MAX_PORTIONS)).isEqualTo(1);
    }

    @Test
    void givesTheSourceInItsOrder() {
        PortionPlan plan = new PortionPlan(7, false, 1);
        for (int pass = 0; pass < 2; pass++) {
            List<String> all = new ArrayList<>();
            for (int portion = 0; portion < 7; portion++) {
                assertThat(plan.passOf(pass * 7 + portion)).isEqualTo(pass);
                all.addAll(read(plan, pass * 7 + portion));
            }
            assertThat(all).isEqualTo(plain);
        }
    }

    @Test
    void shufflesPortionsAndTheirExamplesAnewInEachPass() {
        PortionPlan plan = new PortionPlan(7, true, 1);
        List<List<String>> orders = new ArrayList<>();
        for (int pass = 0; pass < 2; pass++) {
            List<String> all = new ArrayList<>();
            List<Integer> places = new ArrayList<>();
            for (int portion = 0; portion < 7; portion++) {
                List<String> part = read(plan, pass * 7 + portion);
                places.add(plain.indexOf(part.get(0)) * 7 / plain.size());
                all.addAll(part);
            }
            assertThat(places).doesNotHaveDuplicates().isNotEqualTo(List.of(0, 1, 2, 3, 4, 5, 6));
            assertThat(all).isNotEqualTo(plain).containsExactlyInAnyOrderElementsOf(plain);
            orders.add(all);
        }
        assertThat(orders.get(1)).isNotEqualTo(orders.get(0));
    }

    @Test
    void repeatsAPortionInTheSameOrder() {
        for (boolean shuffle : new boolean[] {false, true}) {
            assertThat(read(new PortionPlan(5, shuffle, 9), 8)).isEqualTo(read(new PortionPlan(5, shuffle, 9), 8));
        }
        assertThat(read(new PortionPlan(5, true, 9), 8)).isNotEqualTo(read(new PortionPlan(5, true, 10), 8));
    }
}
