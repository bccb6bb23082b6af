package io.weir.cli;

import io.weir.train.ClassEvaluation;
import io.weir.train.Evaluation;
import java.util.Locale;

/// How well a model scores examples, for people and for programs. Immutable.
record Score(Json json, String text) {
    static Score of(Evaluation evaluation) {
        return new Score(
                json(evaluation),
                String.format(
                        Locale.ROOT,
                        "AUC %.5f, logloss %.5f, accuracy %.2f %%, %s examples",
                        evaluation.auc(),
                        evaluation.logloss(),
                        100 * evaluation.accuracy(),
                        Quantities.ofCount(evaluation.examples())));
    }

    static Score of(ClassEvaluation evaluation) {
        return new Score(
                new Json()
                        .put("examples", evaluation.examples())
                        .put("logloss", evaluation.logloss())
                        .put("accuracy", evaluation.accuracy()),
                String.format(
                        Locale.ROOT,
                        "accuracy %.2f %%, logloss %.5f, %s examples",
                        100 * evaluation.accuracy(),
                        evaluation.logloss(),
                        Quantities.ofCount(evaluation.examples())));
    }

    static Json json(Evaluation evaluation) {
        return new Json()
                .put("examples", evaluation.examples())
                .put("positives", evaluation.positives())
                .put("logloss", evaluation.logloss())
                .put("auc", evaluation.auc())
                .put("accuracy", evaluation.accuracy());
    }
}
