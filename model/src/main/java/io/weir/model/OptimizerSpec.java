package io.weir.model;

import java.util.Map;
import java.util.Objects;

/// How pushed values change the rows of a table, declared when the table is created and run in its shards.
///
/// The text form is the name with its settings, `ftrl(alpha=0.1,beta=1,l1=0,l2=0)`; see [#parse] and [#text]. Formulas,
/// sources and what asynchrony does to each stand with the kernels.
/// Immutable.
public sealed interface OptimizerSpec {
    /// Plain gradient descent, `w ← w − rate · g`.
    record Sgd(float rate) implements OptimizerSpec {
        public Sgd {
            requirePositive("sgd", "rate", rate);
        }

        @Override
        public int slotCount() {
            return 0;
        }
    }

    /// Heavy-ball momentum, one slot: `v ← momentum · v + g`, then `w ← w − rate · v`.
    record Momentum(float rate, float momentum) implements OptimizerSpec {
        public Momentum {
            requirePositive("momentum", "rate", rate);
            requireFraction("momentum", "momentum", momentum);
        }

        @Override
        public int slotCount() {
            return 1;
        }
    }

    /// AdaGrad, one slot: `a ← a + g²`, then `w ← w − rate · g / (√a + epsilon)`.
    record AdaGrad(float rate, float epsilon) implements OptimizerSpec {
        public AdaGrad {
            requirePositive("adagrad", "rate", rate);
            requireNonNegative("adagrad", "epsilon", epsilon);
        }

        @Override
        public int slotCount() {
            return 1;
        }
    }

    /// Adam, two slots. Only pushed rows move; the bias correction counts the pushes of the row itself.
    record Adam(float rate, float beta1, float beta2, float epsilon) implements OptimizerSpec {
        public Adam {
            requirePositive("adam", "rate", rate);
            requireFraction("adam", "beta1", beta1);
            requireFraction("adam", "beta2", beta2);
            requireNonNegative("adam", "epsilon", epsilon);
        }

        @Override
        public int slotCount() {
            return 2;
        }
    }

    /// FTRL-proximal, two slots, with L1 and L2 regularization.
    record Ftrl(float alpha, float beta, float l1, float l2) implements OptimizerSpec {
        public Ftrl {
            requirePositive("ftrl", "alpha", alpha);
            requireNonNegative("ftrl", "beta", beta);
            requireNonNegative("ftrl", "l1", l1);
            requireNonNegative("ftrl", "l2", l2);
            if (beta == 0 && l2 == 0) {
                throw new IllegalArgumentException("ftrl needs beta or l2 above 0: beta=0, l2=0");
            }
        }

        @Override
        public int slotCount() {
            return 2;
        }
    }

    /// No optimizer: what is pushed is a delta, `w ← w + d`.
    record Add() implements OptimizerSpec {
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

    /// The name of the text form.
    default String name() {
        return OptimizerForm.of(this).name();
    }

    /// The settings of the text form, in its order, as a read-only map.
    default Map<String, Float> settings() {
        return OptimizerForm.of(this).settings(this);
    }

    /// The names of the settings of the optimizer `name`, in the order of [#settings].
    ///
    /// @throws IllegalArgumentException if there is no such optimizer
    static Iterable<String> settingNames(String name) {
        return OptimizerForm.named(name).settingNames();
    }

    /// The optimizer `name` with these settings; those that are left out take their defaults.
    ///
    /// @throws IllegalArgumentException naming the optimizer, the setting, and what is allowed
    static OptimizerSpec of(String name, Map<String, Float> settings) {
        Objects.requireNonNull(settings, "settings");
        return OptimizerForm.named(name).create(settings, name + settings);
    }

    /// The text form that [#parse] reads back to an equal value.
    default String text() {
        return OptimizerText.format(this);
    }

    /// Reads a text form. Settings that are left out take their defaults: `sgd(rate=0.05)`,
    /// `momentum(rate=0.05,momentum=0.9)`, `adagrad(rate=0.1,epsilon=1e-8)`,
    /// `adam(rate=0.001,beta1=0.9,beta2=0.999,epsilon=1e-8)`, `ftrl(alpha=0.1,beta=1,l1=0,l2=0)`; `add`, `assign`,
    /// `min` and `max` have none.
    ///
    /// @throws IllegalArgumentException naming the optimizer, the setting, and what is allowed
    static OptimizerSpec parse(String text) {
        return OptimizerText.parse(text);
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
