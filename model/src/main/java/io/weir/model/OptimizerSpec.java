package io.weir.model;

import java.util.List;
import java.util.Map;
import java.util.Objects;

/// How pushed values change the rows of a table, declared when the table is created and run in its shards.
///
/// The text form is the name with its settings, `ftrl(alpha=0.1,beta=1,l1=0,l2=0)`; see [#parse] and [#text].
/// Formulas, sources and what asynchrony does to each stand with the kernels; `docs/optimizers.md` has all of
/// them in one table. Immutable.
public sealed interface OptimizerSpec {
    /// Plain gradient descent, `w ← w − rate · g`.
    record Sgd(float rate, Tuning tuning) implements OptimizerSpec {
        public Sgd {
            requirePositive("sgd", "rate", rate);
            Objects.requireNonNull(tuning, "tuning");
        }

        public Sgd(float rate) {
            this(rate, Tuning.NONE);
        }

        @Override
        public int slotCount() {
            return 0;
        }
    }

    /// Heavy-ball momentum, one slot: `v ← momentum · v + g`, then `w ← w − rate · v`.
    record Momentum(float rate, float momentum, Tuning tuning) implements OptimizerSpec {
        public Momentum {
            requirePositive("momentum", "rate", rate);
            requireFraction("momentum", "momentum", momentum);
            Objects.requireNonNull(tuning, "tuning");
        }

        public Momentum(float rate, float momentum) {
            this(rate, momentum, Tuning.NONE);
        }

        @Override
        public int slotCount() {
            return 1;
        }
    }

    /// AdaGrad, one slot: `a ← a + g²`, then `w ← w − rate · g / (√a + epsilon)`.
    record AdaGrad(float rate, float epsilon, Tuning tuning) implements OptimizerSpec {
        public AdaGrad {
            requirePositive("adagrad", "rate", rate);
            requireNonNegative("adagrad", "epsilon", epsilon);
            Objects.requireNonNull(tuning, "tuning");
        }

        public AdaGrad(float rate, float epsilon) {
            this(rate, epsilon, Tuning.NONE);
        }

        @Override
        public int slotCount() {
            return 1;
        }
    }

    /// Adam, two slots. It is *lazy*: only pushed rows move, and the bias correction counts the pushes of the
    /// row itself. The name `lazy_adam` reads as this one too.
    record Adam(float rate, float beta1, float beta2, float epsilon, Tuning tuning) implements OptimizerSpec {
        public Adam {
            requirePositive("adam", "rate", rate);
            requireFraction("adam", "beta1", beta1);
            requireFraction("adam", "beta2", beta2);
            requireNonNegative("adam", "epsilon", epsilon);
            Objects.requireNonNull(tuning, "tuning");
        }

        public Adam(float rate, float beta1, float beta2, float epsilon) {
            this(rate, beta1, beta2, epsilon, Tuning.NONE);
        }

        @Override
        public int slotCount() {
            return 2;
        }
    }

    /// FTRL-proximal, two slots, with L1 and L2 regularization. Its rate has no schedule: a weight is worked out
    /// anew from all gradients at one `alpha`.
    record Ftrl(float alpha, float beta, float l1, float l2, Tuning tuning) implements OptimizerSpec {
        public Ftrl {
            requirePositive("ftrl", "alpha", alpha);
            requireNonNegative("ftrl", "beta", beta);
            requireNonNegative("ftrl", "l1", l1);
            requireNonNegative("ftrl", "l2", l2);
            if (beta == 0 && l2 == 0) {
                throw new IllegalArgumentException("ftrl needs beta or l2 above 0: beta=0, l2=0");
            }
            if (!tuning.isSteady()) {
                throw new IllegalArgumentException(
                        "ftrl has no schedule: schedule=" + tuning.schedule().text() + ", warmup=" + tuning.warmup());
            }
        }

        public Ftrl(float alpha, float beta, float l1, float l2) {
            this(alpha, beta, l1, l2, Tuning.NONE);
        }

        @Override
        public int slotCount() {
            return 2;
        }
    }

    /// No optimizer: what is pushed is a delta, `w ← w + d`.
    record Add() implements OptimizerSpec {
        @Override
        public Tuning tuning() {
            return Tuning.NONE;
        }

        @Override
        public int slotCount() {
            return 0;
        }

        @Override
        public boolean takesGradients() {
            return false;
        }
    }

    /// No optimizer: what is pushed replaces the row, `w ← d`. Of several values the last one stays.
    record Assign() implements OptimizerSpec {
        @Override
        public Tuning tuning() {
            return Tuning.NONE;
        }

