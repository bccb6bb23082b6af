package io.weir.cli.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/// Lets contenders take turns, so that what drifts on a machine drifts for all of them.
public final class Turns {
    private Turns() {}

    /// In each repetition, runs every contender once, in the order given; the first `warmups` rounds are not counted.
    ///
    /// @return the medians of each contender, in the same order
    public static List<Medians> run(List<Contender> contenders, int warmups, int repetitions, long durationNs)
            throws IOException {
        if (repetitions < 1) {
            throw new IllegalArgumentException("there must be a repetition: repetitions=" + repetitions);
        }
        List<List<Measurement>> measurements = new ArrayList<>();
        for (int i = 0; i < contenders.size(); i++) {
            measurements.add(new ArrayList<>());
        }
        for (int round = -warmups; round < repetitions; round++) {
            for (int i = 0; i < contenders.size(); i++) {
                Measurement measurement = contenders.get(i).run(durationNs);
                if (round >= 0) {
                    measurements.get(i).add(measurement);
                }
            }
        }
        List<Medians> medians = new ArrayList<>();
        for (int i = 0; i < contenders.size(); i++) {
            medians.add(Medians.of(contenders.get(i).name(), measurements.get(i)));
        }
        return medians;
    }
}
