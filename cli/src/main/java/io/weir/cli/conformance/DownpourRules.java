package io.weir.cli.conformance;

import static io.weir.cli.conformance.ConformanceRule.among;
import static io.weir.cli.conformance.RuleParts.WORKER_COUNTS;
import static io.weir.cli.conformance.RuleParts.await;
import static io.weir.cli.conformance.RuleParts.connect;
import static io.weir.cli.conformance.RuleParts.number;
import static io.weir.cli.conformance.RuleParts.smallServer;
import static io.weir.cli.conformance.RuleParts.tableName;

import io.weir.client.RunStatus;
import io.weir.client.RunStatus.State;
import io.weir.client.Weir;
import io.weir.embedded.EmbeddedServer;
import io.weir.kernel.Activation;
import io.weir.kvstore.KvConfig;
import io.weir.model.Consistency;
import io.weir.model.InitialRow;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import io.weir.train.Algorithm;
import io.weir.train.Algorithm.Downpour;
import io.weir.train.ClusterGenerator;
import io.weir.train.CtrGenerator;
import io.weir.train.ExampleBatch;
import io.weir.train.ExampleReader;
import io.weir.train.ExampleSource;
import io.weir.train.ExampleSource.Share;
import io.weir.train.LogisticRegression;
import io.weir.train.Model;
import io.weir.train.ModelHash;
import io.weir.train.Perceptron;
import io.weir.train.ProgressListener;
import io.weir.train.SoftmaxRegression;
import io.weir.train.Trainer;
import io.weir.train.TrainingConfig;
import io.weir.train.TrainingConfig.Membership;
import io.weir.train.TrainingResult;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;

/// What DistBelief's Downpour SGD comes to: replicas that train, each with its own copy of the parameters, without
/// waiting for each other.
///
/// Where counting is to show it, the model is a logistic regression so sure of the wrong label that the gradient of a
/// batch is 1 to the bit and the loss of an example is its weight, as the worker's copy has it.
final class DownpourRules {
    private static final String SECTION = "Downpour SGD";

    private static final int BATCHES = 256;
    private static final int BATCH = 5;
    private static final int EXAMPLES = BATCH * BATCHES;

    /// What an example takes as text, so that the input is cut into portions of whole batches.
    private static final int EXAMPLE_BYTES = 256;

    private static final long KEY = 7;

    /// Every weight begins here: the floats below are whole numbers, and quarters of them.
    private static final int FROM = 1 << 16;

    /// Here it begins under Adagrad, which takes steps below a tenth: sure enough, and of finer floats.
    private static final int ADAGRAD_FROM = 64;

    private static final int WARM_START = 100;

    private DownpourRules() {}

    /// In the order of the report.
    static List<ConformanceRule> rules() {
        List<ConformanceRule> rules = new ArrayList<>();
        rules.add(among(
                1,
                SECTION,
                "downpour-serial",
                "one replica, n_fetch = n_push = 1, plain SGD: every weight is that of serial SGD, bit for bit",
                "lr same, softmax same, mlp same",
                DownpourRules::likeSerial));
        addLocalSteps(rules);
        addFetches(rules);
        addPushes(rules);
        addReplicas(rules);
        return rules;
    }

    // ---- the rules ----

    private static void addLocalSteps(List<ConformanceRule> rules) {
        for (float rate : new float[] {0, 0.25f, 1}) {
            rules.add(among(
                    1,
                    SECTION,
                    "downpour-local-" + number(rate),
                    "local steps of " + number(rate) + ", " + BATCHES
                            + " gradients of 1 pushed at the end: the copy goes"
                            + " down by the local rate a step, the server by the whole sum at once",
                    "mean of the copy " + number(FROM - rate * (BATCHES - 1) / 2.0) + ", 1 push, w "
                            + number(FROM - BATCHES),
                    config -> trained(
                            config,
                            Downpour.of(1024, 1024, rate),
                            "sgd(rate=1)",
                            received -> "mean of the copy "
                                    + number(received.meanLoss()) + ", " + received.pushes() + " push, w "
                                    + number(received.weight()))));
        }
        for (int[] steps : new int[][] {{1, 4}, {4, 1}, {3, 5}}) {
            rules.add(among(
                    1,
                    SECTION,
                    "downpour-own-" + steps[0] + "-" + steps[1],
                    "n_fetch = " + steps[0] + ", n_push = " + steps[1]
                            + ", one rate: what is fetched takes back no step" + " of the replica's own",
                    "mean of the copy " + number(FROM - 0.5 * (BATCHES - 1) / 2) + ", w "
                            + number(FROM - 0.5 * BATCHES),
                    config -> trained(
                            config,
                            Downpour.of(steps[0], steps[1], 0.5f),
                            "sgd(rate=0.5)",
                            received -> "mean of the copy " + number(received.meanLoss()) + ", w "
                                    + number(received.weight()))));
        }
    }

