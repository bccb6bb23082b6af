package io.weir.cli.conformance;

import static io.weir.cli.conformance.ConformanceRule.here;
import static io.weir.cli.conformance.RuleParts.join;

import io.weir.kvstore.MxnetPlacement;
import java.util.ArrayList;
import java.util.List;

/// Where MXNet's store places keys, and how it splits those of big arrays.
final class SplittingRules {
    private static final String SECTION = "splitting";

    private SplittingRules() {}

    /// In the order of the report.
    static List<ConformanceRule> rules() {
        List<ConformanceRule> rules = new ArrayList<>();
        long[] lengths = {1_000_000, 1_440_000};
        int[] servers = {2, 3, 4, 7};
        String[][] expected = {
            {
                "500000 500000",
                "333333 333334 333333",
                "250000 250000 250000 250000",
                "142857 142857 142857 142858 142857 142857 142857"
            },
            {
                "720000 720000",
                "480000 480000 480000",
                "360000 360000 360000 360000",
                "205714 205715 205714 205714 205714 205715 205714"
            }
        };
        for (int i = 0; i < lengths.length; i++) {
            for (int j = 0; j < servers.length; j++) {
                long length = lengths[i];
                int count = servers[j];
                rules.add(here(
                        SECTION,
                        "split-" + length + "-" + count,
                        length + " elements over " + count + " servers: part i ends at round(n/S·(i+1))",
                        expected[i][j],
                        () -> {
                            long[] ends = MxnetPlacement.partEnds(length, count);
                            List<String> parts = new ArrayList<>();
                            for (int part = 0; part < count; part++) {
                                parts.add(Long.toString(ends[part] - (part == 0 ? 0 : ends[part - 1])));
                            }
                            return join(parts);
                        }));
            }
        }
        rules.add(here(
                SECTION,
                "whole",
                "below 1000000 elements a key lives on server (key·9973) mod S: keys 0, 3, 5, 7, 99 over 4 and 7",
                "0 3 1 3 3 0 1 4 0 5",
                () -> {
                    List<String> got = new ArrayList<>();
                    for (int count : new int[] {4, 7}) {
                        for (long key : new long[] {0, 3, 5, 7, 99}) {
                            got.add(Integer.toString(MxnetPlacement.serverOf(key, 999_999, 999_998, count)));
                        }
                    }
                    return join(got);
                }));
        return rules;
    }
}
