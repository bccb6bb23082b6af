package io.weir.cli;

import io.weir.client.ClientConfig;
import io.weir.client.RunStatus;
import io.weir.client.TableInfo;
import io.weir.client.Weir;
import io.weir.embedded.EmbeddedServer;
import io.weir.model.Consistency;
import io.weir.model.OptimizerSpec;
import io.weir.server.ServerConfig;
import io.weir.train.ExampleSource;
import io.weir.train.ExampleSource.Share;
import io.weir.train.LbfgsConfig;
import io.weir.train.LbfgsResult;
import io.weir.train.Model;
import io.weir.train.ModelHash;
import io.weir.train.ProgressListener;
import io.weir.train.Sandblaster;
import io.weir.train.SavedModel;
import io.weir.train.Trainer;
import io.weir.train.TrainingConfig;
import io.weir.train.TrainingConfig.Membership;
import io.weir.train.TrainingConfig.Transfer;
import io.weir.train.TrainingResult;
import io.weir.train.Weights;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// What every `weir train` command does: the run, its processes and servers, the report. What is trained, and on what,
/// is up to the command.
abstract class TrainModelCommand extends WeirOptions {
    private static final Duration LONGEST_DEADLINE = Duration.ofSeconds(30);
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
                OptimizerOption.FORM,
                "Default: adagrad(rate=0.1); softmax: adagrad(rate=0.05); mlp: adam(rate=0.001)."
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

    @Option(
            names = "--passes",
            paramLabel = "<n>",
            description = "Passes over the data. Default: 1; with sandblaster at most so many, by default 100.")
    @Nullable
    Integer passes;

    @Option(
            names = "--shuffle",
            negatable = true,
            description = "Take the examples in random order. Default: in the order of the file.")
    boolean shuffle;

