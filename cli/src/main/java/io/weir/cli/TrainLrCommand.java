package io.weir.cli;

import io.weir.client.ClientConfig;
import io.weir.client.RunStatus;
import io.weir.client.TableInfo;
import io.weir.client.Weir;
import io.weir.embedded.EmbeddedServer;
import io.weir.model.Consistency;
import io.weir.model.ErrorCode;
import io.weir.model.Keys;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import io.weir.model.WeirException;
import io.weir.server.ServerConfig;
import io.weir.train.ExampleSource.Share;
import io.weir.train.LibsvmSource;
import io.weir.train.LogisticRegression;
import io.weir.train.LrConfig;
import io.weir.train.LrModel;
import io.weir.train.TrainingConfig;
import io.weir.train.TrainingConfig.Membership;
import io.weir.train.TrainingResult;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `weir train lr`: logistic regression on libsvm text.
@Command(
        name = "lr",
        sortOptions = false,
        description = {
            "Train a logistic regression on libsvm text: plain, .gz or .zst; labels -1/+1 or 0/1.",
            "The parameter servers are in this process unless --servers names others."
        },
        footer = {
            "  weir train lr --data train.svm --test test.svm",
            "  weir train lr --data train.svm.zst --optimizer 'ftrl(alpha=0.1,beta=1,l1=1,l2=0)' --passes 3 --shuffle \\",
            "      --model-out model.weir",
            "  weir train lr --data train.svm --test test.svm --json",
            "",
            "  Two processes, one model; the process with index 0 waits for the other, evaluates and saves:",
            "  weir train lr --data train.svm --servers a:7700,b:7700 --run ctr --worker-index 0 --worker-count 2 \\",
            "      --test test.svm --model-out model.weir",
            "  weir train lr --data train.svm --servers a:7700,b:7700 --run ctr --worker-index 1 --worker-count 2",
            "",
            "--json prints one object: examples, seconds, examplesPerSecond, workers and shards, and nested in it",
            "progressive {logloss, passes}, test {examples, logloss, auc, accuracy} (null without --test) and",
            "model {rows, hash, memoryBytes, file} (null unless --worker-index is 0). workers are all of the run."
        })
final class TrainLrCommand extends WeirOptions {
    private static final Duration LONGEST_DEADLINE = Duration.ofSeconds(30);
    private static final String DEFAULT_RUN = "lr";
    private static final int MOST_PROCESSES = 64;

    @Option(names = "--data", required = true, paramLabel = "<file>", description = "Examples to train on.")
    Path data = Path.of("");

    @Option(names = "--test", paramLabel = "<file>", description = "Examples to score the model with at the end.")
    @Nullable
    Path test;

    @Option(
            names = "--optimizer",
            paramLabel = "<spec>",
            description = {
                "sgd(rate=), momentum(rate=,momentum=), adagrad(rate=,epsilon=),",
                "adam(rate=,beta1=,beta2=,epsilon=), ftrl(alpha=,beta=,l1=,l2=).",
                "Default: adagrad(rate=0.1)."
            })
    @Nullable
    String optimizer;

    @Option(
            names = "--workers",
            paramLabel = "<n>",
            description = "Threads that train, in each process. Default: one for each processor.")
    @Nullable
    Integer workers;

    @Option(names = "--batch", paramLabel = "<n>", description = "Examples of a minibatch. Default: ${DEFAULT-VALUE}.")
    int batch = 256;

    @Option(names = "--passes", paramLabel = "<n>", description = "Passes over the data. Default: ${DEFAULT-VALUE}.")
    int passes = 1;

    @Option(
            names = "--shuffle",
            negatable = true,
            description = "Take the examples in random order. Default: in the order of the file.")
    boolean shuffle;

    @Option(names = "--seed", paramLabel = "<n>", description = "Of the shuffling. Default: ${DEFAULT-VALUE}.")
    long seed = 1;

    @Option(names = "--bias", negatable = true, description = "Learn a bias as well. Default: no bias.")
    @Nullable
    Boolean bias;

    @Option(names = "--mean", description = "Push the mean gradient of a batch. Default: the sum.")
    boolean mean;

    @Option(names = "--model-out", paramLabel = "<file>", description = "Save the model, slots included.")
    @Nullable
    Path modelOut;

    @Option(names = "--model-in", paramLabel = "<file>", description = "Go on from a saved model.")
    @Nullable
    Path modelIn;

    @Option(names = "--servers", paramLabel = "<host:port,...>", description = ServerOptions.DESCRIPTION)
    @Nullable
    String servers;

    @Option(
            names = "--run",
            paramLabel = "<name>",
            description = "Name of the run and of its table, the same in all its processes. Default: lr.")
    @Nullable
    String run;

