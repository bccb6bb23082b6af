package io.weir.train;

import io.weir.client.Run;
import io.weir.client.RunOptions;
import io.weir.client.Weir;
import io.weir.model.ErrorCode;
import io.weir.model.RunSpec;
import io.weir.model.WeirException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// The workers of one process in a training: threads, each its own member of the run. Thread-safe.
///
/// A worker that the others went on without joins again, in a new generation, if it may. The first failure is that of
/// the training, and the others hang on to it: from then on [#failed] says so, by which all end as soon as they can.
final class WorkerTeam {
    /// How often a worker that was fenced joins again.
    private static final int MAX_REJOINS = 100;

    /// How long the others may take to end once the training has failed, before their membership is ended for them:
    /// they may be waiting for each other.
    private static final Duration GRACE = Duration.ofSeconds(1);

    /// What becomes of the others when one worker has failed. However it is, when the training is stopped from outside
    /// they have a grace to end in, and then their membership is ended for them.
    enum OneFailed {
        /// They are left to end by themselves.
        OTHERS_END,
        /// They have the same grace: they may be waiting for the one that failed.
        OTHERS_ARE_ENDED
    }

    private final Weir weir;
    private final RunSpec spec;
    private final TrainingConfig config;
    private final ProgressListener listener;
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

    /// @param listener hears of workers that join again
    WorkerTeam(Weir weir, RunSpec spec, TrainingConfig config, ProgressListener listener) {
        this.weir = weir;
        this.spec = spec;
        this.config = config;
        this.listener = listener;
    }

    Weir weir() {
        return weir;
    }

    /// What all members of the run say that it is.
    RunSpec spec() {
        return spec;
    }

    /// Whether the training has failed, so that all are to stop.
    boolean failed() {
        return failure.get() != null;
    }

    /// The first failure is the one that is reported; the others hang on to it.
    void fail(Throwable thrown) {
        if (!failure.compareAndSet(null, thrown)) {
            Throwable first = failure.get();
            if (first != null && !first.equals(thrown)) {
                first.addSuppressed(thrown);
            }
        }
    }

    /// Starts a thread for each member and waits until all have ended. Called once.
    ///
    /// @param progress called at the configured interval meanwhile; may throw to stop the training
    /// @throws RuntimeException the first failure, if there was one; an [IllegalStateException] of what is none
    void run(List<? extends Member> members, OneFailed oneFailed, Runnable progress) {
        CountDownLatch done = new CountDownLatch(members.size());
        List<Thread> threads = members.stream()
                .map(member -> new Thread(() -> run(member, done), "weir-train-" + member.index()))
                .toList();
        threads.forEach(Thread::start);
        try {
            while (!done.await(config.progressInterval().toNanos(), TimeUnit.NANOSECONDS)
                    && !(oneFailed == OneFailed.OTHERS_ARE_ENDED && failed())) {
                progress.run();
            }
        } catch (InterruptedException e) {
            fail(new InterruptedException("training was interrupted"));
            Thread.currentThread().interrupt();
        } catch (RuntimeException | Error e) {
            fail(e);
        }
        join(members, threads);
        Throwable failed = failure.get();
        if (failed instanceof RuntimeException e) {
            throw e;
        } else if (failed instanceof Error e) {
            throw e;
        } else if (failed != null) {
            throw new IllegalStateException(failed.getMessage(), failed);
        }
    }

    private void run(Member member, CountDownLatch done) {
        try {
            member.live();
        } catch (Throwable t) {
            fail(t);
        } finally {
            done.countDown();
        }
    }

    private void join(List<? extends Member> members, List<Thread> threads) {
        boolean interrupted = false;
        for (int i = 0; i < threads.size(); i++) {
            Thread thread = threads.get(i);
            while (thread.isAlive()) {
                try {
                    if (failed() && !thread.join(GRACE)) {
                        members.get(i).leave();
                    }
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /// One of them: its place in the run, and what it does there. Confined to its thread, but for [#leave].
    abstract static class Member {
        private final WorkerTeam team;
        private final int index;
        private volatile @Nullable Run run;

        /// @param index of the worker in the run
        Member(WorkerTeam team, int index) {
            this.team = team;
            this.index = index;
        }

        final WorkerTeam team() {
            return team;
        }

        /// The worker's index in the run.
        final int index() {
            return index;
        }

        /// What it does in one life, until it finishes the run for itself, or the training has failed. If this throws
        /// it has, unless the worker was fenced and may come back.
        abstract void work(Run joined);

        /// Whether it joins again when it is fenced.
        boolean mayComeBack() {
            return team.config.membership().rejoin();
        }

        /// Ends the membership from another thread. Whatever the worker waits for then fails.
        void leave() {
            Run joined = run;
            if (joined != null) {
                joined.close();
            }
        }

        /// Waits after work that took so long, if this worker is to be slow.
        public final void pause(long tookNs) {
            long now = System.nanoTime();
            long untilNs = now + team.config.slowdown().pauseNs(index, tookNs);
            for (; now - untilNs < 0 && !team.failed(); now = System.nanoTime()) {
                LockSupport.parkNanos(this, untilNs - now);
            }
        }

        private void live() {
            WeirException fenced = live(null);
            for (int i = 0; fenced != null && !team.failed() && i < MAX_REJOINS; i++) {
                fenced = live(fenced);
            }
            if (fenced != null) {
                throw fenced;
            }
        }

        /// One life, from joining to leaving.
        ///
        /// @param before why the last life ended, null for the first
        /// @return why it ended against its will, null if it is through
        private @Nullable WeirException live(@Nullable WeirException before) {
            boolean continued = team.config.continued() && before == null;
            try (Run joined = team.weir.join(new RunOptions(team.spec, index, continued))) {
                run = joined;
                if (before != null) {
                    team.listener.rejoined(index, joined.generation(), before);
                }
                liveIn(joined);
                return null;
            } catch (WeirException e) {
                if (before != null && e.code() == ErrorCode.RUN_FINISHED) {
                    // The others have done the rest.
                    return null;
                }
                if (!comesBackAfter(e)) {
                    throw e;
                }
                return e;
            }
        }

        private void liveIn(Run joined) {
            try {
                work(joined);
            } catch (WeirException e) {
                if (!comesBackAfter(e)) {
                    team.fail(e);
                }
                throw e;
            } catch (Throwable t) {
                // Before the run is left, which may take long: the others should stop now.
                team.fail(t);
                throw t;
            }
        }

        private boolean comesBackAfter(WeirException e) {
            return e.code() == ErrorCode.FENCED && mayComeBack();
        }
    }
}
