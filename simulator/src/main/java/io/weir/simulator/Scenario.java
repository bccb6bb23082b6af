package io.weir.simulator;

import io.weir.model.Consistency;
import io.weir.model.RunSpec;
import java.time.Duration;
import java.util.SplittableRandom;

/// What a history is about, as its seed has it. Immutable.
///
/// @param run consistency, workers, portions
/// @param steps that a worker does, without portions; minibatches of a portion, with them; passes, of a run in passes
/// @param faults how many
record Scenario(RunSpec run, int steps, int faults) {
    /// A worker that is silent for so long is fenced.
    static final int SILENCE_MS = 400;

    static Scenario of(long seed) {
        SplittableRandom random = new SplittableRandom(seed ^ 0x5eed);
        int workers = 3 + random.nextInt(3);
        RunSpec run = RunSpec.of("history", workers).withSilence(Duration.ofMillis(SILENCE_MS));
        int mode = random.nextInt(8);
        Consistency consistency =
                switch (mode) {
                    case 0, 1, 2 -> Consistency.bsp();
                    case 3, 4, 5 -> Consistency.ssp(new int[] {0, 1, 3, 10}[random.nextInt(4)]);
                    default -> Consistency.asp();
                };
        run = run.withConsistency(consistency).withMean(run.isBsp() && random.nextInt(4) == 0);
        if (mode < 2 && random.nextInt(2) == 0) {
            run = run.withBackupWorkers(1);
        }
        if (mode == 7) {
            int passes = 2 + random.nextInt(4);
            int portions = (75 + passes - 1) / passes;
            return new Scenario(run.withPasses(portions, 1 + random.nextInt(3)), passes, 5 + random.nextInt(6));
        }
        int starting = run.startingWorkers();
        if (random.nextInt(3) == 0) {
            int batches = 2 + random.nextInt(5);
            int portions = (75 + batches - 1) / batches;
            return new Scenario(run.withPortionCount(portions), batches, 5 + random.nextInt(6));
        }
        // At least two pushes a step, and one worker may die for good: 150 pushes in all.
        return new Scenario(run, (75 + starting - 2) / (starting - 1), 5 + random.nextInt(6));
    }

    boolean isInPasses() {
        return run.isInPasses();
    }

    boolean hasPortions() {
        return run.portionCount() > 0;
    }
}
