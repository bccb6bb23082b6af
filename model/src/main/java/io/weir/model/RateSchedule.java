package io.weir.model;

/// How the rate of an optimizer changes as a row is pushed: what the rate is multiplied with. Immutable.
///
/// Time is the row's own: `n` counts the pushes of the row, or of the block of a dense table, before the one
/// that the factor is for, those of a warm-up left out ([Tuning#factor]). A row that is pushed rarely keeps a
/// high rate for long.
///
/// Text forms: `constant`, `step(every=1000,factor=0.1,least=0)`, `cosine(pushes=10000,least=0)`,
/// `inverse_root(after=1)`.
public sealed interface RateSchedule {
    /// Always 1.
    record Constant() implements RateSchedule {
        @Override
        public double factor(long n) {
            return 1;
        }

        @Override
        public String text() {
            return "constant";
        }
    }

    /// `factor^⌊n / every⌋`, but not below `least`.
    record Step(int every, float factor, float least) implements RateSchedule {
        public Step {
            requirePushes("step", "every", every);
            if (!(factor > 0) || !(factor <= 1)) {
                throw new IllegalArgumentException("step factor must be above 0 and at most 1: factor=" + factor);
            }
            requireShare("step", least);
        }

        @Override
        public double factor(long n) {
            long steps = n / every;
            return Math.max(least, StrictMath.pow(factor, (double) steps));
        }

        @Override
        public String text() {
            return "step(every=" + every + ",factor=" + TextForm.number(factor) + ",least=" + TextForm.number(least)
                    + ")";
        }
    }

    /// From 1 down to `least` on half a wave of the cosine, in `pushes` pushes: `least + (1 − least) · (1 +
    /// cos(π · n / pushes)) / 2`; then `least`.
    ///
    /// Source: *SGDR: Stochastic Gradient Descent with Warm Restarts*, ICLR 2017, equation 5, without restarts.
    record Cosine(int pushes, float least) implements RateSchedule {
        public Cosine {
            requirePushes("cosine", "pushes", pushes);
            requireShare("cosine", least);
        }

        @Override
        public double factor(long n) {
            if (n >= pushes) {
                return least;
            }
            return least + (1.0 - least) * (1 + StrictMath.cos(StrictMath.PI * n / pushes)) / 2;
        }

        @Override
        public String text() {
            return "cosine(pushes=" + pushes + ",least=" + TextForm.number(least) + ")";
        }
    }

    /// `√(after / (after + n))`: half the rate after three times `after` pushes.
    record InverseRoot(int after) implements RateSchedule {
        public InverseRoot {
            requirePushes("inverse_root", "after", after);
        }

        @Override
        public double factor(long n) {
            return Math.sqrt(after / ((double) after + n));
        }

        @Override
        public String text() {
            return "inverse_root(after=" + after + ")";
        }
    }

    /// What the rate is multiplied with after `n` pushes; from 0 to 1, the same bits on every machine.
    double factor(long n);

    /// The text form that [#parse] reads back to an equal value.
    String text();

    /// Reads a text form; `factor` of a step is 0.1, every `least` 0, and `after` 1 if they are left out.
    ///
    /// @throws IllegalArgumentException naming the schedule, the setting, and what is allowed
    static RateSchedule parse(String text) {
        TextForm form = TextForm.parse("schedule", text);
        return switch (form.name()) {
            case "constant" -> {
                form.allow();
                yield new Constant();
            }
            case "step" -> {
                form.allow("every", "factor", "least");
                yield new Step(form.integer("every", 0), form.number("factor", 0.1f), form.number("least", 0));
            }
            case "cosine" -> {
                form.allow("pushes", "least");
                yield new Cosine(form.integer("pushes", 0), form.number("least", 0));
            }
            case "inverse_root" -> {
                form.allow("after");
                yield new InverseRoot(form.integer("after", 1));
            }
            default ->
                throw new IllegalArgumentException(
                        "schedule must be one of constant, step, cosine, inverse_root: schedule=" + text);
        };
    }

    private static void requirePushes(String schedule, String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(schedule + " " + name + " must be 1 or more: " + name + "=" + value);
        }
    }

    private static void requireShare(String schedule, float least) {
        if (!(least >= 0) || !(least <= 1)) {
            throw new IllegalArgumentException(schedule + " least must be from 0 to 1: least=" + least);
        }
    }
}