    @Option(
            names = "--worker-index",
            paramLabel = "<i>",
            description = "Which of the run's processes this is. Default: ${DEFAULT-VALUE}.")
    int workerIndex;

    @Option(
            names = "--worker-count",
            paramLabel = "<n>",
            description = "Processes of the run, which share the examples. Default: ${DEFAULT-VALUE}.")
    int workerCount = 1;

    @Option(
            names = "--consistency",
            paramLabel = "<c>",
            description = {
                "asp: nobody waits for anybody; ssp:N: nobody is more than N batches ahead of the slowest;",
                "bsp: all take each step together, the same model each time. Default: ${DEFAULT-VALUE}."
            })
    String consistency = "asp";

    @Option(
            names = "--backup-workers",
            paramLabel = "<n>",
            description = "With bsp: workers more than a step waits for. Default: ${DEFAULT-VALUE}.")
    int backupWorkers;

    @Option(
            names = "--silence",
            paramLabel = "<duration>",
            description = "The others go on without a worker that gives no sign of life for so long. Default: 10s.")
    @Nullable
    String silence;

    @Option(
            names = "--rejoin",
            negatable = true,
            defaultValue = "true",
            fallbackValue = "true",
            description = "A worker that the others went on without comes back. Default: it does.")
    boolean rejoin = true;

    @Option(
            names = "--straggler",
            paramLabel = "<f>x[:<w>]",
            description = "For experiments: worker w, or worker 0, takes f times as long. Example: 5x:2.")
    @Nullable
    String straggler;

    @Option(
            names = "--processes",
            paramLabel = "<n>",
            description = {
                "Start so many worker processes, and start those again that are killed; also the servers, unless",
                "--servers names some. Default: train in this process."
            })
    int processes;

    @Option(
            names = "--server-processes",
            paramLabel = "<n>",
            description = "With --processes: servers to start. Default: ${DEFAULT-VALUE}.")
    int serverProcesses = 1;

    @Option(names = ChildProcess.OPTION, hidden = true)
    boolean child;

    @Option(names = "--continue", description = "Train on with the table of a finished run, or of another one.")
    boolean continued;

    @Option(
            names = "--patience",
            paramLabel = "<duration>",
            description = "How long to wait for a server or a process that does not move. Default: ${DEFAULT-VALUE}.")
    String patience = "60s";

    @Option(names = "--shards", paramLabel = "<n>", description = "Shards in this process. Default: 8.")
    @Nullable
    Integer shards;

    @Option(
            names = "--memory",
            paramLabel = "<bytes>",
            description = "Most memory for rows in this process, such as 8g. Default: half of the machine's.")
    @Nullable
    String memory;

    @Option(names = "--json", description = "Print one JSON object on standard output.")
    boolean json;

    @Option(
            names = {"-q", "--quiet"},
            description = "Show no progress.")
    boolean quiet;

    TrainLrCommand(Output output) {
        super(output);
    }

    @Override
    public Integer call() {
        if (child) {
            ChildProcess.endWithParent();
        }
        requireSense();
        Inputs.requireFile("data", data);
        if (test != null) {
            Inputs.requireFile("test", test);
        }
        Inputs.requireWritable("model", modelOut);
        LrModel model = modelIn == null ? null : readModel(modelIn);
        Duration patience = Quantities.duration("patience", this.patience);
        LrConfig config = config(model);
        LrReport report;
        int restarts = -1;
        if (processes > 0) {
            try (Supervisor supervisor = new Supervisor(output)) {
                report = supervised(supervisor, config, model, patience);
                restarts = supervisor.restarts();
            }
        } else if (servers == null) {
            ServerConfig server = Memory.config(memory);
            server = shards == null ? server : server.withShardCount(shards);
            try (EmbeddedServer embedded = EmbeddedServer.open(server);
                    Weir weir = embedded.connect()) {
                report = train(weir, config, model, patience);
            }
        } else {
            try (Weir weir = Weir.connect(
                    servers, ClientConfig.defaults().withDeadline(deadline(config.training(), patience)))) {
                report = train(weir, config, model, patience);
            }
        }
        if (child) {
            Reports.print(output.out(), report.result());
        } else {
            report.print(output, json, restarts);
        }
        return Exit.OK;
    }

    /// How long to wait for a server: the patience, within reason. A server that only lets others go first is heard of
    /// within a half of the silence.
    private static Duration deadline(TrainingConfig training, Duration patience) {
        Duration most = patience.compareTo(LONGEST_DEADLINE) < 0 ? patience : LONGEST_DEADLINE;
        Duration least = training.membership().silence().dividedBy(2);
        return most.compareTo(least) < 0 ? least : most;
    }

