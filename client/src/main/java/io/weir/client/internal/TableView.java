package io.weir.client.internal;

import io.weir.client.TableInfo;
import io.weir.model.TableSpec;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// A table as one identity sees it.
///
/// @param info the table
/// @param clockGroup that its pulls and pushes belong to
/// @param pushes the stream that its pushes belong to, null for that of the session
record TableView(TableInfo info, int clockGroup, @Nullable WorkerStream pushes) {
    TableView {
        Objects.requireNonNull(info, "info");
    }

    /// Outside runs.
    static TableView of(TableInfo info) {
        return new TableView(info, 0, null);
    }

    TableSpec spec() {
        return info.spec();
    }

    int id() {
        return info.id();
    }
}
