package io.weir.train;

import io.weir.model.RunSpec;
import io.weir.train.ExampleSource.Share;

/// How the input of a run is cut into portions: the same in all its processes, for it follows from the size of the
/// input, the size of the run and the batch alone. Confined to one thread.
///
/// Each pass has [#perPass] portions; portion `i` of the run belongs to pass `i / perPass`, and the portions of a pass
/// are the shares of the source in their order, or shuffled in an order drawn from the seed and the pass, which also
/// orders the examples within each portion.
final class PortionPlan {
    /// A portion is not worth less than this.
    private static final long LEAST_BYTES = 1 << 20;

    /// Minibatches of a portion, where examples take [#EXAMPLE_BYTES]: each portion costs a few round trips, and ends
    /// with a batch that may be smaller than the others.
    private static final int BATCHES = 16;

    private static final int EXAMPLE_BYTES = 256;

    /// So many for each worker, at least: the last ones to be at work wait for at most a part of a portion.
    private static final int LEAST_PER_WORKER = 16;

    private static final int MOST = 4096;

    private final int perPass;
    private final boolean shuffle;
    private final long seed;
    private int orderedPass = -1;
    private int[] order = new int[0];

    PortionPlan(int perPass, boolean shuffle, long seed) {
        this.perPass = perPass;
        this.shuffle = shuffle;
        this.seed = seed;
    }

    /// The plan for `config`, whose pushes stand for one batch or more each, on input of `byteCount` bytes.
    static PortionPlan of(long byteCount, TrainingConfig config) {
        return new PortionPlan(
                perPass(
                        byteCount,
                        config.replicaCount(),
                        Math.multiplyExact(config.batch(), config.algorithm().roundBatches()),
                        config.passes() * config.slices()),
                config.shuffle(),
                config.seed());
    }

    /// Portions of a pass for so many workers who take them, with batches that are pushed together counting as one: of
    /// 1 MiB or of [#BATCHES] batches, whichever is more; more of them where each worker would not have
    /// [#LEAST_PER_WORKER], but none much smaller than a batch; and at most [#MOST].
    static int perPass(long byteCount, int workers, int batch, int passes) {
        long batchBytes = (long) batch * EXAMPLE_BYTES;
        long wanted =
                Math.max(byteCount / Math.max(LEAST_BYTES, BATCHES * batchBytes), (long) LEAST_PER_WORKER * workers);
        long most = Math.min(Math.min(MOST, RunSpec.MAX_PORTIONS / passes), byteCount / batchBytes);
        return (int) Math.max(1, Math.min(wanted, most));
    }

    int perPass() {
        return perPass;
    }

    int passOf(int portion) {
        return portion / perPass;
    }

    /// Opens the examples of a portion.
    ExampleReader open(ExampleSource source, int portion) {
        int pass = passOf(portion);
        int place = portion % perPass;
        if (!shuffle) {
            return source.open(new Share(place, perPass));
        }
        return new ShuffledReader(
                source.open(new Share(order(pass)[place], perPass)), Mixer.of(Mixer.of(seed, pass), 1L + place));
    }

    /// The order in which the shares of a pass are dealt.
    private int[] order(int pass) {
        if (orderedPass != pass) {
            int[] shuffled = new int[perPass];
            long state = Mixer.of(Mixer.of(seed, pass), 0);
            for (int i = 0; i < perPass; i++) {
                state += Mixer.STEP;
                int other = Mixer.below(Mixer.mix(state), i + 1);
                shuffled[i] = shuffled[other];
                shuffled[other] = i;
            }
            order = shuffled;
            orderedPass = pass;
        }
        return order;
    }
}