    @Option(
            names = "--seed",
            paramLabel = "<n>",
            description = "Of the shuffling, and of weights and dropout of a perceptron. Default: ${DEFAULT-VALUE}.")
    long seed = 1;

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
            description =
                    "Name of the run and of its tables, the same in all its processes. Default: lr, softmax, mlp.")
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
            description = "asp: nobody waits for anybody; ssp:N: nobody is more than N batches ahead of the slowest; "
                    + "bsp: all take each step together, the same model each time. Default: ${DEFAULT-VALUE}.")
    String consistency = "asp";

    @Mixin
    AlgorithmOptions algorithm = new AlgorithmOptions();

    @Mixin
    TransferOptions transfer = new TransferOptions();

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
            description =
                    "Start so many worker processes, and start those again that are killed; also the servers, unless "
                            + "--servers names some. Default: train in this process.")
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

    TrainModelCommand(Output output) {
        super(output);
    }

    /// The word after `weir train`: also the run's name unless it is given another.
    abstract String word();

    abstract String defaultOptimizer();

    /// Workers that make one replica of the model.
    int slices() {
        return 1;
    }

    /// The model that the options describe, in tables of this name.
    abstract Model newModel(String name, OptimizerSpec optimizer);

    /// A model that was saved, as training is to go on with it.
    ///
    /// @throws IllegalArgumentException if the options describe another one
    abstract Model goOnFrom(Model saved);

    /// The options that describe `model`, for another process.
    abstract List<String> describe(Model model);

    /// What `model` is, for the report: fields of its JSON object.
    abstract void putFacts(Model model, Json json);

    /// By which the values of the examples are multiplied; absent if they are taken as they are, whatever the model.
    ///
    /// @param saved the same of the model that training goes on from; absent if there is none or it is not known
    abstract OptionalDouble scale(OptionalDouble saved);

    /// Opens a file of examples.
    ///
    /// @param test whether these are to score the model with
    /// @param scale by which their values are multiplied, as [#scale] has it
    abstract ExampleSource open(Path file, boolean test, Model model, OptionalDouble scale);

    /// Scores a model.
    ///
    /// @param weights of each of its tables
    abstract Score score(ExampleSource source, Model model, List<Weights> weights);

    /// `saved`, if it is a model of this command.
    final <M extends Model> M requireKind(Model saved, Class<M> kind) {
        if (!kind.isInstance(saved)) {
            throw new IllegalArgumentException(
                    "training goes on from a model of the same kind: command=" + word() + ", model=" + saved.text());
        }
        return kind.cast(saved);
    }

    /// Refuses an option that says something else than the model that training goes on from.
    static void requireSame(String name, @Nullable Object option, Object saved) {
        if (option != null && !option.equals(saved)) {
            throw new IllegalArgumentException(name + " must be as in the model that training goes on from: " + name
                    + "=" + option + ", model=" + saved);
        }
    }

    /// A model in training.
    ///
    /// @param scale see [#scale]
    /// @param saved what training goes on from
    /// @param lbfgs what is minimised, null if training goes batch by batch
    private record Job(
            Model model,
            TrainingConfig training,
            OptionalDouble scale,
            @Nullable SavedModel saved,
            @Nullable LbfgsConfig lbfgs) {}

    /// What came of a training.
    ///
    /// @param lbfgs of L-BFGS
    private record Trained(TrainingResult result, @Nullable LbfgsResult lbfgs) {}

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
        SavedModel saved = modelIn == null ? null : readModel(modelIn);
        Duration patience = Quantities.duration("patience", this.patience);
        Model model = model(saved);
        OptionalDouble scale = scale(saved == null ? OptionalDouble.empty() : saved.scale());
        Job job = new Job(model, training(model), scale, saved, lbfgs());
        TrainingReport report;
        int restarts = -1;
        if (processes > 0) {
            try (Supervisor supervisor = new Supervisor(output)) {
                report = supervised(supervisor, job, patience);
                restarts = supervisor.restarts();
            }
        } else if (servers == null) {
            ServerConfig server = Memory.config(memory);
            server = shards == null ? server : server.withShardCount(shards);
            try (EmbeddedServer embedded = EmbeddedServer.open(server);
                    Weir weir = embedded.connect()) {
                report = train(weir, job, patience);
            }
        } else {
            try (Weir weir =
                    Weir.connect(servers, ClientConfig.defaults().withDeadline(deadline(job.training, patience)))) {
                report = train(weir, job, patience);
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

    private static SavedModel readModel(Path file) {
        Inputs.requireFile("model", file);
        return SavedModel.read(file);
    }

    private String runName() {
        return run == null ? word() : run;
    }

    private Model model(@Nullable SavedModel saved) {
        if (saved == null) {
            return newModel(runName(), OptimizerSpec.parse(optimizer == null ? defaultOptimizer() : optimizer));
        }
        OptimizerSpec before = saved.tables().getFirst().spec().optimizer();
        if (optimizer != null && !OptimizerSpec.parse(optimizer).equals(before)) {
            throw new IllegalArgumentException(
                    "optimizer must be that of the model that training goes on from: optimizer=" + optimizer
                            + ", model=" + before.text());
        }
        return goOnFrom(saved.model()).named(runName());
    }

    private TrainingConfig training(Model model) {
        return TrainingConfig.of(runName())
                .withRun(runName(), continued)
                .withWorkers(workers(), slices())
                .withBatch(batch)
                .withPasses(passes == null || algorithm.isSandblaster() ? 1 : passes)
                .withShuffle(shuffle, seed)
                .withMembership(membership())
                .withAlgorithm(algorithm.choose(model, batch))
                .withTransfer(transfer.choose())
                .withSlowdown(Stragglers.parse(straggler))
                .withShare(processes > 0 ? new Share(0, processes) : new Share(workerIndex, workerCount));
    }

    private @Nullable LbfgsConfig lbfgs() {
        if (algorithm.isSandblaster()
                && (shuffle
                        || backupWorkers > 0
                        || !transfer.choose().equals(Transfer.PLAIN)
                        || !Consistency.parse(consistency).equals(Consistency.asp()))) {
            throw new IllegalArgumentException("sandblaster looks at all examples before each step, and its own backup"
                    + " copies see to stragglers, and its sums are exact: it goes without --shuffle, --consistency,"
                    + " --backup-workers, --compression and --pull-compression");
        }
        return algorithm.lbfgs(passes);
    }

    /// Threads of each process: by default one for each processor, and as many more as make whole replicas.
    private int workers() {
        int count = Math.max(processes, workerCount);
        if (workers != null) {
            if ((long) workers * count % slices() != 0) {
                throw new IllegalArgumentException(
                        "--workers times the processes must be a multiple of --slices: workers=" + workers
                                + ", processes=" + count + ", slices=" + slices());
            }
            return workers;
        }
        int threads = Math.max(1, Runtime.getRuntime().availableProcessors() / Math.max(1, processes));
        while (threads * count % slices() != 0) {
            threads++;
        }
        return threads;
    }

    private Membership membership() {
        return new Membership(
                Consistency.parse(consistency),
                backupWorkers,
                silence == null ? Membership.DEFAULT.silence() : Quantities.duration("silence", silence),
                rejoin);
    }

    private TrainingReport train(Weir weir, Job job, Duration patience) {
        Members members = members(weir, job);
        if (!child) {
            new RunTables(output, weir, members, job.training, job.model).prepare(job.saved, patience);
        }
        Trained trained = servers == null ? fit(weir, job) : members.watched(patience, () -> fit(weir, job));
        return workerIndex > 0 || child ? report(weir, job, trained, null, null) : finished(weir, job, trained);
    }

    /// With L-BFGS the coordinator comes before all workers.
    private static Members members(Weir weir, Job job) {
        return new Members(weir, job.training, job.lbfgs == null ? 0 : 1);
    }

    private TrainingReport report(
            Weir weir, Job job, Trained trained, @Nullable Score test, TrainingReport.@Nullable ModelFacts facts) {
        return new TrainingReport(
                job.training,
                job.model.tables().getFirst().optimizer(),
                json -> putFacts(job.model, json),
                trained.result,
                trained.lbfgs,
                weir.shardMap().shardCount(),
                test,
                facts);
    }

    /// Scores and saves the finished model.
    private TrainingReport finished(Weir weir, Job job, Trained trained) {
        List<Weights> weights;
        ModelHash hash;
        if (modelOut == null) {
            weights = job.model.tables().stream()
                    .map(table -> Weights.of(weir, table))
                    .toList();
            hash = ModelHash.of(weir, job.model.tables());
        } else {
            SavedModel saved = SavedModel.of(weir, job.model).withScale(job.scale);
            saved.save(modelOut);
            weights = saved.weights();
            hash = saved.hash();
        }
        Score score = null;
        if (test != null) {
            try (ExampleSource source = open(test, true, job.model, job.scale)) {
                score = score(source, job.model, weights);
            }
        }
        List<TableInfo> tables = job.model.tables().stream()
                .map(table -> weir.describe(table.name()).orElseThrow())
                .toList();
        return report(
                weir,
                job,
                trained,
                score,
                new TrainingReport.ModelFacts(
                        tables.stream().mapToLong(TableInfo::rowCount).sum(),
                        hash.toString(),
                        tables.stream().mapToLong(TableInfo::memoryBytes).sum(),
                        modelOut));
    }

    /// Trains in processes that this one starts.
    private TrainingReport supervised(Supervisor supervisor, Job job, Duration patience) {
        String all = servers == null ? startServers(supervisor) : servers;
        try (Weir weir = Weir.connect(all, ClientConfig.defaults().withDeadline(deadline(job.training, patience)));
                ProgressView view = new ProgressView(output, quiet)) {
            Members members = members(weir, job);
            new RunTables(output, weir, members, job.training, job.model).prepare(job.saved, patience);
            List<List<String>> commands = new ArrayList<>();
            for (int i = 0; i < processes; i++) {
                commands.add(workerCommand(job, all, i));
            }
            Supplier<TrainingResult> workers = () -> supervisor.train(
                    commands,
                    job.training.passes(),
                    () -> members.status().filter(RunStatus::isFinished).isPresent(),
                    view.slowed());
            LbfgsConfig lbfgs = job.lbfgs;
            return finished(
                    weir,
                    job,
                    lbfgs == null ? new Trained(workers.get(), null) : coordinate(weir, job, lbfgs, workers));
        }
    }

    /// Coordinates L-BFGS while the workers are in other processes.
    private Trained coordinate(Weir weir, Job job, LbfgsConfig lbfgs, Supplier<TrainingResult> workers) {
        CompletableFuture<LbfgsResult> coordinated = CompletableFuture.supplyAsync(
                () -> {
                    try (ExampleSource source = open(data, false, job.model, job.scale)) {
                        return Sandblaster.train(
                                weir,
                                new Sandblaster.Task(source, job.model, lbfgs, job.training),
                                Sandblaster.Part.COORDINATOR,
                                ProgressListener.NONE);
                    }
                },
                work -> {
                    Thread thread = new Thread(work, "weir-coordinate");
                    thread.setDaemon(true);
                    thread.start();
                });
        // The workers end when the coordinator does, also when it fails.
        var _ = workers.get();
        try {
            LbfgsResult result = coordinated.join();
            return new Trained(result.training(), result);
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw e;
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

    private List<String> workerCommand(Job job, String all, int index) {
        List<String> command = new ArrayList<>(List.of("train", word(), ChildProcess.OPTION));
        command.addAll(List.of("--data", data.toString(), "--servers", all, "--run", runName()));
        command.addAll(
                List.of("--optimizer", job.model.tables().getFirst().optimizer().text()));
        command.addAll(List.of("--workers", Integer.toString(job.training.workers())));
        command.addAll(List.of("--batch", Integer.toString(batch)));
        if (passes != null) {
            command.addAll(List.of("--passes", passes.toString()));
        }
        command.addAll(List.of("--seed", Long.toString(seed), "--patience", patience));
        command.addAll(List.of("--consistency", consistency, "--backup-workers", Integer.toString(backupWorkers)));
        command.addAll(List.of("--worker-index", Integer.toString(index)));
        command.addAll(List.of("--worker-count", Integer.toString(processes)));
        command.addAll(describe(job.model));
        LbfgsConfig lbfgs = job.lbfgs;
        command.addAll(
                lbfgs == null ? AlgorithmOptions.describe(job.training.algorithm()) : AlgorithmOptions.describe(lbfgs));
        command.addAll(TransferOptions.describe(job.training.transfer()));
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
        if (continued) {
            command.add("--continue");
        }
        return command;
    }

    private Trained fit(Weir weir, Job job) {
        if (child) {
            try (ExampleSource source = open(data, false, job.model, job.scale)) {
                return fit(
                        weir,
                        source,
                        job,
                        job.training.withProgressInterval(Reports.Reporter.INTERVAL),
                        new Reports.Reporter(output.out()));
            }
        }
        try (ExampleSource source = open(data, false, job.model, job.scale);
                ProgressView view = new ProgressView(output, quiet)) {
            return fit(weir, source, job, job.training.withProgressInterval(view.interval()), view);
        }
    }

    private Trained fit(Weir weir, ExampleSource source, Job job, TrainingConfig training, ProgressListener listener) {
        LbfgsConfig lbfgs = job.lbfgs;
        if (lbfgs == null) {
            return new Trained(Trainer.train(weir, source, job.model, training, listener), null);
        }
        Sandblaster.Part part = child || workerIndex > 0 ? Sandblaster.Part.WORKERS : Sandblaster.Part.ALL;
        LbfgsResult result =
                Sandblaster.train(weir, new Sandblaster.Task(source, job.model, lbfgs, training), part, listener);
        return new Trained(result.training(), result);
    }
}
