package io.weir.train;

import io.weir.model.TableShape;
import io.weir.train.ExampleSource.Share;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// A few examples that training does not see, to ask a model in training now and then how good it is. To look
/// at the weights costs one pull of each table, and the look may be judged later. Confined to one thread.
public final class HeldOut {
    private static final int BATCH = 1024;

    private final Model model;
    private final String source;
    private final Learner learner;
    private final List<ExampleBatch> batches = new ArrayList<>();
    private final List<KeyIndexer> keys = new ArrayList<>();
    private final int exampleCount;

    /// What the weights were at some moment. Immutable.
    public static final class Look {
        private final List<float[]> weights;

        private Look(List<float[]> weights) {
            this.weights = weights;
        }
    }

    /// How good a model was.
    ///
    /// @param logloss mean over the examples, natural logarithm
    /// @param accuracy fraction of examples whose label is the most probable one
    public record Judgement(double logloss, double accuracy) {}

    /// The first examples of a source.
    ///
    /// @param most examples
    /// @throws InputException if the source is broken, or has no examples, or one without a label
    public HeldOut(ExampleSource source, int most, Model model) {
        this.model = model;
        this.source = source.name();
        this.learner = model.learner(source.name());
        int count = 0;
        try (ExampleReader reader = source.open(Share.ALL)) {
            ExampleBatch batch = new ExampleBatch();
            while (count < most && reader.next(batch, Math.min(BATCH, most - count))) {
                batches.add(batch);
                count += batch.exampleCount();
                batch = new ExampleBatch();
            }
        }
        if (count == 0) {
            throw new InputException(source.name() + ": expected examples, found none");
        }
        this.exampleCount = count;
        learner.parameters().forEach(_ -> keys.add(new KeyIndexer()));
        for (ExampleBatch batch : batches) {
            learner.select(batch);
            requireLabels(batch);
            for (int i = 0; i < keys.size(); i++) {
                Parameters parameters = learner.parameters().get(i);
                keys.get(i).append(parameters.keys(), parameters.keyCount());
            }
        }
    }

    private void requireLabels(ExampleBatch batch) {
        for (int i = 0; i < batch.exampleCount(); i++) {
            if (batch.labels()[i] == ExampleBatch.UNLABELLED) {
                throw new InputException(source + ": expected labels, found an example without one");
            }
        }
    }

    /// The model that is asked.
    public Model model() {
        return model;
    }

    /// How many examples there are.
    public int exampleCount() {
        return exampleCount;
    }

    /// Takes the weights that the examples need as they are now.
    ///
    /// @param weights of each table of the model
    public Look look(List<Weights> weights) {
        List<float[]> taken = new ArrayList<>();
        for (int i = 0; i < keys.size(); i++) {
            TableShape shape = learner.parameters().get(i).shape();
            int count = keys.get(i).uniqueCount();
            float[] floats = new float[Math.multiplyExact(count, shape.rowLength())];
            weights.get(i).read(Arrays.copyOf(keys.get(i).uniqueKeys(), count), count, floats);
            taken.add(floats);
        }
        return new Look(taken);
    }

    /// Scores the examples with the weights of a look.
    public Judgement judge(Look look) {
        double loss = 0;
        long right = 0;
        for (ExampleBatch batch : batches) {
            learner.select(batch);
            for (int i = 0; i < keys.size(); i++) {
                fill(learner.parameters().get(i), keys.get(i), look.weights.get(i));
            }
            double[] margins = learner.margins();
            int classes = model.marginCount();
            for (int i = 0; i < batch.exampleCount(); i++) {
                int label = batch.labels()[i];
                if (classes == 1) {
                    loss += LogisticLoss.loss(margins[i], label == 1);
                    right += (margins[i] > 0) == (label == 1) ? 1 : 0;
                } else {
                    int known = SoftmaxLoss.requireLabel(label, classes, source);
                    right += SoftmaxLoss.greatest(margins, i * classes, classes) == known ? 1 : 0;
                    loss += SoftmaxLoss.probabilities(margins, i * classes, classes, known);
                }
            }
        }
        return new Judgement(loss / exampleCount, (double) right / exampleCount);
    }

    private static void fill(Parameters parameters, KeyIndexer indexer, float[] weights) {
        if (parameters.isDense()) {
            System.arraycopy(weights, 0, parameters.weights(), 0, parameters.length());
            return;
        }
        int rowLength = parameters.rowLength();
        indexer.append(parameters.keys(), parameters.keyCount());
        for (int i = 0; i < parameters.keyCount(); i++) {
            System.arraycopy(weights, indexer.indices()[i] * rowLength, parameters.weights(), i * rowLength, rowLength);
        }
    }
}
