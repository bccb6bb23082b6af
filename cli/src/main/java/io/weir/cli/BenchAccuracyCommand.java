package io.weir.cli;

import io.weir.cli.AccuracyTable.Row;
import io.weir.cli.LossCurve.Point;
import io.weir.client.Weir;
import io.weir.embedded.EmbeddedServer;
import io.weir.kernel.Activation;
import io.weir.model.OptimizerSpec;
import io.weir.train.Algorithm;
import io.weir.train.Algorithm.Downpour;
import io.weir.train.ClusterGenerator;
import io.weir.train.ExampleReader;
import io.weir.train.ExampleSource;
import io.weir.train.ExampleSource.Share;
import io.weir.train.HeldOut;
import io.weir.train.LbfgsConfig;
import io.weir.train.LbfgsResult;
import io.weir.train.Model;
import io.weir.train.Perceptron;
import io.weir.train.ProgressListener;
import io.weir.train.Sandblaster;
import io.weir.train.Sandblaster.Part;
import io.weir.train.Sandblaster.Task;
import io.weir.train.SoftmaxRegression;
import io.weir.train.Trainer;
import io.weir.train.TrainingConfig;
import io.weir.train.TrainingResult;
import io.weir.train.Weights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `weir bench accuracy`: time to a test accuracy, by algorithm and number of workers.
@Command(
        name = "accuracy",
        sortOptions = false,
        description = {
            "Train the same model by several algorithms and with several numbers of workers, one after the other, and say",
            "how long each took to a test accuracy: the yardstick of the DistBelief paper. The data are generated unless",
            "--data names a file, idx or libsvm text; workers are threads, the servers are in this process."
        },
        footer = {
            "  weir bench accuracy",
            "  weir bench accuracy --workers 1,2,4 --out accuracy.svg",
            "  weir bench accuracy --data train-images-idx3-ubyte.gz --test t10k-images-idx3-ubyte.gz --layers 784,128,10 \\",
            "      --passes 10 --target 0.85 --json",
            "",
            "To disturb the clock little, the weights of a training are only copied while it runs: at the beginning and ten",
            "times a second, less often in a long training. The test examples are scored when it has ended. Before",
            "anything is measured, a short training by each algorithm warms up the JVM. Of sandblaster, whose weights stay",
            "on the servers until it ends, they are copied after each pass."
        })
final class BenchAccuracyCommand extends WeirOptions {
    private static final Duration LOOK = Duration.ofMillis(100);

    /// Most looks that are kept of a training; then every second one is dropped, and half as many are taken.
    private static final int MOST_LOOKS = 256;

    private static final int MOST_WORKERS = 256;
    private static final int TEST_ROWS = 10_000;
    private static final int WIDTH = 64;
    private static final int CLASSES = 10;

    /// Which part of the examples the JVM is warmed up with.
    private static final int WARM_UP_PARTS = 20;

    @Option(
            names = "--algorithm",
            paramLabel = "<a,...>",
            split = ",",
            description =
                    "What to measure: sgd, with one worker always; downpour, with SGD on the servers; downpour-adagrad; "
                            + "sandblaster, which is L-BFGS, for softmax. Default: all of them.")
    @Nullable
    List<String> algorithms;

    @Option(
            names = "--workers",
            paramLabel = "<n,...>",
            split = ",",
            description = "Numbers of workers. Default: 1,2,4.")
    List<Integer> workers = List.of(1, 2, 4);

    @Option(
            names = "--target",
            paramLabel = "<accuracy>",
            description = "The test accuracy, such as 0.85. Default: the best that all of them reach.")
    @Nullable
    Double target;

    @Option(names = "--data", paramLabel = "<file>", description = "Examples to train on.")
    @Nullable
    Path data;

    @Option(names = "--test", paramLabel = "<file>", description = "Examples for the accuracy, with --data.")
    @Nullable
    Path test;

    @Mixin
    ExampleOptions examples = new ExampleOptions();

    @Option(names = "--test-labels", paramLabel = "<file>", description = "Labels of idx test data, likewise.")
    @Nullable
    Path testLabels;

