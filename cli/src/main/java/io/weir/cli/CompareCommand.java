package io.weir.cli;

import io.weir.cli.LossCurve.Point;
import io.weir.client.Weir;
import io.weir.embedded.EmbeddedServer;
import io.weir.model.Consistency;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import io.weir.train.CtrGenerator;
import io.weir.train.ExampleSource;
import io.weir.train.HeldOut;
import io.weir.train.LibsvmSource;
import io.weir.train.LogisticRegression;
import io.weir.train.LrConfig;
import io.weir.train.ProgressListener;
import io.weir.train.TrainingConfig.Membership;
import io.weir.train.TrainingConfig.Slowdown;
import io.weir.train.Weights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `weir compare`: the same training under several consistencies.
@Command(
        name = "compare",
        sortOptions = false,
        description = {
            "Train on the same data under several consistencies, one after the other, and compare how the loss went",
            "down: against time, and against examples. The data are generated clicks unless --data names a file; the",
            "servers are in this process, new ones for each training, unless --servers names some."
        },
        footer = {
            "  weir compare --straggler 5x",
            "  weir compare --consistency bsp,ssp:4,asp --straggler 5x --workers 4 --out compare.svg",
            "  weir compare --data train.svm --test test.svm --target-loss 0.45 --json",
            "",
            "The loss is that on 2,000 examples that training does not see, looked at ten times a second by a thread of",
            "its own; with --data but without --test it is that of the examples since the last look, before they were",
            "learned from. Before anything is measured, a short training under each consistency warms up the JVM."
        })
final class CompareCommand extends WeirOptions {
    private static final int SAMPLE = 2000;
    private static final int FIELDS = 20;
    private static final Duration LOOK = Duration.ofMillis(100);
    private static final long WARM_UP_ROWS = 30_000;

    @Option(
            names = "--consistency",
            paramLabel = "<c,...>",
            split = ",",
            description = "What to compare: bsp, ssp:N, asp. Default: bsp,ssp:4,asp.")
    List<String> consistencies = List.of("bsp", "ssp:4", "asp");

    @Option(
            names = "--straggler",
            paramLabel = "<f>x[:<w>]",
            description = "Worker w, or worker 0, takes f times as long. Default: none does.")
    @Nullable
    String straggler;

    @Option(names = "--workers", paramLabel = "<n>", description = "Threads that train. Default: ${DEFAULT-VALUE}.")
    int workers = 4;

    @Option(names = "--batch", paramLabel = "<n>", description = "Examples of a minibatch. Default: ${DEFAULT-VALUE}.")
    int batch = 256;

    @Option(names = "--passes", paramLabel = "<n>", description = "Passes over the data. Default: ${DEFAULT-VALUE}.")
    int passes = 1;

    @Option(
            names = "--optimizer",
            paramLabel = "<spec>",
            description = {OptimizerOption.FORM, "Default: ${DEFAULT-VALUE}."})
    String optimizer = "adagrad(rate=0.1)";

    @Option(names = "--data", paramLabel = "<file>", description = "Examples to train on, as libsvm text.")
    @Nullable
    Path data;

    @Option(names = "--test", paramLabel = "<file>", description = "Examples for the loss, with --data.")
    @Nullable
    Path test;

    @Option(names = "--rows", paramLabel = "<n>", description = "Clicks to generate. Default: ${DEFAULT-VALUE}.")
    long rows = 1_000_000;

    @Option(
            names = "--features",
            paramLabel = "<n>",
            description = "Different features of the clicks. Default: ${DEFAULT-VALUE}.")
    long features = 20_000;

    @Option(names = "--seed", paramLabel = "<n>", description = "Of the clicks. Default: ${DEFAULT-VALUE}.")
    long seed = 1;

    @Option(
            names = "--target-loss",
            paramLabel = "<loss>",
            description = "Compare when this loss is reached. Default: the worst that one of them ends with.")
    @Nullable
    Double targetLoss;

    @Option(names = "--out", paramLabel = "<file>", description = "Draw the curves, as SVG.")
    @Nullable
    Path out;

    @Option(names = "--servers", paramLabel = "<host:port,...>", description = ServerOptions.DESCRIPTION)
    @Nullable
    String servers;

    @Option(names = "--json", description = "Print one JSON object.")
    boolean json;

    CompareCommand(Output output) {
        super(output);
    }

