package io.weir.client.internal;

import io.weir.client.DenseTable;
import io.weir.client.Portion;
import io.weir.client.Table;
import io.weir.model.TableSpec;
import org.jspecify.annotations.Nullable;

/// A portion in the hands of one worker: which one, and its tables.
abstract sealed class HeldPortion implements Portion permits ClientPortion, PassPortion {
    private final ClientRun run;
    private final int index;

    HeldPortion(ClientRun run, int index) {
        this.run = run;
        this.index = index;
    }

    final ClientRun run() {
        return run;
    }

    /// The stream of what is pushed to its tables, null for that of the run.
    abstract @Nullable WorkerStream stream();

    @Override
    public final int index() {
        return index;
    }

    @Override
    public final Table table(TableSpec spec) {
        return new ClientTable(run.session(), created(spec));
    }

    @Override
    public final Table table(Table ofRun) {
        if (ofRun instanceof ClientTable table && table.session() == run.session()) {
            return new ClientTable(run.session(), table.view().pushedTo(stream()));
        }
        throw ofSomethingElse(ofRun.spec());
    }

    @Override
    public final DenseTable denseTable(TableSpec spec) {
        return new ClientDenseTable(run.session(), created(spec));
    }

    @Override
    public final DenseTable denseTable(DenseTable ofRun) {
        if (ofRun instanceof ClientDenseTable table && table.session() == run.session()) {
            return new ClientDenseTable(run.session(), table.view().pushedTo(stream()));
        }
        throw ofSomethingElse(ofRun.spec());
    }

    private TableView created(TableSpec spec) {
        return new TableView(run.weir().create(spec, run.id()), 0, stream());
    }

    private IllegalArgumentException ofSomethingElse(TableSpec spec) {
        return new IllegalArgumentException("a portion takes tables of its own run: table=" + spec.name() + ", run="
                + run.name() + ", worker=" + run.worker());
    }
}