        @Override
        public int slotCount() {
            return 0;
        }

        @Override
        public boolean takesGradients() {
            return false;
        }

        @Override
        public Fold fold() {
            return Fold.LAST;
        }
    }

    /// No optimizer: each weight becomes the lesser of itself and what is pushed. The initial row takes part.
    record Min() implements OptimizerSpec {
        @Override
        public Tuning tuning() {
            return Tuning.NONE;
        }

        @Override
        public int slotCount() {
            return 0;
        }

        @Override
        public boolean takesGradients() {
            return false;
        }

        @Override
        public Fold fold() {
            return Fold.LEAST;
        }
    }

    /// No optimizer: each weight becomes the greater of itself and what is pushed. The initial row takes part.
    record Max() implements OptimizerSpec {
        @Override
        public Tuning tuning() {
            return Tuning.NONE;
        }

        @Override
        public int slotCount() {
            return 0;
        }

        @Override
        public boolean takesGradients() {
            return false;
        }

        @Override
        public Fold fold() {
            return Fold.GREATEST;
        }
    }

    /// No optimizer: what is pushed replaces the row, `w ← d`. Several values are summed first: those of all workers of
    /// a synchronous step, and those of a key that is repeated.
    record Replace() implements OptimizerSpec {
        @Override
        public Tuning tuning() {
            return Tuning.NONE;
        }

        @Override
        public int slotCount() {
            return 0;
        }

        @Override
        public boolean takesGradients() {
            return false;
        }
    }

    /// Nesterov's accelerated gradient, one slot: `v ← momentum · v + g`, then `w ← w − rate · (g + momentum ·
    /// v)`. The name `nag` reads as this one too.
    record Nesterov(float rate, float momentum, Tuning tuning) implements OptimizerSpec {
        public Nesterov {
            requirePositive("nesterov", "rate", rate);
            requireFraction("nesterov", "momentum", momentum);
            Objects.requireNonNull(tuning, "tuning");
        }

        public Nesterov(float rate, float momentum) {
            this(rate, momentum, Tuning.NONE);
        }

        @Override
        public int slotCount() {
            return 1;
        }
    }

    /// AdaGrad with one float for a whole row, which adds up the mean of the squares: `w ← w − rate / (√a +
    /// epsilon) · g`.
    record RowwiseAdaGrad(float rate, float epsilon, Tuning tuning) implements OptimizerSpec {
        public RowwiseAdaGrad {
            requirePositive("rowwise_adagrad", "rate", rate);
            requireNonNegative("rowwise_adagrad", "epsilon", epsilon);
            Objects.requireNonNull(tuning, "tuning");
        }

        public RowwiseAdaGrad(float rate, float epsilon) {
            this(rate, epsilon, Tuning.NONE);
        }

        @Override
        public int slotCount() {
            return 0;
        }

        @Override
        public int rowSlotCount() {
            return 1;
        }

        @Override
        public boolean needsWholeRow() {
            return true;
        }
    }

    /// As [RowwiseAdaGrad], with `epsilon` below the root: `w ← w − rate / √(a + epsilon) · g`.
    record GroupAdaGrad(float rate, float epsilon, Tuning tuning) implements OptimizerSpec {
        public GroupAdaGrad {
            requirePositive("group_adagrad", "rate", rate);
            requirePositive("group_adagrad", "epsilon", epsilon);
            Objects.requireNonNull(tuning, "tuning");
        }

        public GroupAdaGrad(float rate, float epsilon) {
            this(rate, epsilon, Tuning.NONE);
        }

        @Override
        public int slotCount() {
            return 0;
        }

        @Override
        public int rowSlotCount() {
            return 1;
        }

        @Override
        public boolean needsWholeRow() {
            return true;
        }
    }

    /// AdaDelta, two slots: steps in proportion to the size of earlier ones, so that the rate is 1.
    record AdaDelta(float rate, float rho, float epsilon, Tuning tuning) implements OptimizerSpec {
        public AdaDelta {
            requirePositive("adadelta", "rate", rate);
            requireFraction("adadelta", "rho", rho);
            requirePositive("adadelta", "epsilon", epsilon);
            Objects.requireNonNull(tuning, "tuning");
        }

        public AdaDelta(float rate, float rho, float epsilon) {
            this(rate, rho, epsilon, Tuning.NONE);
        }

        @Override
        public int slotCount() {
            return 2;
        }
    }

