package io.weir.cli;

/// What `--optimizer` says about itself in every command.
final class OptimizerOption {
    static final String FORM =
            "A name, with settings in parentheses: 'adam(rate=0.01,clip=1)'. There are sgd, momentum, nesterov, adagrad, "
                    + "rowwise_adagrad, group_adagrad, adadelta, rmsprop, adam, adamw, adamax, nadam, amsgrad, ftrl, "
                    + "ftml, signum, sgld, lars, lamb, dcasgd. docs/optimizers.md has their settings.";
    static final String PLAIN = "Without an optimizer: add, assign, min, max, replace.";

    private OptimizerOption() {}
}
