package io.weir.kernel;

/// A relative of Adam: what it has in common with the others is a fading mean of gradients and one of their sizes. Why
/// their loops repeat each other's lines nevertheless, [RowKernel] says.
abstract sealed class MomentKernel extends RowKernel
        permits AdaMaxKernel, AdamWKernel, AmsGradKernel, FtmlKernel, LambKernel, NadamKernel {
    final float beta1;
    final float beta2;
    final float rest1;
    final float rest2;
    final float epsilon;

    /// @param leastEpsilon what a lesser `epsilon` counts as
    MomentKernel(float beta1, float beta2, float epsilon, float leastEpsilon) {
        this.beta1 = requireFraction("beta1", beta1);
        this.beta2 = requireFraction("beta2", beta2);
        this.rest1 = 1 - beta1;
        this.rest2 = 1 - beta2;
        this.epsilon = Math.max(requireNonNegative("epsilon", epsilon), leastEpsilon);
    }
}