    /// RMSProp, one slot, one more if `centered` and one more with a `momentum` above 0.
    record RmsProp(float rate, float rho, float epsilon, float momentum, boolean centered, Tuning tuning)
            implements OptimizerSpec {
        public RmsProp {
            requirePositive("rmsprop", "rate", rate);
            requireFraction("rmsprop", "rho", rho);
            requirePositive("rmsprop", "epsilon", epsilon);
            requireFraction("rmsprop", "momentum", momentum);
            Objects.requireNonNull(tuning, "tuning");
        }

        public RmsProp(float rate, float rho, float epsilon, float momentum, boolean centered) {
            this(rate, rho, epsilon, momentum, centered, Tuning.NONE);
        }

        @Override
        public int slotCount() {
            return 1 + (centered ? 1 : 0) + (momentum > 0 ? 1 : 0);
        }
    }

    /// Adam, two slots, with weight decay beside the gradient: each push also takes `rate · decay · w` off the
    /// weights.
    record AdamW(float rate, float beta1, float beta2, float epsilon, float decay, Tuning tuning)
            implements OptimizerSpec {
        public AdamW {
            requirePositive("adamw", "rate", rate);
            requireFraction("adamw", "beta1", beta1);
            requireFraction("adamw", "beta2", beta2);
            requireNonNegative("adamw", "epsilon", epsilon);
            requireNonNegative("adamw", "decay", decay);
            requireNoDecay("adamw", tuning);
        }

        public AdamW(float rate, float beta1, float beta2, float epsilon, float decay) {
            this(rate, beta1, beta2, epsilon, decay, Tuning.NONE);
        }

        @Override
        public int slotCount() {
            return 2;
        }
    }

    /// AdaMax, two slots: Adam with the greatest size of the gradients in place of the root of their squares.
    record AdaMax(float rate, float beta1, float beta2, float epsilon, Tuning tuning) implements OptimizerSpec {
        public AdaMax {
            requirePositive("adamax", "rate", rate);
            requireFraction("adamax", "beta1", beta1);
            requireFraction("adamax", "beta2", beta2);
            requireNonNegative("adamax", "epsilon", epsilon);
            Objects.requireNonNull(tuning, "tuning");
        }

        public AdaMax(float rate, float beta1, float beta2, float epsilon) {
            this(rate, beta1, beta2, epsilon, Tuning.NONE);
        }

        @Override
        public int slotCount() {
            return 2;
        }
    }

    /// Adam with Nesterov's momentum, two slots and one float a row. `momentumDecay` says how fast the momentum
    /// warms up.
    record Nadam(float rate, float beta1, float beta2, float epsilon, float momentumDecay, Tuning tuning)
            implements OptimizerSpec {
        public Nadam {
            requirePositive("nadam", "rate", rate);
            requireFraction("nadam", "beta1", beta1);
            requireFraction("nadam", "beta2", beta2);
            requireNonNegative("nadam", "epsilon", epsilon);
            requireNonNegative("nadam", "momentum_decay", momentumDecay);
            Objects.requireNonNull(tuning, "tuning");
        }

        public Nadam(float rate, float beta1, float beta2, float epsilon, float momentumDecay) {
            this(rate, beta1, beta2, epsilon, momentumDecay, Tuning.NONE);
        }

        @Override
        public int slotCount() {
            return 2;
        }

        @Override
        public int rowSlotCount() {
            return 1;
        }
    }

    /// Adam, three slots, that divides by the greatest second moment so far.
    record AmsGrad(float rate, float beta1, float beta2, float epsilon, Tuning tuning) implements OptimizerSpec {
        public AmsGrad {
            requirePositive("amsgrad", "rate", rate);
            requireFraction("amsgrad", "beta1", beta1);
            requireFraction("amsgrad", "beta2", beta2);
            requireNonNegative("amsgrad", "epsilon", epsilon);
            Objects.requireNonNull(tuning, "tuning");
        }

        public AmsGrad(float rate, float beta1, float beta2, float epsilon) {
            this(rate, beta1, beta2, epsilon, Tuning.NONE);
        }

        @Override
        public int slotCount() {
            return 3;
        }
    }

    /// Follow the moving leader, three slots.
    record Ftml(float rate, float beta1, float beta2, float epsilon, Tuning tuning) implements OptimizerSpec {
        public Ftml {
            requirePositive("ftml", "rate", rate);
            requireFraction("ftml", "beta1", beta1);
            requireFraction("ftml", "beta2", beta2);
            requireNonNegative("ftml", "epsilon", epsilon);
            Objects.requireNonNull(tuning, "tuning");
        }