    @Override
    public Integer call() throws IOException {
        Inputs.requireWritable("picture", out);
        if (data != null) {
            Inputs.requireFile("data", data);
        }
        if (test != null && data == null) {
            throw new IllegalArgumentException("--test goes with --data: test=" + test);
        } else if (test != null) {
            Inputs.requireFile("test", test);
        }
        if (targetLoss != null && !(targetLoss > 0 && targetLoss < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("target loss must be above 0: target-loss=" + targetLoss);
        }
        List<Consistency> compared =
                consistencies.stream().map(Consistency::parse).toList();
        Slowdown slowdown = Stragglers.parse(straggler);
        if (slowdown.worker() >= workers) {
            throw new IllegalArgumentException(
                    "the straggler must be one of the workers: worker=" + slowdown.worker() + ", workers=" + workers);
        }
        LrConfig config = LrConfig.of("compare", OptimizerSpec.parse(optimizer))
                .withBias(true)
                .with(training -> training.withWorkers(workers)
                        .withBatch(batch)
                        .withPasses(passes)
                        .withSlowdown(slowdown)
                        .withProgressInterval(LOOK));
        List<LossCurve> curves = new ArrayList<>();
        CtrGenerator generator = new CtrGenerator(rows, features, FIELDS, seed);
        try (LibsvmSource file = data == null ? null : LibsvmSource.of(data);
                LibsvmSource testFile = test == null ? null : LibsvmSource.of(test)) {
            ExampleSource source = file == null ? generator.source() : file;
            ExampleSource unseen = data == null ? generator.source(rows, rows + SAMPLE) : testFile;
            HeldOut heldOut = unseen == null ? null : new HeldOut(unseen, SAMPLE, config.model());
            for (Consistency consistency : compared) {
                say("warming up with " + consistency.text());
                train(
                        consistency,
                        generator.source(rows, rows + WARM_UP_ROWS),
                        config.with(training -> training.withSlowdown(Slowdown.NONE)),
                        null);
            }
            for (Consistency consistency : compared) {
                say("training with " + consistency.text());
                curves.add(train(consistency, source, config, heldOut));
            }
            report(curves, subtitle(slowdown, heldOut));
        }
        return Exit.OK;
    }

    private void say(String text) {
        output.err().println(text);
        output.err().flush();
    }

    private LossCurve train(Consistency consistency, ExampleSource source, LrConfig config, @Nullable HeldOut heldOut) {
        String all = servers;
        if (all == null) {
            try (EmbeddedServer server = EmbeddedServer.open(Memory.config(null));
                    Weir weir = server.connect()) {
                return train(weir, "compare", consistency, source, config, heldOut);
            }
        }
        try (Weir weir = Weir.connect(all)) {
            String name = "compare-" + consistency.text().replace(':', '-') + "-" + Long.toHexString(System.nanoTime());
            try {
                return train(weir, name, consistency, source, config, heldOut);
            } finally {
                weir.drop(name);
            }
        }
    }

    private static LossCurve train(
            Weir weir,
            String name,
            Consistency consistency,
            ExampleSource source,
            LrConfig config,
            @Nullable HeldOut heldOut) {
        LrConfig named = config.withTable(
                        TableSpec.embedding(name, 1, config.table().optimizer()))
                .with(training -> training.withRun(name, false).withMembership(Membership.of(consistency)));
        weir.create(named.table());
        List<Weights> weights = List.of(Weights.of(weir.table(name)));
        List<Point> points = new ArrayList<>();
        ProgressListener listener = snapshot -> {
            double loss = heldOut == null
                    ? snapshot.recentLogloss()
                    : heldOut.judge(heldOut.look(weights)).logloss();
            if (snapshot.examples() > 0 && !Double.isNaN(loss)) {
                points.add(new Point(snapshot.seconds(), snapshot.examples(), loss));
            }
        };
        LogisticRegression.train(weir, source, named, listener);
        return new LossCurve(consistency.text(), points);
    }

    private String subtitle(Slowdown slowdown, @Nullable HeldOut heldOut) {
        List<String> facts = new ArrayList<>();
        facts.add(Quantities.plural(workers, "worker"));
        if (slowdown.factor() > 1) {
            facts.add("worker " + slowdown.worker() + " slowed down " + Chart.shortest(slowdown.factor()) + " times");
        }
        facts.add("batch " + batch);
        facts.add(OptimizerSpec.parse(optimizer).text());
        Path name = data == null ? null : data.getFileName();
        facts.add(name == null ? Quantities.ofCount(rows) + " generated clicks" : name.toString());
        facts.add(Quantities.plural(passes, "pass"));
        facts.add(
                heldOut == null
                        ? "loss of the examples since the last point, before they were learned from"
                        : "loss on " + Quantities.ofCount(heldOut.exampleCount()) + " held-out examples");
        return String.join(", ", facts);
    }

    private void report(List<LossCurve> curves, String subtitle) throws IOException {
        OptionalDouble target = targetLoss != null
                ? OptionalDouble.of(targetLoss)
                : curves.stream()
                        .flatMap(curve -> curve.last().stream())
                        .mapToDouble(Point::loss)
                        .filter(Double::isFinite)
                        .map(CompareCommand::roundedUp)
                        .max();
        LossTable table = LossTable.of(curves, target);
        if (out != null) {
            Files.writeString(
                    out,
                    Chart.ofLosses("Loss by consistency", subtitle, curves, target)
                            .svg());
        }
        if (json) {
            output.out()
                    .println(table.json()
                            .put("subtitle", subtitle)
                            .put(
                                    "points",
                                    curves.stream().map(CompareCommand::points).toList())
                            .text());
        } else {
            output.out().println(subtitle);
            output.out().print(table.text());
            if (out != null) {
                output.out().println("drawn in " + out);
            }
        }
        output.out().flush();
    }

    /// With four digits, so that whatever ends there has reached it.
    private static double roundedUp(double loss) {
        return Math.ceil(loss * 1e4) / 1e4;
    }

    private static Json points(LossCurve curve) {
        return new Json()
                .put("name", curve.name())
                .put("seconds", curve.points().stream().map(Point::seconds).toList())
                .put("examples", curve.points().stream().map(Point::examples).toList())
                .put("loss", curve.points().stream().map(Point::loss).toList());
    }
}
