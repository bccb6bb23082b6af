package io.weir.cli.conformance;

import static io.weir.cli.conformance.ConformanceRule.among;
import static io.weir.cli.conformance.RuleParts.WORKER_COUNTS;
import static io.weir.cli.conformance.RuleParts.join;
import static io.weir.cli.conformance.RuleParts.number;
import static io.weir.cli.conformance.RuleParts.same;
import static io.weir.cli.conformance.RuleParts.sgd;

import io.weir.kvstore.KvArray;
import io.weir.kvstore.KvKey;
import io.weir.kvstore.KvRows;
import io.weir.kvstore.KvStore;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Arrays of MXNet's store of which some rows are pushed and pulled.
final class RowRules {
    private static final String SECTION = "rows";

    private RowRules() {}

    /// In the order of the report.
    static List<ConformanceRule> rules() {
        List<ConformanceRule> rules = new ArrayList<>();
        for (int n : WORKER_COUNTS) {
            List<String> expected = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                int[] gain = new int[2];
                for (int r = 0; r < n; r++) {
                    gain[r % 2] += r + 1;
                }
                expected.add(number(1 + 2 * (i + 1) * gain[0]) + "," + number(1 + 2 * (i + 1) * gain[1]));
            }
            rules.add(among(
                    n,
                    SECTION,
                    "rows",
                    "(2,3) from 1, worker r pushes r+1 into row r mod 2: row j is 1 + 2(i+1)·sum of its pushes",
                    join(expected),
                    config -> {
                        try (KvStore store = KvStore.open(config)) {
                            store.setOptimizer(sgd(2));
                            store.init(1, KvRows.dense(2, 3, 1, 1, 1, 1, 1, 1));
                            List<String> got = new ArrayList<>();
                            for (int i = 0; i < 3; i++) {
                                float value = -(store.rank() + 1);
                                store.push(1, new KvRows(2, 3, new long[] {store.rank() % 2}, new float[] {
                                    value, value, value
                                }));
                                KvRows rows = store.rowSparsePull(1, 1, 0, 1);
                                got.add(row(rows, 0) + "," + row(rows, 1));
                            }
                            return join(got);
                        }
                    }));
            rules.add(among(
                    n,
                    SECTION,
                    "empty",
                    "an empty push changes nothing; ids may repeat and be unsorted; rows not asked for read 0",
                    "5,6 0,6",
                    config -> {
                        try (KvStore store = KvStore.open(config)) {
                            store.setOptimizer(sgd(1));
                            store.init(1, KvRows.dense(2, 2, 5, 5, 6, 6));
                            store.push(1, KvRows.empty(2, 2));
                            KvRows rows = store.rowSparsePull(1, 1, 0, 1, 1);
                            KvArray some = KvArray.full(9, 2, 2);
                            store.rowSparsePull(KvKey.of(1), 0, some, new long[] {1, 1});
                            return row(rows, 0) + "," + row(rows, 1) + " " + number(some.get(1)) + ","
                                    + number(some.get(3));
                        }
                    }));
        }
        return rules;
    }

    private static String row(KvRows rows, int index) {
        int from = index * rows.rowLength();
        return same(KvArray.of(Arrays.copyOfRange(rows.values(), from, from + rows.rowLength())));
    }
}
