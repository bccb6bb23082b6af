package io.weir.model;

import java.util.Objects;

/// What any optimizer of gradients can be told beside its own settings: what happens to the gradient of a row
/// before the optimizer sees it, and how its rate moves. Immutable.
///
/// In this order, each step left out at its neutral value:
///
/// ```
///   g ← scale · g
///   g ← min(max(g, −clip), clip)            each float of the row
///   g ← g · clipNorm / ‖g‖                  the whole row, if ‖g‖ > clipNorm
///   g ← g + decay · w                       weight decay as an L2 penalty: it passes through the optimizer
/// ```
///
/// The row is that of an embedding table. In a dense table `clipNorm` means the whole tensor, which is then kept
/// in one block and pushed whole. The gradient is what one update sees: the sum over repeated keys, and under
/// BSP over the workers.
///
/// @param scale of gradients, above 0; 1 leaves them as they are
/// @param clip greatest size of one float of a gradient; 0 for no limit
/// @param clipNorm greatest Euclidean norm of the gradient of a row; 0 for no limit
/// @param decay share of the weight that is added to its gradient, from 0. Optimizers that decay the weights
/// themselves have a setting of their own for that
/// @param warmup pushes of a row in which its rate grows in equal steps up to full; 0 for none
/// @param schedule how the rate goes on from there
public record Tuning(float scale, float clip, float clipNorm, float decay, int warmup, RateSchedule schedule) {
    /// Leaves gradients and rate as they are.
    public static final Tuning NONE = new Tuning(1, 0, 0, 0, 0, new RateSchedule.Constant());

    public Tuning {
        Range.POSITIVE.check("scale", scale);
        Range.NON_NEGATIVE.check("clip", clip);
        Range.NON_NEGATIVE.check("clip_norm", clipNorm);
        Range.NON_NEGATIVE.check("decay", decay);
        if (warmup < 0) {
            throw new IllegalArgumentException("warmup must be 0 or more: warmup=" + warmup);
        }
        Objects.requireNonNull(schedule, "schedule");
    }

    /// Whether the rate stays as it is.
    public boolean isSteady() {
        return warmup == 0 && schedule instanceof RateSchedule.Constant;
    }

    /// What the rate is multiplied with at the push that makes the row's push count `t`, from 1: `t / warmup`
    /// during the warm-up, then the schedule's factor.
    public double factor(long t) {
        return t < warmup ? (double) t / warmup : schedule.factor(Math.max(0, t - 1 - warmup));
    }

    public Tuning withScale(float scale) {
        return new Tuning(scale, clip, clipNorm, decay, warmup, schedule);
    }

    public Tuning withClip(float clip) {
        return new Tuning(scale, clip, clipNorm, decay, warmup, schedule);
    }

    public Tuning withClipNorm(float clipNorm) {
        return new Tuning(scale, clip, clipNorm, decay, warmup, schedule);
    }

    public Tuning withDecay(float decay) {
        return new Tuning(scale, clip, clipNorm, decay, warmup, schedule);
    }

    public Tuning withWarmup(int warmup) {
        return new Tuning(scale, clip, clipNorm, decay, warmup, schedule);
    }

    public Tuning withSchedule(RateSchedule schedule) {
        return new Tuning(scale, clip, clipNorm, decay, warmup, schedule);
    }
}