    @Option(
            names = "--layers",
            paramLabel = "<n,...>",
            split = ",",
            description = "Train a perceptron: values of an example, units of each layer, classes. Default: softmax.")
    @Nullable
    List<Integer> layers;

    @Option(names = "--rows", paramLabel = "<n>", description = "Examples to generate. Default: ${DEFAULT-VALUE}.")
    int rows = 100_000;

    @Option(
            names = "--passes",
            paramLabel = "<n>",
            description = "Passes over the data, but for sandblaster. Default: ${DEFAULT-VALUE}.")
    int passes = 3;

    @Option(
            names = "--lbfgs-passes",
            paramLabel = "<n>",
            description = "Passes of sandblaster over the data, at most. Default: ${DEFAULT-VALUE}.")
    int lbfgsPasses = 30;

    @Option(names = "--l2-c", paramLabel = "<c>", description = "As in weir train. Default: ${DEFAULT-VALUE}.")
    double l2C = 1;

    @Option(names = "--batch", paramLabel = "<n>", description = "Examples of a minibatch. Default: ${DEFAULT-VALUE}.")
    int batch = 128;

    @Option(names = "--sgd-rate", paramLabel = "<rate>", description = "Of SGD. Default: ${DEFAULT-VALUE}.")
    float sgdRate = 0.05f;

    @Option(names = "--adagrad-rate", paramLabel = "<rate>", description = "Of Adagrad. Default: ${DEFAULT-VALUE}.")
    float adagradRate = 0.02f;

    @Option(names = "--n-fetch", paramLabel = "<n>", description = "As in weir train. Default: ${DEFAULT-VALUE}.")
    int batchesPerFetch = 1;

    @Option(names = "--n-push", paramLabel = "<n>", description = "As in weir train. Default: ${DEFAULT-VALUE}.")
    int batchesPerPush = 1;

    @Option(names = "--warm-start", paramLabel = "<n>", description = "As in weir train. Default: ${DEFAULT-VALUE}.")
    long warmStart = 100;

    @Option(
            names = "--seed",
            paramLabel = "<n>",
            description = "Of data, order and weights. Default: ${DEFAULT-VALUE}.")
    long seed = 1;

    @Option(names = "--out", paramLabel = "<file>", description = "Draw seconds against workers, as SVG.")
    @Nullable
    Path out;

    @Option(names = "--json", description = "Print one JSON object.")
    boolean json;

    BenchAccuracyCommand(Output output) {
        super(output);
    }

    /// What is measured.
    private enum Contender {
        SGD("sgd"),
        DOWNPOUR("downpour"),
        DOWNPOUR_ADAGRAD("downpour-adagrad"),
        SANDBLASTER("sandblaster");

        private final String text;

        Contender(String text) {
            this.text = text;
        }

        static Contender parse(String text) {
            for (Contender contender : values()) {
                if (contender.text.equals(text)) {
                    return contender;
                }
            }
            throw new IllegalArgumentException(
                    "algorithm must be sgd, downpour, downpour-adagrad or sandblaster: algorithm=" + text);
        }
    }

    /// A look at a model in training.
    private record Moment(double seconds, long examples, HeldOut.Look look) {}

    @Override
    public Integer call() throws IOException {
        requireSense();
        List<Contender> contenders = contenders();
        int classes = classCount();
        double scale = data == null ? 1 : examples.scale(data, OptionalDouble.empty());
        ClusterGenerator generator = new ClusterGenerator(WIDTH, CLASSES, seed);
        try (ExampleSource source = data == null
                        ? generator.source(0, rows)
                        : examples.open(data, examples.labels, classes, scale, false);
                ExampleSource unseen = test == null
                        ? generator.source(rows, (long) rows + TEST_ROWS)
                        : examples.open(test, testLabels, classes, scale, false)) {
            ExampleSource some = part(source);
            for (Contender contender : contenders) {
                say("warming up with " + contender.text);
                int most = workers.stream().mapToInt(Integer::intValue).max().orElse(1);
                Row _ = train(
                        contender, contender == Contender.SGD ? 1 : most, some, heldOut(unseen, contender, classes));
            }
            List<Row> measured = new ArrayList<>();
            for (Contender contender : contenders) {
                for (int count : contender == Contender.SGD ? List.of(1) : workers) {
                    say("training with " + contender.text + ", " + Quantities.plural(count, "worker"));
                    measured.add(train(contender, count, source, heldOut(unseen, contender, classes)));
                }
            }
            report(contenders, measured, classes);
        }
        return Exit.OK;
    }

