package io.weir.cli;

import io.weir.client.RunStatus;
import io.weir.client.TableInfo;
import io.weir.client.Weir;
import io.weir.model.ErrorCode;
import io.weir.model.Keys;
import io.weir.model.TableSpec;
import io.weir.model.WeirException;
import io.weir.train.Model;
import io.weir.train.SavedModel;
import io.weir.train.TrainingConfig;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The tables of a model before a run trains it: the run's own, and with what the training goes on from. Confined.
final class RunTables {
    private final Output output;
    private final Weir weir;
    private final Members members;
    private final TrainingConfig training;
    private final Model model;

    /// @param members of the run
    RunTables(Output output, Weir weir, Members members, TrainingConfig training, Model model) {
        this.output = output;
        this.weir = weir;
        this.members = members;
        this.training = training;
        this.model = model;
    }

    /// Restores the saved model, if there is one, into tables that must be empty; a process that is not the first waits
    /// until the first has done it. Says so if the run was begun before and not finished.
    ///
    /// @param saved what training goes on from
    /// @param patience how long to wait for the first process
    /// @throws WeirException `RUN_FINISHED` if the run is finished and not to be continued
    /// @throws CommandException if a table is that of another run, or not empty, or the first process does not come
    void prepare(@Nullable SavedModel saved, Duration patience) {
        int process = training.share().index();
        Optional<RunStatus> status = members.status();
        if (saved != null && process > 0) {
            members.awaitFirst(patience);
        } else {
            model.tables().forEach(table -> requireOwn(table.name(), status));
            if (saved != null) {
                restore(saved);
            }
        }
        if (!training.continued()
                && status.isPresent()
                && members.ofProcess(status.get(), process).stream().anyMatch(worker -> worker.generation() > 0)) {
            output.err()
                    .println("the run was begun before and not finished; training goes on with what its table holds:"
                            + " run=" + training.run());
        }
    }

    /// The table of another run, or one that somebody else has filled, is not changed unless that is wanted.
    private void requireOwn(String name, Optional<RunStatus> status) {
        TableInfo table = weir.describe(name).orElse(null);
        if (table == null || training.continued()) {
            return;
        }
        if (status.isPresent() && status.get().isFinished()) {
            throw new WeirException(ErrorCode.RUN_FINISHED, "run is finished: run=" + training.run());
        }
        boolean own = table.creatorRun() == Keys.ofString(training.run());
        boolean prepared = table.creatorRun() == 0 && (table.rowCount() == 0 || status.isPresent());
        if (!own && !prepared) {
            throw new CommandException(
                    Exit.CONFLICT,
                    "table belongs to another run: table=" + name + ", rows=" + table.rowCount() + ", run="
                            + training.run()
                            + "; train on with --continue, or choose another name with --run");
        }
    }

    private void restore(SavedModel from) {
        for (TableSpec table : model.tables()) {
            long rows = weir.describe(table.name()).map(TableInfo::rowCount).orElse(0L);
            if (rows > 0) {
                throw new CommandException(
                        Exit.CONFLICT,
                        "a model is restored into an empty table: table=" + table.name() + ", rows=" + rows
                                + "; choose another name with --run, or train on without --model-in");
            }
        }
        from.restore(weir, model);
    }
}