    private static void addFetches(List<ConformanceRule> rules) {
        for (int fetch : new int[] {1, 4, 16}) {
            String expected = "0 to " + 2 * fetch + " steps old";
            rules.add(among(
                    1,
                    SECTION,
                    "downpour-fetch-" + fetch,
                    "n_fetch = " + fetch + ", no local steps: the copy is on average at most 2·n_fetch steps old",
                    expected,
                    config -> trained(config, Downpour.of(fetch, 1, 0), "sgd(rate=1)", received -> {
                        double age = received.meanLoss() - (FROM - (BATCHES - 1) / 2.0);
                        return age >= 0 && age <= 2 * fetch ? expected : number(age) + " steps old";
                    })));
        }
    }

    private static void addPushes(List<ConformanceRule> rules) {
        for (int n : WORKER_COUNTS) {
            for (int push : new int[] {1, 4}) {
                int pushes = BATCHES / push;
                rules.add(among(
                        n,
                        SECTION,
                        "downpour-push-" + push,
                        "n_push = " + push + ", " + BATCHES + " gradients of 1, SGD at rate 1 on the servers: each push"
                                + " is the sum of " + push,
                        pushes + " pushes, w " + number(FROM - BATCHES),
                        config -> trained(
                                config,
                                Downpour.of(2, push, 0),
                                "sgd(rate=1)",
                                received -> received.pushes() + " pushes, w " + number(received.weight()))));
                double weight = ADAGRAD_FROM;
                for (int k = 1; k <= pushes; k++) {
                    weight -= 0.1 * push / Math.sqrt((double) k * push * push);
                }
                rules.add(among(
                        n,
                        SECTION,
                        "downpour-adagrad-" + push,
                        "the same with Adagrad on the servers, from " + ADAGRAD_FROM + ": w -= 0.1·g/sqrt(sum of g²) a"
                                + " push",
                        pushes + " pushes, w " + thousandths(weight),
                        config -> trained(
                                config,
                                Downpour.of(2, push, 0),
                                "adagrad(rate=0.1,epsilon=0)",
                                received -> received.pushes() + " pushes, w " + thousandths(received.weight()))));
            }
        }
    }

    private static void addReplicas(List<ConformanceRule> rules) {
        for (int n : new int[] {2, 4}) {
            rules.add(among(
                    n,
                    SECTION,
                    "downpour-warm",
                    "a warm start of " + WARM_START
                            + ": replica 0 alone takes the first steps, the others join it later",
                    "the others after " + WARM_START + " steps or more",
                    DownpourRules::warmly));
            rules.add(among(
                    n,
                    SECTION,
                    "downpour-async",
                    "a replica stands still in the middle of its work: the others do all the rest meanwhile",
                    "all but 1 portion, then all: " + BATCHES + " pushes, w " + number(FROM - BATCHES),
                    DownpourRules::besideOneThatStandsStill));
            rules.add(among(
                            n,
                            SECTION,
                            "downpour-dead",
                            "a replica that dies between two pushes stops nobody, and its part is done by others, once",
                            "replica 1 fenced, " + EXAMPLES + " examples counted once",
                            DownpourRules::besideOneThatDies)
                    .asMortal());
        }
    }

    // ---- how they are tried ----

    /// What the servers have after a training, and what this worker saw.
    private record Received(int pushes, float weight, double meanLoss) {}

    private interface Report {
        String of(Received received);
    }

