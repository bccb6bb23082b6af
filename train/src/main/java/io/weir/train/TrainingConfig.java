package io.weir.train;

import io.weir.model.Compression;
import io.weir.model.Consistency;
import io.weir.model.RunSpec;
import io.weir.train.ExampleSource.Share;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Consumer;

/// How a model is trained, whichever it is: the run, its workers, and the order of the examples. Immutable.
///
/// @param run name of the run
/// @param continued whether a finished run may be taken up again
/// @param membership how its workers work together
/// @param algorithm when they pull and push
/// @param transfer how gradients and parameters travel
/// @param batch examples in a minibatch
/// @param passes over the examples
/// @param shuffle whether the examples come in random order: the portions of a pass, and the examples in each of them
/// @param seed of the shuffling
/// @param workers threads of each process, without backup workers
/// @param slices workers that make one replica of the model, each with a slice of it; 1 if every worker has all of it
/// @param share which process of how many this one is
/// @param slowdown for experiments: which worker is slowed down
/// @param progressInterval time between two calls of the [ProgressListener]
public record TrainingConfig(
        String run,
        boolean continued,
        Membership membership,
        Algorithm algorithm,
        Transfer transfer,
        int batch,
        int passes,
        boolean shuffle,
        long seed,
        int workers,
        int slices,
        Share share,
        Slowdown slowdown,
        Duration progressInterval) {
    /// Greatest batch.
    public static final int MAX_BATCH = 1 << 20;

    /// How the workers of a run work together. Immutable.
    ///
    /// @param consistency what they may see of each other
    /// @param backupWorkers workers beyond those that a synchronous step needs
    /// @param silence a worker that gives no sign of life for so long is fenced, and the others go on
    /// @param rejoin whether a worker that was fenced joins again as a new generation
    public record Membership(Consistency consistency, int backupWorkers, Duration silence, boolean rejoin) {
        /// Asynchronous, a silence of 10 s, and back again.
        public static final Membership DEFAULT =
                new Membership(Consistency.asp(), 0, Duration.ofMillis(RunSpec.DEFAULT_SILENCE_MS), true);

        public Membership {
            Objects.requireNonNull(consistency, "consistency");
            Objects.requireNonNull(silence, "silence");
            requireWithin("backup workers", backupWorkers, 0, 1024);
        }

        /// The default, with this consistency.
        public static Membership of(Consistency consistency) {
            return new Membership(consistency, 0, DEFAULT.silence, DEFAULT.rejoin);
        }
    }

    /// How gradients and parameters travel between workers and servers. Immutable.
    ///
    /// What a compression with feedback leaves out of its pushes is kept by each worker for its next ones, from
    /// portion to portion and for each table; a new life of a worker begins with none, and what is left at the
    /// end of a training is not pushed any more. So a synchronous run with feedback gives the same model each
    /// time unless a worker dies: its next life does its steps again without the residual of the last one, and
    /// goes on with what these leave. Nor is a push taken back that came too late for its step: its batch is
    /// trained on again, with what it left.
    ///
    /// @param pushes of the gradients
    /// @param pulls of the parameters, a compression that rounds each value by itself
    public record Transfer(Compression pushes, Compression pulls) {
        /// 32-bit floats both ways.
        public static final Transfer PLAIN = new Transfer(Compression.none(), Compression.none());

        public Transfer {
            Objects.requireNonNull(pushes, "pushes");
            pulls = pulls.requiredForPulls();
        }

        /// Pushes only.
        public static Transfer ofPushes(Compression pushes) {
            return new Transfer(pushes, Compression.none());
        }
    }

    /// A worker that takes longer than the others, for experiments. Immutable.
    ///
    /// @param worker its index in the run
    /// @param factor after each batch it waits `factor - 1` times as long as the batch took; a batch in which the
    ///     process stood still counts as a long one, not with all that time
    public record Slowdown(int worker, double factor) {
        /// Nobody.
        public static final Slowdown NONE = new Slowdown(0, 1);

        public Slowdown {
            requireWithin("slow worker", worker, 0, RunSpec.MAX_WORKERS - 1);
            if (!(factor >= 1 && factor <= 1000)) {
                throw new IllegalArgumentException("slowdown must be from 1 to 1000 times: factor=" + factor);
            }
        }

        /// How long a worker waits after a batch that took `tookNs`.
        long pauseNs(int worker, long tookNs) {
            return worker == this.worker ? (long) ((factor - 1) * tookNs) : 0;
        }
    }

    public TrainingConfig {
        Objects.requireNonNull(run, "run");
        Objects.requireNonNull(membership, "membership");
        Objects.requireNonNull(algorithm, "algorithm");
        Objects.requireNonNull(transfer, "transfer");
        if (slices > 1 && !(algorithm instanceof Algorithm.Stepwise)) {
            throw new IllegalArgumentException(
                    "replicas in slices train stepwise: slices=" + slices + ", algorithm=" + algorithm.text());
        }
        if (!(algorithm instanceof Algorithm.Stepwise) && !(membership.consistency() instanceof Consistency.Asp)) {
            throw new IllegalArgumentException(algorithm.text()
                    + " is asynchronous, its consistency must be asp: consistency="
                    + membership.consistency().text());
        }
        Objects.requireNonNull(share, "share");
        Objects.requireNonNull(slowdown, "slowdown");
        Objects.requireNonNull(progressInterval, "progressInterval");
        requireWithin("batch", batch, 1, MAX_BATCH);
        requireWithin("passes", passes, 1, RunSpec.MAX_PORTIONS);
        requireWithin("workers", workers, 1, 1024);
        requireWithin("slices", slices, 1, RunSpec.MAX_SLICES);
        if (progressInterval.isNegative() || progressInterval.isZero()) {
            throw new IllegalArgumentException(
                    "progress interval must be above 0: progressInterval=" + progressInterval);
        }
    }

    private static void requireWithin(String name, int value, int least, int most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException(
                    name + " must be from " + least + " to " + most + ": " + name + "=" + value);
        }
    }

    /// One worker, asynchronous, batches of 256 examples, one pass in the order of the source.
    public static TrainingConfig of(String run) {
        return new TrainingConfig(
                run,
                false,
                Membership.DEFAULT,
                new Algorithm.Stepwise(),
                Transfer.PLAIN,
                256,
                1,
                false,
                1,
                1,
                1,
                Share.ALL,
                Slowdown.NONE,
                Duration.ofMillis(250));
    }

    /// Workers of the run, all processes and backup workers together.
    public int memberCount() {
        return workers * share.count() + membership.backupWorkers();
    }

    /// Copies of the model that are trained at a time: who takes portions of the input.
    public int replicaCount() {
        return memberCount() / slices;
    }

    /// The first worker of process `process`. Each has [#workers] and its part of the backup workers.
    public int firstMember(int process) {
        int backups = membership.backupWorkers();
        return process * workers + process * (backups / share.count()) + Math.min(process, backups % share.count());
    }

    /// Workers of this process.
    public int ownMembers() {
        return firstMember(share.index() + 1) - firstMember(share.index());
    }

    /// What the run is to its servers.
    ///
    /// @param mean whether the gradient of a batch is the mean over its examples: that of a synchronous step is
    ///     then the mean over its batches
    RunSpec runSpec(PortionPlan plan, boolean mean) {
        return RunSpec.of(run, workers * share.count())
                .withConsistency(membership.consistency())
                .withBackupWorkers(membership.backupWorkers())
                .withSilence(membership.silence())
                .withMean(mean && membership.consistency() instanceof Consistency.Bsp)
                .withSlices(slices)
                .withPortionCount(plan.perPass() * passes);
    }

    public TrainingConfig withRun(String run, boolean continued) {
        return changed(draft -> {
            draft.run = run;
            draft.continued = continued;
        });
    }

    public TrainingConfig withMembership(Membership membership) {
        return changed(draft -> draft.membership = membership);
    }

    public TrainingConfig withAlgorithm(Algorithm algorithm) {
        return changed(draft -> draft.algorithm = algorithm);
    }

    public TrainingConfig withTransfer(Transfer transfer) {
        return changed(draft -> draft.transfer = transfer);
    }

    public TrainingConfig withBatch(int batch) {
        return changed(draft -> draft.batch = batch);
    }

    public TrainingConfig withPasses(int passes) {
        return changed(draft -> draft.passes = passes);
    }

    public TrainingConfig withShuffle(boolean shuffle, long seed) {
        return changed(draft -> {
            draft.shuffle = shuffle;
            draft.seed = seed;
        });
    }

    public TrainingConfig withWorkers(int workers) {
        return changed(draft -> draft.workers = workers);
    }

    /// As [#withWorkers], every `slices` of which make one replica.
    public TrainingConfig withWorkers(int workers, int slices) {
        return changed(draft -> {
            draft.workers = workers;
            draft.slices = slices;
        });
    }

    public TrainingConfig withShare(Share share) {
        return changed(draft -> draft.share = share);
    }

    public TrainingConfig withSlowdown(Slowdown slowdown) {
        return changed(draft -> draft.slowdown = slowdown);
    }

    public TrainingConfig withProgressInterval(Duration progressInterval) {
        return changed(draft -> draft.progressInterval = progressInterval);
    }

    private TrainingConfig changed(Consumer<Draft> change) {
        Draft draft = new Draft(this);
        change.accept(draft);
        return draft.config();
    }

    /// A config while one of its fields is changed. Confined.
    private static final class Draft {
        private String run;
        private boolean continued;
        private Membership membership;
        private Algorithm algorithm;
        private Transfer transfer;
        private int batch;
        private int passes;
        private boolean shuffle;
        private long seed;
        private int workers;
        private int slices;
        private Share share;
        private Slowdown slowdown;
        private Duration progressInterval;

        Draft(TrainingConfig config) {
            run = config.run;
            continued = config.continued;
            membership = config.membership;
            algorithm = config.algorithm;
            transfer = config.transfer;
            batch = config.batch;
            passes = config.passes;
            shuffle = config.shuffle;
            seed = config.seed;
            workers = config.workers;
            slices = config.slices;
            share = config.share;
            slowdown = config.slowdown;
            progressInterval = config.progressInterval;
        }

        TrainingConfig config() {
            return new TrainingConfig(
                    run,
                    continued,
                    membership,
                    algorithm,
                    transfer,
                    batch,
                    passes,
                    shuffle,
                    seed,
                    workers,
                    slices,
                    share,
                    slowdown,
                    progressInterval);
        }
    }
}