    private List<Contender> contenders() {
        List<String> given = algorithms;
        if (given == null) {
            return Stream.of(Contender.values())
                    .filter(contender -> layers == null || contender != Contender.SANDBLASTER)
                    .toList();
        }
        List<Contender> contenders = given.stream().map(Contender::parse).toList();
        if (layers != null && contenders.contains(Contender.SANDBLASTER)) {
            throw new IllegalArgumentException("L-BFGS trains linear models: algorithm=sandblaster, layers=" + layers);
        }
        return contenders;
    }

    private void requireSense() {
        Inputs.requireWritable("picture", out);
        if ((data == null) != (test == null)) {
            throw new IllegalArgumentException("--data and --test go together: data=" + data + ", test=" + test);
        }
        if (data != null && test != null) {
            Inputs.requireFile("data", data);
            Inputs.requireFile("test", test);
        }
        if (target != null && !(target > 0 && target < 1)) {
            throw new IllegalArgumentException("target must be above 0 and below 1: target=" + target);
        }
        if (rows < 1000) {
            throw new IllegalArgumentException("rows must be at least 1000: rows=" + rows);
        }
        for (int count : workers) {
            if (count < 1 || count > MOST_WORKERS) {
                throw new IllegalArgumentException("workers must be from 1 to " + MOST_WORKERS + ": workers=" + count);
            }
        }
    }

    private int classCount() {
        if (layers != null) {
            return layers.getLast();
        }
        return data == null ? CLASSES : examples.countClasses(data);
    }

    private void say(String text) {
        output.err().println(text);
        output.err().flush();
    }

    /// A part of the examples, to warm up with.
    private static ExampleSource part(ExampleSource source) {
        return new ExampleSource() {
            @Override
            public String name() {
                return source.name();
            }

            @Override
            public long byteCount() {
                return source.byteCount() / WARM_UP_PARTS;
            }

            @Override
            public ExampleReader open(Share share) {
                return source.open(new Share(share.index(), share.count() * WARM_UP_PARTS));
            }
        };
    }

    private HeldOut heldOut(ExampleSource unseen, Contender contender, int classes) {
        return new HeldOut(unseen, Integer.MAX_VALUE, model(contender, classes));
    }

    private Model model(Contender contender, int classes) {
        OptimizerSpec optimizer = contender == Contender.DOWNPOUR_ADAGRAD
                ? OptimizerSpec.parse("adagrad(rate=" + adagradRate + ")")
                : new OptimizerSpec.Sgd(sgdRate);
        return layers == null
                ? SoftmaxRegression.of("bench", classes, optimizer, true)
                : new Perceptron("bench", layers, Activation.RELU, 0, optimizer, seed);
    }

