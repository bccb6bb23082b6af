package io.weir.model;

import java.util.Optional;

/// What can be done with dense tables as vectors, where they lie: each table `y` is worked on float by float, alone or
/// with another one, `x`, and a scalar `a`. Vectors stay on their shards; only scalars travel.
///
/// Elements are 32-bit floats. Each new element is computed in double arithmetic, in the order of the formula, and
/// rounded once. The number is what crosses the network; it is never given to another meaning.
public enum VectorOperation {
    /// `y ← a`.
    FILL(1, false, true),
    /// `y ← y + a`.
    ADD(2, false, true),
    /// `y ← a · y`.
    SCALE(3, false, true),
    /// `y ← a · x`.
    COPY(4, true, true),
    /// `y ← y + a · x`.
    AXPY(5, true, true),
    /// `y ← y · x`, float by float.
    MULTIPLY(6, true, true),
    /// `y`, the gradient at `x` of a smooth function `f`, becomes the pseudo-gradient of `f + a · ‖x‖₁`: where
    /// `x` is not 0, `y + a · sign(x)`; elsewhere `y + a` if that is negative, `y − a` if that is positive,
    /// otherwise 0. `a ≥ 0`. Source: *Scalable Training of L1-Regularized Log-Linear Models*, ICML 2007, equation
    /// 4.
    PSEUDO_GRADIENT(7, true, true),
    /// The orthant in which a step from `y` along `−x` goes: `y ← sign(y)`, or `sign(−x)` where `y` is 0.
    /// Source: as above, section 3.2.
    ORTHANT(8, true, true),
    /// `y ← y` where `y · a · x > 0`, otherwise 0: a direction aligned with another one, or a point kept in an
    /// orthant. Source: as above, the projection `π`, section 3.2.
    ALIGN(9, true, true),
    /// `y ← h + l`, where each block of `x` is as long as two of `y`: first the block's `h`, then its `l`. So sums of
    /// more than 24 bits are kept in a table of 32-bit floats.
    SUM_HALVES(10, true, true),
    /// `Σ y · x`.
    DOT(33, true, false),
    /// `Σ |y|`.
    NORM1(34, false, false);

    private final int number;
    private final boolean binary;
    private final boolean changing;

    VectorOperation(int number, boolean binary, boolean changing) {
        this.number = number;
        this.binary = binary;
        this.changing = changing;
    }

    /// What crosses the network.
    public int number() {
        return number;
    }

    /// Whether another table takes part.
    public boolean isBinary() {
        return binary;
    }

    /// Whether it changes `y`. Otherwise it is a sum.
    public boolean isChanging() {
        return changing;
    }

    /// The operation with this number, if there is one.
    public static Optional<VectorOperation> ofNumber(int number) {
        for (VectorOperation operation : values()) {
            if (operation.number == number) {
                return Optional.of(operation);
            }
        }
        return Optional.empty();
    }

    /// What is wrong with two tables for this operation, as a sentence that names both, or empty.
    ///
    /// @param other the same as `spec` where no other table takes part
    public Optional<String> fault(TableSpec spec, int id, TableSpec other, int otherId) {
        String names = ": operation=" + this + ", table=" + spec.name() + (binary ? ", other=" + other.name() : "");
        boolean derived =
                spec.optimizer() instanceof OptimizerSpec.Ftrl || spec.optimizer() instanceof OptimizerSpec.Ftml;
        if (changing && derived) {
            return Optional.of("the weights of an FTRL or FTML table follow from its slots and cannot be set" + names);
        }
        if (!(spec.shape() instanceof TableShape.Dense) || !(other.shape() instanceof TableShape.Dense)) {
            return Optional.of("vector operations are for dense tables" + names);
        }
        TableShape.Dense y = (TableShape.Dense) spec.shape();
        TableShape.Dense x = (TableShape.Dense) other.shape();
        boolean fits = this == SUM_HALVES
                ? x.blockLength() == 2L * y.blockLength() && x.length() == y.blockCount() * x.blockLength()
                : x.blockLength() == y.blockLength() && x.length() == y.length();
        if (!fits) {
            return Optional.of((this == SUM_HALVES
                            ? "the other table must have blocks twice as long, and as many, all whole"
                            : "tables must have the same length and block length")
                    + names + ", length=" + y.length() + ", otherLength=" + x.length() + ", blockLength="
                    + y.blockLength() + ", otherBlockLength=" + x.blockLength());
        }
        if (!TableShape.Dense.areTogether(y, id, x, otherId)) {
            return Optional.of("tables must have the same placement, so that their blocks lie together" + names
                    + ", placement=" + y.placement() + ", otherPlacement=" + x.placement());
        }
        return Optional.empty();
    }

    /// What is wrong with a scalar for this operation, as a sentence, or empty.
    public Optional<String> faultOf(double scalar) {
        if (!Double.isFinite(scalar) || (this == PSEUDO_GRADIENT && scalar < 0)) {
            return Optional.of("scalar must be finite, and 0 or more for a pseudo-gradient: scalar=" + scalar
                    + ", operation=" + this);
        }
        return Optional.empty();
    }
}
