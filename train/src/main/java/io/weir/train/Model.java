package io.weir.train;

import io.weir.model.TableSpec;
import java.util.List;

/// What a training trains: tables of parameters, and how examples make gradients of them. Immutable, and so
/// thread-safe.
public sealed interface Model permits LogisticRegression, SoftmaxRegression, Perceptron {
    /// The key of the bias of a linear model: the greatest unsigned one. A feature of this index is refused if there is
    /// a bias.
    long BIAS_KEY = -1L;

    /// The tables that its parameters lie in, in the order in which they are pulled and pushed.
    List<TableSpec> tables();

    /// Whether the gradient of a batch, and in a synchronous run of a step, is the mean; otherwise it is the sum.
    boolean mean();

    /// Margins of one example: one if there are two classes, as many as classes otherwise.
    int marginCount();

    /// What one worker, or whoever scores examples, computes with.
    ///
    /// @param source name of the examples, for messages
    Learner learner(String source);

    /// What it is beside its tables: `perceptron(layers=784-128-10,activation=relu,dropout=0.2,seed=1)`, say.
    default String text() {
        return ModelText.of(this);
    }

    /// The same model in tables of another name.
    ///
    /// @param name of its table, or what the names of its tables begin with
    Model named(String name);
}