    private Row train(Contender contender, int count, ExampleSource source, HeldOut heldOut) {
        Model model = heldOut.model();
        boolean downpour = contender == Contender.DOWNPOUR || contender == Contender.DOWNPOUR_ADAGRAD;
        Algorithm algorithm = !downpour
                ? new Algorithm.Stepwise()
                : Downpour.of(batchesPerFetch, batchesPerPush, Downpour.defaultLocalRate(model, batch))
                        .withWarmStart(count == 1 ? 0 : warmStart);
        TrainingConfig training = TrainingConfig.of("bench")
                .withWorkers(count)
                .withBatch(batch)
                .withPasses(passes)
                .withShuffle(true, seed)
                .withAlgorithm(algorithm)
                .withProgressInterval(LOOK);
        try (EmbeddedServer server = EmbeddedServer.open(Memory.config(null));
                Weir weir = server.connect()) {
            model.tables().forEach(weir::create);
            List<Weights> weights = model.tables().stream()
                    .map(table -> Weights.of(weir, table))
                    .toList();
            Looks looks = new Looks(heldOut, weights);
            looks.take(0, 0, weights);
            if (contender == Contender.SANDBLASTER) {
                LbfgsConfig lbfgs = LbfgsConfig.l2(l2C).withMaxPasses(lbfgsPasses);
                LbfgsResult _ =
                        Sandblaster.train(weir, new Task(source, model, lbfgs, training), Part.ALL, looks.ofPasses());
            } else {
                TrainingResult _ = Trainer.train(weir, source, model, training, looks);
            }
            return new Row(contender.text, count, looks.errors(contender.text));
        }
    }

    /// Takes the weights of a model in training now and then, and scores them afterwards. Confined to one thread at a
    /// time.
    private static final class Looks implements ProgressListener {
        private final HeldOut heldOut;
        private final List<Weights> weights;
        private final List<Moment> moments = new ArrayList<>();
        private int every = 1;
        private int calls;

        Looks(HeldOut heldOut, List<Weights> weights) {
            this.heldOut = heldOut;
            this.weights = weights;
        }

        @Override
        public void progress(Snapshot snapshot) {
            // The last look is that at what came of it, whenever it comes.
            boolean last = snapshot.passFraction() == 1;
            if (last || ++calls % every == 0) {
                take(snapshot.seconds(), snapshot.examples(), weights);
            }
        }

        /// For L-BFGS, whose weights are not in the model's table until its end: looks after each pass.
        ProgressListener ofPasses() {
            return new ProgressListener() {
                @Override
                public void progress(Snapshot snapshot) {}

                @Override
                public void evaluated(Snapshot snapshot, Weights evaluated) {
                    take(snapshot.seconds(), snapshot.examples(), List.of(evaluated));
                }
            };
        }

        void take(double seconds, long examples, List<Weights> from) {
            moments.add(new Moment(seconds, examples, heldOut.look(from)));
            if (moments.size() == MOST_LOOKS) {
                for (int i = moments.size() - 1; i > 0; i -= 2) {
                    moments.remove(i);
                }
                every *= 2;
            }
        }

        LossCurve errors(String name) {
            return new LossCurve(
                    name,
                    moments.stream()
                            .map(moment -> new Point(
                                    moment.seconds(),
                                    moment.examples(),
                                    1 - heldOut.judge(moment.look()).accuracy()))
                            .toList());
        }
    }

    private void report(List<Contender> contenders, List<Row> measured, int classes) throws IOException {
        AccuracyTable table =
                new AccuracyTable(target == null ? AccuracyTable.commonTarget(measured) : target, measured);
        Path name = data == null ? null : data.getFileName();
        List<String> facts = new ArrayList<>(List.of(
                model(Contender.SGD, classes).text(),
                name == null ? Quantities.ofCount(rows) + " generated examples" : name.toString(),
                Quantities.plural(passes, "pass"),
                "batch " + batch,
                "SGD " + Chart.shortest(sgdRate) + ", Adagrad " + Chart.shortest(adagradRate),
                "n_fetch " + batchesPerFetch + ", n_push " + batchesPerPush + ", warm start " + warmStart));
        if (contenders.contains(Contender.SANDBLASTER)) {
            facts.add("L-BFGS with C " + Chart.shortest(l2C) + ", at most " + Quantities.plural(lbfgsPasses, "pass"));
        }
        facts.add(Quantities.plural(Runtime.getRuntime().availableProcessors(), "processor"));
        String subtitle = String.join(", ", facts);
        if (out != null) {
            Files.writeString(out, table.chart(subtitle).svg());
        }
        if (json) {
            output.out().println(table.json().put("subtitle", subtitle).text());
        } else {
            output.out().println(subtitle);
            table.print(output.out());
            if (out != null) {
                output.out().println("drawn in " + out);
            }
        }
        output.out().flush();
    }
}
