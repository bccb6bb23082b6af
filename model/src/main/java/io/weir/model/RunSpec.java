package io.weir.model;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/// What a training run is: the same for all its workers, and for all servers. Immutable.
///
/// @param name of the run: 1 to 200 of `A-Z a-z 0-9 . _ - /`, the first a letter or digit
/// @param workerCount workers that a synchronous step needs; the run begins with these and the backup workers
/// @param backupWorkers workers more than a synchronous step needs: the last ones of a step are told that they came
///     too late
/// @param consistency what the workers may see of each other
/// @param mean whether the gradients of a synchronous step are averaged over its contributors; otherwise they are
///     summed
/// @param portionCount portions of the input that are handed out, 0 if none are
/// @param portionCopies 0 if each portion is a series of minibatches that is done once. Otherwise the run goes in
///     *passes*: worker 0 begins one after the other, each hands out all portions, and a portion's part in a pass
///     counts once; near the end of a pass up to so many workers, backup copies included, may be at one portion
/// @param silenceMs a worker that gives no sign of life for so long is fenced, and the others go on
/// @param slices workers that compute with one copy of the model, a *replica*, each with its slice of it: the first so
///     many workers, then the next, and so on. They hold a portion together, count in a step together or not at all,
///     and when one of them is gone, all are. A mean is over replicas. 1 if every worker is a replica by itself
public record RunSpec(
        String name,
        int workerCount,
        int backupWorkers,
        Consistency consistency,
        boolean mean,
        int portionCount,
        int portionCopies,
        int silenceMs,
        int slices) {
    /// Most workers of one run, backup workers and later ones included.
    public static final int MAX_WORKERS = 65_536;

    /// Most portions of one run.
    public static final int MAX_PORTIONS = 1 << 20;

    /// Most workers at one portion of a run in passes.
    public static final int MAX_PORTION_COPIES = 16;

    /// Most portions of a run in passes: what comes of all of them goes into one message.
    public static final int MAX_PASS_PORTIONS = 16_384;

    /// Most slices of a replica.
    public static final int MAX_SLICES = 256;

    /// The silence that is borne if nothing else is said: 10 s.
    public static final int DEFAULT_SILENCE_MS = 10_000;

    private static final int MIN_SILENCE_MS = 100;
    private static final int MAX_SILENCE_MS = 86_400_000;

    public RunSpec {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(consistency, "consistency");
        Names.require("run", name);
        require("worker count", workerCount, 1, MAX_WORKERS, name);
        require("backup workers", backupWorkers, 0, MAX_WORKERS - workerCount, name);
        require("portion count", portionCount, 0, MAX_PORTIONS, name);
        require("silence in ms", silenceMs, MIN_SILENCE_MS, MAX_SILENCE_MS, name);
        require("portion copies", portionCopies, 0, MAX_PORTION_COPIES, name);
        if (portionCopies > 0
                && (!(consistency instanceof Consistency.Asp)
                        || portionCount < 1
                        || portionCount > MAX_PASS_PORTIONS)) {
            throw new IllegalArgumentException("a run in passes is asp, with 1 to " + MAX_PASS_PORTIONS
                    + " portions: run=" + name + ", portionCopies=" + portionCopies + ", portions=" + portionCount
                    + ", consistency=" + consistency.text());
        }
        require("slices", slices, 1, MAX_SLICES, name);
        if (slices > 1 && (workerCount % slices != 0 || backupWorkers > 0 || portionCopies > 0)) {
            throw new IllegalArgumentException(
                    "sliced replicas are whole, and have no backup workers and no passes: run="
                            + name + ", workers=" + workerCount + ", slices=" + slices + ", backupWorkers="
                            + backupWorkers
                            + ", portionCopies=" + portionCopies);
        }
        if ((long) portionCount * slices > MAX_PORTIONS) {
            throw new IllegalArgumentException("portions times slices must be at most " + MAX_PORTIONS + ": run=" + name
                    + ", portions=" + portionCount + ", slices=" + slices);
        }
        if (backupWorkers > 0 && !(consistency instanceof Consistency.Bsp)) {
            throw new IllegalArgumentException("backup workers belong to bsp, where others wait for the slowest: run="
                    + name + ", backupWorkers=" + backupWorkers + ", consistency=" + consistency.text());
        }
    }

    private static void require(String what, int value, int least, int most, String name) {
        if (value < least || value > most) {
            throw new IllegalArgumentException(
                    what + " must be from " + least + " to " + most + ": value=" + value + ", run=" + name);
        }
    }

    /// An asynchronous run without backup workers or portions.
    public static RunSpec of(String name, int workerCount) {
        return new RunSpec(name, workerCount, 0, Consistency.asp(), false, 0, 0, DEFAULT_SILENCE_MS, 1);
    }

    public RunSpec withBackupWorkers(int backupWorkers) {
        return new RunSpec(
                name, workerCount, backupWorkers, consistency, mean, portionCount, portionCopies, silenceMs, slices);
    }

    public RunSpec withConsistency(Consistency consistency) {
        return new RunSpec(
                name, workerCount, backupWorkers, consistency, mean, portionCount, portionCopies, silenceMs, slices);
    }

    public RunSpec withMean(boolean mean) {
        return new RunSpec(
                name, workerCount, backupWorkers, consistency, mean, portionCount, portionCopies, silenceMs, slices);
    }

    public RunSpec withPortionCount(int portionCount) {
        return new RunSpec(
                name, workerCount, backupWorkers, consistency, mean, portionCount, portionCopies, silenceMs, slices);
    }

    /// The same in passes, see [RunSpec].
    ///
    /// @param portionCopies most workers at one portion, 1 for no backup copies
    public RunSpec withPasses(int portionCount, int portionCopies) {
        return new RunSpec(
                name, workerCount, backupWorkers, consistency, mean, portionCount, portionCopies, silenceMs, slices);
    }

    /// Whether it goes in passes.
    public boolean isInPasses() {
        return portionCopies > 0;
    }

    public RunSpec withSilence(Duration silence) {
        return new RunSpec(
                name,
                workerCount,
                backupWorkers,
                consistency,
                mean,
                portionCount,
                portionCopies,
                (int) Math.min(silence.toMillis(), Integer.MAX_VALUE),
                slices);
    }

    public RunSpec withSlices(int slices) {
        return new RunSpec(
                name, workerCount, backupWorkers, consistency, mean, portionCount, portionCopies, silenceMs, slices);
    }

    /// The run's id: [Keys#ofString] of its name.
    public long id() {
        return Keys.ofString(name);
    }

    /// Workers that the run begins with.
    public int startingWorkers() {
        return workerCount + backupWorkers;
    }

    public boolean isBsp() {
        return consistency instanceof Consistency.Bsp;
    }

    /// What differs between this and another specification of the run, each as a phrase; empty if nothing does.
    public List<String> differencesTo(RunSpec other) {
        List<String> differences = new ArrayList<>();
        differ(differences, "workers", workerCount, other.workerCount);
        differ(differences, "backup workers", backupWorkers, other.backupWorkers);
        differ(differences, "consistency", consistency.text(), other.consistency.text());
        differ(differences, "gradients", mean ? "mean" : "sum", other.mean ? "mean" : "sum");
        differ(differences, "portions", portionCount, other.portionCount);
        differ(differences, "portion copies", portionCopies, other.portionCopies);
        differ(differences, "silence in ms", silenceMs, other.silenceMs);
        differ(differences, "slices", slices, other.slices);
        return differences;
    }

    private static void differ(List<String> differences, String what, Object here, Object there) {
        if (!here.equals(there)) {
            differences.add(what + ": here " + here + ", there " + there);
        }
    }
}