    private void requireSense() {
        if (processes < 0 || processes > MOST_PROCESSES || serverProcesses < 1 || serverProcesses > MOST_PROCESSES) {
            throw new IllegalArgumentException("processes must be from 1 to " + MOST_PROCESSES + ": processes="
                    + processes + ", server-processes=" + serverProcesses);
        } else if (processes > 0 && (workerCount != 1 || workerIndex != 0)) {
            throw new IllegalArgumentException(
                    "--processes starts all of them, and --worker-index names one: processes=" + processes
                            + ", worker-index=" + workerIndex + ", worker-count=" + workerCount);
        }
        if (workerCount < 1 || workerIndex < 0 || workerIndex >= workerCount) {
            throw new IllegalArgumentException("worker index must be from 0 to worker count - 1: worker-index="
                    + workerIndex + ", worker-count=" + workerCount);
        } else if (servers == null && workerCount > 1) {
            throw new IllegalArgumentException("several processes need servers that they share: worker-count="
                    + workerCount + "; name them with --servers, or use threads with --workers");
        } else if (workerCount > 1 && run == null) {
            throw new IllegalArgumentException("several processes need a name for their run: worker-count="
                    + workerCount + "; give it with --run");
        } else if (servers != null && (shards != null || memory != null)) {
            throw new IllegalArgumentException(
                    "--shards and --memory are for servers in this process: servers=" + servers);
        }
    }

    private static LrModel readModel(Path file) {
        Inputs.requireFile("model", file);
        return LrModel.read(file);
    }

    private LrConfig config(@Nullable LrModel model) {
        String name = run == null ? DEFAULT_RUN : run;
        TableSpec table = model == null
                ? TableSpec.embedding(name, 1, OptimizerSpec.parse(optimizer == null ? "adagrad(rate=0.1)" : optimizer))
                : new TableSpec(
                        name,
                        model.spec().shape(),
                        model.spec().optimizer(),
                        model.spec().initialRow(),
                        model.spec().seed());
        if (model != null
                && optimizer != null
                && !OptimizerSpec.parse(optimizer).equals(model.spec().optimizer())) {
            throw new IllegalArgumentException(
                    "optimizer must be that of the model that training goes on from: optimizer=" + optimizer
                            + ", model=" + model.spec().optimizer().text());
        } else if (model != null && bias != null && bias != model.bias()) {
            throw new IllegalArgumentException("bias must be as in the model that training goes on from: bias=" + bias
                    + ", model=" + model.bias());
        }
        boolean withBias = model == null ? Boolean.TRUE.equals(bias) : model.bias();
        return LrConfig.of(table)
                .with(training -> training.withRun(name, continued)
                        .withWorkers(workers())
                        .withBatch(batch)
                        .withPasses(passes)
                        .withShuffle(shuffle, seed))
                .withBias(withBias)
                .withMean(mean)
                .with(training -> training.withMembership(membership())
                        .withSlowdown(Stragglers.parse(straggler))
                        .withShare(processes > 0 ? new Share(0, processes) : new Share(workerIndex, workerCount)));
    }

    private int workers() {
        return workers == null
                ? Math.max(1, Runtime.getRuntime().availableProcessors() / Math.max(1, processes))
                : workers;
    }

    private Membership membership() {
        return new Membership(
                Consistency.parse(consistency),
                backupWorkers,
                silence == null ? Membership.DEFAULT.silence() : Quantities.duration("silence", silence),
                rejoin);
    }

    private LrReport train(Weir weir, LrConfig config, @Nullable LrModel model, Duration patience) {
        Members members = new Members(weir, config.training());
        if (!child) {
            prepare(weir, config, model, members, patience);
        }
        TrainingResult result =
                servers == null ? fit(weir, config) : members.watched(patience, () -> fit(weir, config));
        if (workerIndex > 0 || child) {
            return LrReport.ofShare(weir, config, result);
        }
        return LrReport.of(weir, config, result, test, modelOut);
    }

    /// Sees to it that the table is there and this run's.
    private void prepare(Weir weir, LrConfig config, @Nullable LrModel model, Members members, Duration patience) {
        Optional<RunStatus> status = members.status();
        if (model != null && workerIndex > 0) {
            members.awaitFirst(patience);
        } else {
            requireOwnTable(weir, config, status);
            if (model != null) {
                restore(weir, config, model);
            }
        }
        if (!continued
                && status.isPresent()
                && members.ofProcess(status.get(), workerIndex).stream().anyMatch(worker -> worker.generation() > 0)) {
            output.err()
                    .println("the run was begun before and not finished; training goes on with what its table holds:"
                            + " run=" + config.training().run());
        }
    }

