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
            OptimizerForm.check("sgd", tuning, rate);
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
            OptimizerForm.check("momentum", tuning, rate, momentum);
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
            OptimizerForm.check("adagrad", tuning, rate, epsilon);
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
            OptimizerForm.check("adam", tuning, rate, beta1, beta2, epsilon);
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
            OptimizerForm.check("ftrl", tuning, alpha, beta, l1, l2);
            if (beta == 0 && l2 == 0) {
                throw new IllegalArgumentException("ftrl needs beta or l2 above 0: beta=0, l2=0");
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

    /// No optimizer: what is pushed is no gradient. It has no slots and takes no tuning.
    sealed interface Direct extends OptimizerSpec {
        @Override
        default Tuning tuning() {
            return Tuning.NONE;
        }

        @Override
        default int slotCount() {
            return 0;
        }

        @Override
        default boolean takesGradients() {
            return false;
        }
    }

    /// What is pushed is a delta, `w ← w + d`.
    record Add() implements Direct {}

    /// What is pushed replaces the row, `w ← d`. Of several values the last one stays.
    record Assign() implements Direct {
        @Override
        public Fold fold() {
            return Fold.LAST;
        }
    }

    /// Each weight becomes the lesser of itself and what is pushed. The initial row takes part.
    record Min() implements Direct {
        @Override
        public Fold fold() {
            return Fold.LEAST;
        }
    }

    /// Each weight becomes the greater of itself and what is pushed. The initial row takes part.
    record Max() implements Direct {
        @Override
        public Fold fold() {
            return Fold.GREATEST;
        }
    }

    /// What is pushed replaces the row, `w ← d`. Several values are summed first: those of all workers of
    /// a synchronous step, and those of a key that is repeated.
    record Replace() implements Direct {}

    /// Nesterov's accelerated gradient, one slot: `v ← momentum · v + g`, then `w ← w − rate · (g + momentum ·
    /// v)`. The name `nag` reads as this one too.
    record Nesterov(float rate, float momentum, Tuning tuning) implements OptimizerSpec {
        public Nesterov {
            OptimizerForm.check("nesterov", tuning, rate, momentum);
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
            OptimizerForm.check("rowwise_adagrad", tuning, rate, epsilon);
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
            OptimizerForm.check("group_adagrad", tuning, rate, epsilon);
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
            OptimizerForm.check("adadelta", tuning, rate, rho, epsilon);
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
            OptimizerForm.check("rmsprop", tuning, rate, rho, epsilon, momentum, centered ? 1 : 0);
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
            OptimizerForm.check("adamw", tuning, rate, beta1, beta2, epsilon, decay);
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
            OptimizerForm.check("adamax", tuning, rate, beta1, beta2, epsilon);
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
            OptimizerForm.check("nadam", tuning, rate, beta1, beta2, epsilon, momentumDecay);
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
            OptimizerForm.check("amsgrad", tuning, rate, beta1, beta2, epsilon);
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
            OptimizerForm.check("ftml", tuning, rate, beta1, beta2, epsilon);
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
            OptimizerForm.check("signum", tuning, rate, momentum, shrink);
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
            OptimizerForm.check("sgld", tuning, rate);
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
            OptimizerForm.check("lars", tuning, rate, momentum, eta, epsilon, decay);
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
            OptimizerForm.check("lamb", tuning, rate, beta1, beta2, epsilon, decay, lower, upper);
            if (upper != 0 && upper < lower) {
                throw new IllegalArgumentException(
                        "lamb upper must be 0, or lower at least: lower=" + lower + ", upper=" + upper);
            }
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
            OptimizerForm.check("dcasgd", tuning, rate, momentum, lambda);
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
}
