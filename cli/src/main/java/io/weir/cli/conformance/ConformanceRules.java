package io.weir.cli.conformance;

import java.util.List;
import java.util.stream.Stream;

/// What other systems promise in numbers, case by case: the one list that `weir conformance` prints and the tests go
/// by.
public final class ConformanceRules {
    private ConformanceRules() {}

    /// The rules of all subjects, in the order of the report.
    public static List<ConformanceRule> all() {
        return Stream.of(
                        VerbRules.rules(),
                        RoundRules.rules(),
                        RowRules.rules(),
                        OneProcessRules.rules(),
                        DefectRules.rules(),
                        CompressionRules.rules(),
                        SplittingRules.rules(),
                        PsLiteRules.rules(),
                        DistBeliefRules.rules(),
                        DownpourRules.rules(),
                        SandblasterRules.rules(),
                        StalenessRules.rules())
                .flatMap(List::stream)
                .toList();
    }
}
