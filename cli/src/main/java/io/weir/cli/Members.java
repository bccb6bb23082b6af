package io.weir.cli;

import io.weir.client.RunStatus;
import io.weir.client.RunStatus.State;
import io.weir.client.Weir;
import io.weir.model.ErrorCode;
import io.weir.model.WeirException;
import io.weir.train.TrainingConfig;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// The processes of a run, each of which is several workers of it, one after the other. Confined.
final class Members {
    private static final Duration POLL = Duration.ofMillis(50);
    private static final Duration LONGEST_WATCH = Duration.ofSeconds(1);

    private final Weir weir;
    private final TrainingConfig config;
    private final int before;

    /// @param before workers of the run that come before those of [TrainingConfig#firstMember], in the first process
    Members(Weir weir, TrainingConfig config, int before) {
        this.weir = weir;
        this.config = config;
        this.before = before;
    }

    /// How the run stands, if it was ever begun.
    Optional<RunStatus> status() {
        try {
            return Optional.of(weir.runStatus(config.run()));
        } catch (WeirException e) {
            if (e.code() == ErrorCode.UNKNOWN_RUN) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /// The workers of one process, of those that the run began with.
    List<RunStatus.Worker> ofProcess(RunStatus status, int process) {
        List<RunStatus.Worker> all = status.workers();
        return all.subList(
                Math.min(all.size(), process == 0 ? 0 : before + config.firstMember(process)),
                Math.min(all.size(), before + config.firstMember(process + 1)));
    }

    /// Waits until some worker of the first process has joined, which it does when its tables are ready.
    ///
    /// @throws CommandException naming the processes that are missing, if nothing has moved for `patience`
    void awaitFirst(Duration patience) {
        Predicate<RunStatus> joined = status -> ofProcess(status, 0).stream()
                .anyMatch(worker -> worker.state() == State.ACTIVE || worker.state() == State.FINISHED);
        Movement movement = new Movement(patience);
        for (Optional<RunStatus> status = status(); !status.filter(joined).isPresent(); status = status()) {
            movement.see(status);
            try {
                Thread.sleep(POLL);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new CommandException(
                        Exit.UNAVAILABLE, "interrupted while waiting for the run: run=" + config.run(), e);
            }
        }
    }

    /// Does `work`, and watches meanwhile that something moves in the run: a training waits for the other workers
    /// without an end.
    ///
    /// @param work is interrupted if nothing has moved for `patience`
    /// @throws CommandException naming the processes that are missing, then
    <T> T watched(Duration patience, Supplier<T> work) {
        CountDownLatch done = new CountDownLatch(1);
        Thread worker = Thread.currentThread();
        Watch watch = new Watch(worker, patience, done);
        Thread thread = new Thread(watch, "weir-watch");
        thread.setDaemon(true);
        thread.start();
        try {
            return work.get();
        } catch (RuntimeException e) {
            CommandException found = watch.found;
            if (found == null) {
                throw e;
            }
            found.addSuppressed(e);
            throw found;
        } finally {
            done.countDown();
            if (watch.found != null) {
                boolean _ = Thread.interrupted();
            }
        }
    }

    private final class Watch implements Runnable {
        private final Thread worker;
        private final Duration patience;
        private final CountDownLatch done;
        volatile @Nullable CommandException found;

        Watch(Thread worker, Duration patience, CountDownLatch done) {
            this.worker = worker;
            this.patience = patience;
            this.done = done;
        }

        @Override
        public void run() {
            Movement movement = new Movement(patience);
            long intervalNs = Math.min(patience.toNanos() / 4, LONGEST_WATCH.toNanos());
            try {
                while (!done.await(intervalNs, TimeUnit.NANOSECONDS)) {
                    look(movement);
                }
            } catch (CommandException e) {
                found = e;
                worker.interrupt();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        private void look(Movement movement) {
            try {
                movement.see(status());
            } catch (WeirException e) {
                // What is wrong with the servers the training will say.
            }
        }
    }

    /// Notices when a run stands still.
    private final class Movement {
        private final Duration patience;
        private Optional<RunStatus> last = Optional.empty();
        private long movedNs = System.nanoTime();

        Movement(Duration patience) {
            this.patience = patience;
        }

        void see(Optional<RunStatus> status) {
            long nowNs = System.nanoTime();
            Optional<RunStatus> timeless = status.map(Movement::timeless);
            if (!timeless.equals(last)) {
                last = timeless;
                movedNs = nowNs;
            } else if (nowNs - movedNs > patience.toNanos()) {
                throw new CommandException(Exit.UNAVAILABLE, missing(status, patience));
            }
        }

        /// All of a status but what changes while nothing happens.
        private static RunStatus timeless(RunStatus status) {
            return new RunStatus(
                    status.spec(),
                    status.finished(),
                    status.closedSteps(),
                    status.portionsHeld(),
                    status.portionsDone(),
                    status.workers().stream()
                            .map(worker -> new RunStatus.Worker(
                                    worker.index(),
                                    worker.state(),
                                    worker.generation(),
                                    worker.number(),
                                    worker.clock(),
                                    0,
                                    worker.portion()))
                            .toList(),
                    List.of());
        }
    }

    private String missing(Optional<RunStatus> status, Duration patience) {
        String rule = "nothing has moved in the run for " + patience.toMillis() / 1e3 + " s: run=" + config.run();
        if (status.isEmpty()) {
            return rule + ", no worker has joined; start the process with --worker-index 0";
        }
        List<String> processes = new ArrayList<>();
        for (int index = 0; index < config.share().count(); index++) {
            String process = "worker-index " + index + " ";
            worst(status.get(), ofProcess(status.get(), index)).ifPresent(state -> processes.add(process + state));
        }
        return rule + ", missing: " + String.join("; ", processes)
                + "; start what is missing again with the same --run, or raise --patience";
    }

    /// What is wrong with a process, or empty if all its workers have finished or wait for others.
    private static Optional<String> worst(RunStatus status, List<RunStatus.Worker> process) {
        long clock = process.stream().mapToLong(RunStatus.Worker::clock).max().orElse(0);
        if (process.stream().allMatch(worker -> worker.state() == State.FINISHED || waits(status, worker))) {
            return Optional.empty();
        } else if (process.stream().allMatch(worker -> worker.state() == State.MISSING)) {
            return Optional.of("never joined");
        } else if (process.stream().anyMatch(worker -> worker.state() == State.ACTIVE)) {
            return Optional.of("joined and stands still after batch " + clock);
        } else if (process.stream().anyMatch(worker -> worker.state() == State.FENCED)) {
            return Optional.of("gave no sign of life for " + status.spec().silenceMs() / 1e3 + " s");
        }
        return Optional.of("left before it had finished");
    }

    private static boolean waits(RunStatus status, RunStatus.Worker worker) {
        return status.waits().stream().anyMatch(wait -> wait.worker() == worker.index());
    }
}
