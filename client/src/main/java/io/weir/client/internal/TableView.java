package io.weir.client.internal;

import io.weir.client.TableInfo;
import io.weir.model.Compression;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import io.weir.wire.ValueType;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// A table as one identity sees it.
///
/// @param info the table
/// @param clockGroup that its pulls and pushes belong to
/// @param pushes the stream that its pushes belong to, null for that of the session
/// @param encoder of its pushes, null if they go as floats
/// @param rowType number of the `ValueType` that its pulls ask for
record TableView(
        TableInfo info,
        int clockGroup,
        @Nullable WorkerStream pushes,
        @Nullable PushEncoder encoder,
        int rowType) {
    TableView {
        Objects.requireNonNull(info, "info");
    }

    /// Everything as floats.
    TableView(TableInfo info, int clockGroup, @Nullable WorkerStream pushes) {
        this(info, clockGroup, pushes, null, ValueType.FLOAT32);
    }

    /// The same table in fewer bits.
    ///
    /// @throws IllegalArgumentException if rows cannot be read so, or the table does not add what is pushed
    TableView compressed(Compression ofPushes, Compression ofPulls) {
        int pulledType = ValueType.of(ofPulls.requiredForPulls());
        OptimizerSpec optimizer = spec().optimizer();
        boolean takesValues = optimizer instanceof OptimizerSpec.Assign
                || optimizer instanceof OptimizerSpec.Min
                || optimizer instanceof OptimizerSpec.Max;
        if (takesValues && ofPushes.hasFeedback()) {
            throw new IllegalArgumentException("what a push leaves out can only be added later: compression="
                    + ofPushes.text() + ", optimizer=" + optimizer.text() + ", table=" + spec().name());
        }
        boolean plain = ofPushes instanceof Compression.None;
        return new TableView(info, clockGroup, pushes, plain ? null : new PushEncoder(spec(), ofPushes), pulledType);
    }

    /// The same view, encoder and what it has kept included, whose pushes belong to another stream.
    ///
    /// @param stream null for that of the session
    TableView pushedTo(@Nullable WorkerStream stream) {
        return new TableView(info, clockGroup, stream, encoder, rowType);
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
