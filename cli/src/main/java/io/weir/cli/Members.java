package io.weir.cli;

import io.weir.client.RunStatus;
import io.weir.client.RunStatus.State;
import io.weir.client.Weir;
import io.weir.model.ErrorCode;
import io.weir.model.WeirException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/// The processes of a run, each of which is several workers of it: process `i` of `n` with `w` threads is the workers
/// `i * w` to `(i + 1) * w - 1`. Confined.
final class Members {
    private static final Duration POLL = Duration.ofMillis(50);

    private final Weir weir;
    private final String run;
    private final int threads;

    Members(Weir weir, String run, int threads) {
        this.weir = weir;
        this.run = run;
        this.threads = threads;
    }

    /// How the run stands, if it was ever begun.
    Optional<RunStatus> status() {
        try {
            return Optional.of(weir.runStatus(run));
        } catch (WeirException e) {
            if (e.code() == ErrorCode.UNKNOWN_RUN) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /// Waits until every worker has finished.
    ///
    /// @throws CommandException naming the processes that are missing, if nothing has moved for `patience`
    void awaitFinished(Duration patience) {
        await(patience, RunStatus::isFinished);
    }

    /// Waits until some worker of the first process has joined, which it does when its tables are ready.
    void awaitFirst(Duration patience) {
        await(
                patience,
                status -> status.workers().stream()
                        .limit(threads)
                        .anyMatch(worker -> worker.state() == State.ACTIVE || worker.state() == State.FINISHED));
    }

    private void await(Duration patience, Predicate<RunStatus> condition) {
        Optional<RunStatus> last = Optional.empty();
        long movedNs = System.nanoTime();
        while (true) {
            Optional<RunStatus> status = status();
            if (status.filter(condition).isPresent()) {
                return;
            }
            long nowNs = System.nanoTime();
            if (!status.equals(last)) {
                last = status;
                movedNs = nowNs;
            } else if (nowNs - movedNs > patience.toNanos()) {
                throw new CommandException(Exit.UNAVAILABLE, missing(status, patience));
            }
            try {
                Thread.sleep(POLL);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new CommandException(Exit.UNAVAILABLE, "interrupted while waiting for the run: run=" + run, e);
            }
        }
    }

    private String missing(Optional<RunStatus> status, Duration patience) {
        String rule = "nothing has moved in the run for " + patience.toMillis() / 1e3 + " s: run=" + run;
        if (status.isEmpty()) {
            return rule + ", no worker has joined; start the process with --worker-index 0";
        }
        List<RunStatus.Worker> workers = status.get().workers();
        List<String> processes = new ArrayList<>();
        for (int first = 0; first < workers.size(); first += threads) {
            List<RunStatus.Worker> process = workers.subList(first, Math.min(workers.size(), first + threads));
            int index = first / threads;
            worst(process).ifPresent(state -> processes.add("worker-index " + index + " " + state));
        }
        return rule + ", missing: " + String.join("; ", processes)
                + "; start what is missing again with the same --run, or raise --patience";
    }

    /// What is wrong with a process, or empty if all its workers have finished.
    private static Optional<String> worst(List<RunStatus.Worker> process) {
        long clock = process.stream().mapToLong(RunStatus.Worker::clock).max().orElse(0);
        if (process.stream().allMatch(worker -> worker.state() == State.FINISHED)) {
            return Optional.empty();
        } else if (process.stream().allMatch(worker -> worker.state() == State.MISSING)) {
            return Optional.of("never joined");
        } else if (process.stream().anyMatch(worker -> worker.state() == State.ACTIVE)) {
            return Optional.of("joined and stands still after batch " + clock);
        }
        return Optional.of("left before it had finished");
    }
}