    private static String thousandths(double weight) {
        return String.format(Locale.ROOT, "%.3f", weight);
    }

    /// Trains as one of the workers, on gradients of 1 of one weight.
    private static String trained(KvConfig config, Downpour algorithm, String optimizer, Report report) {
        try (Weir weir = connect(config)) {
            Units source = new Units(false, () -> await(weir, config, DownpourRules::allJoined));
            TrainingResult result = train(weir, config, algorithm, optimizer, source);
            return report.of(received(weir, config, result));
        }
    }

    private static TrainingResult train(
            Weir weir, KvConfig config, Downpour algorithm, String optimizer, ExampleSource source) {
        OptimizerSpec onServers = OptimizerSpec.parse(optimizer);
        TableSpec table = TableSpec.embedding(tableName(config), 1, onServers)
                .withInitialRow(
                        new InitialRow.Constant(onServers instanceof OptimizerSpec.Sgd ? FROM : ADAGRAD_FROM), 0);
        TrainingConfig training = TrainingConfig.of(config.name())
                .withBatch(BATCH)
                .withAlgorithm(algorithm)
                .withShare(new Share(config.rank(), config.workerCount()))
                .withMembership(new Membership(Consistency.asp(), 0, config.silence(), true));
        return Trainer.train(weir, source, new LogisticRegression(table, true, false), training, ProgressListener.NONE);
    }

    private static Received received(Weir weir, KvConfig config, TrainingResult result) {
        List<Received> rows = new ArrayList<>();
        weir.scan(
                tableName(config),
                batch -> rows.add(new Received(batch.pushCounts()[0], batch.values()[0], result.progressiveLogloss())));
        return rows.getFirst();
    }

    /// Nobody is through before everybody has joined.
    private static boolean allJoined(RunStatus status) {
        return status.workers().stream().noneMatch(worker -> worker.state() == State.MISSING);
    }

    private static boolean isAtWork(RunStatus status, int worker) {
        return status.workers().get(worker).portion() >= 0
                || status.workers().get(worker).state() != State.ACTIVE;
    }

    private static boolean allHaveBegun(RunStatus status) {
        return allJoined(status)
                && status.workers().stream()
                        .allMatch(worker -> worker.number() > 0 || isAtWork(status, worker.index()));
    }

    private static String likeSerial(KvConfig config) {
        String name = tableName(config);
        OptimizerSpec sgd = OptimizerSpec.parse("sgd(rate=0.3)");
        List<String> got = new ArrayList<>();
        for (String kind : List.of("lr", "softmax", "mlp")) {
            Model model =
                    switch (kind) {
                        case "lr" -> new LogisticRegression(TableSpec.embedding(name + "-" + kind, 1, sgd), true, true);
                        case "softmax" -> SoftmaxRegression.of(name + "-" + kind, 4, sgd, true);
                        default -> new Perceptron(name + "-" + kind, List.of(12, 9, 4), Activation.TANH, 0, sgd, 3);
                    };
            ExampleSource source = kind.equals("lr")
                    ? new CtrGenerator(2000, 300, 6, 17).source()
                    : new ClusterGenerator(12, 4, 1).source(0, 2000);
            TrainingConfig training =
                    TrainingConfig.of(config.name() + "/" + kind).withBatch(16).withPasses(2);
            String downpour;
            try (Weir weir = connect(config)) {
                downpour = hash(weir, source, model, training.withAlgorithm(Downpour.of(1, 1, 0.3f)));
            }
            String serial;
            try (EmbeddedServer server = smallServer();
                    Weir weir = server.connect()) {
                serial = hash(weir, source, model, training.withAlgorithm(new Algorithm.Stepwise()));
            }
            got.add(kind + (downpour.equals(serial) ? " same" : " " + downpour + " and " + serial));
        }
        return String.join(", ", got);
    }

    private static String hash(Weir weir, ExampleSource source, Model model, TrainingConfig training) {
        TrainingResult _ = Trainer.train(weir, source, model, training, ProgressListener.NONE);
        return ModelHash.of(weir, model.tables()).toString();
    }