    /// Trains in processes that this one starts.
    private LrReport supervised(Supervisor supervisor, LrConfig config, @Nullable LrModel model, Duration patience) {
        String all = servers == null ? startServers(supervisor) : servers;
        try (Weir weir =
                        Weir.connect(all, ClientConfig.defaults().withDeadline(deadline(config.training(), patience)));
                ProgressView view = new ProgressView(output, quiet)) {
            Members members = new Members(weir, config.training());
            prepare(weir, config, model, members, patience);
            List<List<String>> commands = new ArrayList<>();
            for (int i = 0; i < processes; i++) {
                commands.add(workerCommand(config, all, i));
            }
            TrainingResult result = supervisor.train(
                    commands,
                    config.training().passes(),
                    () -> members.status().filter(RunStatus::isFinished).isPresent(),
                    view.slowed());
            return LrReport.of(weir, config, result, test, modelOut);
        }
    }

    private String startServers(Supervisor supervisor) {
        List<String> args = new ArrayList<>();
        if (shards != null) {
            args.addAll(List.of("--shards", shards.toString()));
        }
        if (memory != null) {
            args.addAll(List.of("--memory", memory));
        }
        List<String> addresses = new ArrayList<>();
        for (int i = 0; i < serverProcesses; i++) {
            addresses.add(supervisor.startServer(i, args));
        }
        return String.join(",", addresses);
    }

    private List<String> workerCommand(LrConfig config, String all, int index) {
        List<String> command = new ArrayList<>(List.of("train", "lr", ChildProcess.OPTION));
        command.addAll(List.of(
                "--data",
                data.toString(),
                "--servers",
                all,
                "--run",
                config.training().run()));
        command.addAll(List.of("--optimizer", config.table().optimizer().text()));
        command.addAll(List.of("--workers", Integer.toString(config.training().workers())));
        command.addAll(List.of("--batch", Integer.toString(batch), "--passes", Integer.toString(passes)));
        command.addAll(List.of("--seed", Long.toString(seed), "--patience", patience));
        command.addAll(List.of("--consistency", consistency, "--backup-workers", Integer.toString(backupWorkers)));
        command.addAll(List.of("--worker-index", Integer.toString(index)));
        command.addAll(List.of("--worker-count", Integer.toString(processes)));
        command.add(config.bias() ? "--bias" : "--no-bias");
        command.add(rejoin ? "--rejoin" : "--no-rejoin");
        if (silence != null) {
            command.addAll(List.of("--silence", silence));
        }
        if (straggler != null) {
            command.addAll(List.of("--straggler", straggler));
        }
        if (modelIn != null) {
            command.addAll(List.of("--model-in", modelIn.toString()));
        }
        if (shuffle) {
            command.add("--shuffle");
        }
        if (mean) {
            command.add("--mean");
        }
        if (continued) {
            command.add("--continue");
        }
        return command;
    }

    /// The table of another run, or one that somebody else has filled, is not changed unless that is wanted.
    private void requireOwnTable(Weir weir, LrConfig config, Optional<RunStatus> status) {
        String name = config.table().name();
        TableInfo table = weir.describe(name).orElse(null);
        if (table == null || continued) {
            return;
        }
        if (status.isPresent() && status.get().isFinished()) {
            throw new WeirException(
                    ErrorCode.RUN_FINISHED,
                    "run is finished: run=" + config.training().run());
        }
        boolean own = table.creatorRun() == Keys.ofString(config.training().run());
        boolean prepared = table.creatorRun() == 0 && (table.rowCount() == 0 || status.isPresent());
        if (!own && !prepared) {
            throw new CommandException(
                    Exit.CONFLICT,
                    "table belongs to another run: table=" + name + ", rows=" + table.rowCount() + ", run="
                            + config.training().run()
                            + "; train on with --continue, or choose another name with --run");
        }
    }

    private static void restore(Weir weir, LrConfig config, LrModel model) {
        String name = config.table().name();
        long rows = weir.describe(name).map(TableInfo::rowCount).orElse(0L);
        if (rows > 0) {
            throw new CommandException(
                    Exit.CONFLICT,
                    "a model is restored into an empty table: table=" + name + ", rows=" + rows
                            + "; choose another name with --run, or train on without --model-in");
        }
        model.restore(weir, name);
    }

    private TrainingResult fit(Weir weir, LrConfig config) {
        if (child) {
            try (LibsvmSource source = LibsvmSource.of(data)) {
                return LogisticRegression.train(
                        weir,
                        source,
                        config.with(training -> training.withProgressInterval(Reports.Reporter.INTERVAL)),
                        new Reports.Reporter(output.out()));
            }
        }
        try (LibsvmSource source = LibsvmSource.of(data);
                ProgressView view = new ProgressView(output, quiet)) {
            return LogisticRegression.train(
                    weir, source, config.with(training -> training.withProgressInterval(view.interval())), view);
        }
    }
}
