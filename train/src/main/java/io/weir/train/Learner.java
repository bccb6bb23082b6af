package io.weir.train;

import java.util.List;

/// Computes losses, gradients and margins of one batch of examples after the other. It moves no parameters: of each
/// batch [#select] says which ones are needed, whoever drives it fills their weights in, from wherever they are, and
/// takes the gradients out, to wherever they belong. Confined, reused from batch to batch.
public interface Learner {
    /// The part of each table that the batch selected last needs, in the order of [Model#tables]; the same objects all
    /// the time. Those of a dense table are always all of it.
    List<Parameters> parameters();

    /// Turns to a batch: sets the keys of all [#parameters], not their weights.
    ///
    /// @param batch read until the next call, not changed
    /// @throws InputException if the batch does not fit the model
    void select(ExampleBatch batch);

    /// Computes, from the weights of all [#parameters], the loss of each example of the batch and puts the gradient of
    /// `scale` times their sum into the gradients of all [#parameters].
    ///
    /// @param scale of the gradients; 1 for the sum over the examples, 1 over their count for the mean
    /// @param draw what random choices of the model depend on, if it makes any, so that whoever trains on a batch
    ///     makes the same ones
    /// @return the sum of the losses, natural logarithm, not scaled
    double lossAndGradients(double scale, long draw);

    /// Computes the margins of the examples of the batch from the weights of all [#parameters], with no random
    /// choices.
    ///
    /// @return [Model#marginCount] for each example, row-major; shared
    double[] margins();
}