        public Ftml(float rate, float beta1, float beta2, float epsilon) {
            this(rate, beta1, beta2, epsilon, Tuning.NONE);
        }

        @Override
        public int slotCount() {
            return 3;
        }
    }

    /// Steps of one size, by the sign of the momentum; one slot, none if `momentum` is 0 (signSGD). Each push
    /// also takes `rate · shrink · w` off the weights.
    record Signum(float rate, float momentum, float shrink, Tuning tuning) implements OptimizerSpec {
        public Signum {
            requirePositive("signum", "rate", rate);
            requireFraction("signum", "momentum", momentum);
            requireNonNegative("signum", "shrink", shrink);
            Objects.requireNonNull(tuning, "tuning");
        }

        public Signum(float rate, float momentum, float shrink) {
            this(rate, momentum, shrink, Tuning.NONE);
        }

        @Override
        public int slotCount() {
            return momentum > 0 ? 1 : 0;
        }
    }

    /// Stochastic gradient Langevin dynamics: `w ← w − rate / 2 · g + √rate · ξ`, `ξ` normal and a function of
    /// the table's seed, the key, the row's push count and the position.
    record Sgld(float rate, Tuning tuning) implements OptimizerSpec {
        public Sgld {
            requirePositive("sgld", "rate", rate);
            Objects.requireNonNull(tuning, "tuning");
        }

        public Sgld(float rate) {
            this(rate, Tuning.NONE);
        }

        @Override
        public int slotCount() {
            return 0;
        }
    }

    /// Layer-wise adaptive rates over momentum, one slot. The layer is the row of an embedding table, or the
    /// whole tensor of a dense one.
    record Lars(float rate, float momentum, float eta, float epsilon, float decay, Tuning tuning)
            implements OptimizerSpec {
        public Lars {
            requirePositive("lars", "rate", rate);
            requireFraction("lars", "momentum", momentum);
            requirePositive("lars", "eta", eta);
            requireNonNegative("lars", "epsilon", epsilon);
            requireNonNegative("lars", "decay", decay);
            requireNoDecay("lars", tuning);
        }

        public Lars(float rate, float momentum, float eta, float epsilon, float decay) {
            this(rate, momentum, eta, epsilon, decay, Tuning.NONE);
        }

        @Override
        public int slotCount() {
            return 1;
        }

        @Override
        public boolean needsWholeRow() {
            return true;
        }
    }

    /// Layer-wise adaptive steps over Adam, two slots. The layer is the row of an embedding table, or the whole
    /// tensor of a dense one. The norm of the weights counts as at least `lower`, and at most `upper` unless
    /// that is 0.
    record Lamb(
            float rate, float beta1, float beta2, float epsilon, float decay, float lower, float upper, Tuning tuning)
            implements OptimizerSpec {
        public Lamb {
            requirePositive("lamb", "rate", rate);
            requireFraction("lamb", "beta1", beta1);
            requireFraction("lamb", "beta2", beta2);
            requireNonNegative("lamb", "epsilon", epsilon);
            requireNonNegative("lamb", "decay", decay);
            requireNonNegative("lamb", "lower", lower);
            requireNonNegative("lamb", "upper", upper);
            if (upper != 0 && upper < lower) {
                throw new IllegalArgumentException(
                        "lamb upper must be 0, or lower at least: lower=" + lower + ", upper=" + upper);
            }
            requireNoDecay("lamb", tuning);
        }

        public Lamb(float rate, float beta1, float beta2, float epsilon, float decay, float lower, float upper) {
            this(rate, beta1, beta2, epsilon, decay, lower, upper, Tuning.NONE);
        }

        @Override
        public int slotCount() {
            return 2;
        }

        @Override
        public boolean needsWholeRow() {
            return true;
        }
    }

    /// Gradient descent that makes up for delay, one slot for the weight before the row's last update, one more
    /// with a `momentum` above 0: `g + lambda · g² · (w − w_prev)` takes the place of the gradient.
    record DcAsgd(float rate, float momentum, float lambda, Tuning tuning) implements OptimizerSpec {
        public DcAsgd {
            requirePositive("dcasgd", "rate", rate);
            requireFraction("dcasgd", "momentum", momentum);
            requireNonNegative("dcasgd", "lambda", lambda);
            Objects.requireNonNull(tuning, "tuning");
        }

        public DcAsgd(float rate, float momentum, float lambda) {
            this(rate, momentum, lambda, Tuning.NONE);
        }