    /// Replica 0 stands still some steps after the warm start until the others are at work, and each of those looks
    /// how many steps were taken when it begins, and waits until all have begun: the fastest would take all
    /// portions.
    private static String warmly(KvConfig config) {
        AtomicInteger batches = new AtomicInteger();
        AtomicInteger before = new AtomicInteger(config.rank() == 0 ? WARM_START : 0);
        try (Weir weir = connect(config)) {
            Units source = new Units(false, () -> {
                int batch = batches.getAndIncrement();
                if (config.rank() > 0 && batch == 0) {
                    weir.scan(tableName(config), rows -> before.set(rows.pushCounts()[0]));
                    await(weir, config, DownpourRules::allHaveBegun);
                } else if (config.rank() == 0 && batch == WARM_START + 20) {
                    await(weir, config, DownpourRules::allHaveBegun);
                }
            });
            TrainingResult _ =
                    train(weir, config, Downpour.of(1, 1, 0).withWarmStart(WARM_START), "sgd(rate=1)", source);
        }
        return "the others after " + (before.get() >= WARM_START ? WARM_START + " steps or more" : before + " steps");
    }

    private static String besideOneThatStandsStill(KvConfig config) {
        int still = config.workerCount() - 1;
        AtomicInteger batches = new AtomicInteger();
        try (Weir weir = connect(config)) {
            Units source = new Units(false, () -> {
                int batch = batches.getAndIncrement();
                if (config.rank() != still && batch == 0) {
                    await(weir, config, status -> allJoined(status) && isAtWork(status, still));
                } else if (config.rank() == still && batch == 2) {
                    await(
                            weir,
                            config,
                            status -> status.portionsDone() == status.spec().portionCount() - 1);
                }
            });
            TrainingResult result = train(weir, config, Downpour.of(1, 1, 0), "sgd(rate=1)", source);
            Received received = received(weir, config, result);
            return "all but 1 portion, then all: " + received.pushes() + " pushes, w " + number(received.weight());
        }
    }

    private static String besideOneThatDies(KvConfig given) {
        KvConfig config = given.withSilence(Duration.ofSeconds(1));
        AtomicInteger batches = new AtomicInteger();
        try (Weir weir = connect(config)) {
            Units source = new Units(true, () -> {
                int batch = batches.getAndIncrement();
                if (config.rank() == 1 && batch == 3) {
                    Runtime.getRuntime().halt(1);
                } else if (config.rank() != 1 && batch == 0) {
                    await(weir, config, status -> allJoined(status) && isAtWork(status, 1));
                }
            });
            TrainingResult _ = train(weir, config, Downpour.of(1, 2, 0), "sgd(rate=1)", source);
            State state = weir.runStatus(config.name()).workers().get(1).state();
            int[] once = {0};
            weir.scan(tableName(config), rows -> {
                for (int i = 0; i < rows.count(); i++) {
                    once[0] += rows.pushCounts()[i] == 1 ? 1 : 0;
                }
            });
            return "replica 1 " + state.name().toLowerCase(Locale.ROOT) + ", " + once[0] + " examples counted once";
        }
    }

    /// Examples of the label 0 and one key of the value 1.
    ///
    /// @param ownKeys whether each has a key of its own
    /// @param beforeBatch what a worker does before it reads a batch
    private record Units(boolean ownKeys, Runnable beforeBatch) implements ExampleSource {
        @Override
        public String name() {
            return "units";
        }

        @Override
        public long byteCount() {
            return (long) EXAMPLES * EXAMPLE_BYTES;
        }

        @Override
        public ExampleReader open(Share share) {
            return new ExampleReader() {
                private final int to = place(share.index() + 1);
                private int next = place(share.index());

                private int place(int index) {
                    return (int) ((long) EXAMPLES * index / share.count());
                }

                @Override
                public boolean next(ExampleBatch batch, int maxExamples) {
                    batch.clear();
                    if (next < to) {
                        beforeBatch.run();
                    }
                    for (; next < to && batch.exampleCount() < maxExamples; next++) {
                        batch.addFeature(ownKeys ? next : KEY, 1);
                        batch.endExample(0);
                    }
                    return batch.exampleCount() > 0;
                }

                @Override
                public void close() {}
            };
        }
    }
}