        @Override
        public int slotCount() {
            return 1 + (momentum > 0 ? 1 : 0);
        }
    }

    /// What happens to a gradient before this optimizer sees it, and how its rate moves. Where it is left out of
    /// a constructor it is [Tuning#NONE].
    Tuning tuning();

    /// The same optimizer with another tuning.
    ///
    /// @throws IllegalArgumentException if it does not take it: what is no gradient takes none, FTRL no
    /// schedule, and what decays weights by a setting of its own no decay
    default OptimizerSpec withTuning(Tuning tuning) {
        return of(name(), settings(), tuning);
    }

    /// Slots kept beside the weights of a row, each as long as the weights.
    int slotCount();

    /// Slots of a single float, kept once for the whole row.
    default int rowSlotCount() {
        return 0;
    }

    /// Floats kept beside the weights of a row of `rowLength`: all its slots.
    default int slotLength(int rowLength) {
        return Math.addExact(Math.multiplyExact(slotCount(), rowLength), rowSlotCount());
    }

    /// Whether what is pushed is a gradient. If not, workers' values are never averaged.
    default boolean takesGradients() {
        return true;
    }

    /// How several values for one row become one.
    default Fold fold() {
        return Fold.SUM;
    }

    /// Whether an update must see the whole gradient of a row, because it takes a norm or a mean of it. A dense
    /// table with such an optimizer is one block, and each push to it carries the whole tensor.
    default boolean needsWholeRow() {
        return tuning().clipNorm() > 0;
    }

    /// The name of the text form.
    default String name() {
        return OptimizerForm.of(this).name();
    }

    /// The settings of the text form in its order, without those of the tuning, as a read-only map. Truths are 0
    /// or 1.
    default Map<String, Float> settings() {
        return OptimizerForm.of(this).settings(this);
    }

    /// The names of the settings of the optimizer `name`, in the order of [#settings].
    ///
    /// @throws IllegalArgumentException if there is no such optimizer
    static List<String> settingNames(String name) {
        return OptimizerForm.named(name).settingNames();
    }

    /// The names of all optimizers.
    static List<String> names() {
        return OptimizerForm.names();
    }

    /// The optimizer `name` with these settings; those that are left out take their defaults.
    ///
    /// @throws IllegalArgumentException naming the optimizer, the setting, and what is allowed
    static OptimizerSpec of(String name, Map<String, Float> settings, Tuning tuning) {
        Objects.requireNonNull(settings, "settings");
        Objects.requireNonNull(tuning, "tuning");
        return OptimizerForm.named(name).create(settings, tuning);
    }

    /// The text form that [#parse] reads back to an equal value. Of the tuning it has what is not neutral.
    default String text() {
        return OptimizerText.format(this);
    }

    /// Reads a text form: a name of [#names], then in parentheses its settings, and those of its [Tuning]:
    /// `scale`, `clip`, `clip_norm`, `decay`, `warmup`, and `schedule` in the form of [RateSchedule]. What is
    /// left out takes its default, so that `adamw` is
    /// `adamw(rate=0.001,beta1=0.9,beta2=0.999,epsilon=1e-8,decay=0.01)`. `docs/optimizers.md` lists all of
    /// them.
    ///
    /// @throws IllegalArgumentException naming the optimizer, the setting, and what is allowed
    static OptimizerSpec parse(String text) {
        return OptimizerText.parse(text);
    }

    private static void requireNoDecay(String optimizer, Tuning tuning) {
        if (tuning.decay() != 0) {
            throw new IllegalArgumentException(optimizer
                    + " decays the weights by its own setting, not by that of the tuning: decay=" + tuning.decay());
        }
    }

    private static void requirePositive(String optimizer, String name, float value) {
        if (!(value > 0) || Float.isInfinite(value)) {
            throw new IllegalArgumentException(
                    optimizer + " " + name + " must be above 0 and finite: " + name + "=" + value);
        }
    }

    private static void requireNonNegative(String optimizer, String name, float value) {
        if (!(value >= 0) || Float.isInfinite(value)) {
            throw new IllegalArgumentException(
                    optimizer + " " + name + " must be 0 or more and finite: " + name + "=" + value);
        }
    }

    private static void requireFraction(String optimizer, String name, float value) {
        if (!(value >= 0) || !(value < 1)) {
            throw new IllegalArgumentException(
                    optimizer + " " + name + " must be at least 0 and below 1: " + name + "=" + value);
        }
    }
}
