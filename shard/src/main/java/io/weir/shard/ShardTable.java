package io.weir.shard;

import io.weir.model.TableSpec;
import io.weir.table.TableStore;

/// One table in one shard.
///
/// @param id never given to another table
/// @param creatorRun run that created it, 0 if none did
/// @param spec what it is
/// @param store its rows
public record ShardTable(int id, long creatorRun, TableSpec spec, TableStore store) {
    /// Floats of a stored row, slots included.
    int valueLength() {
        return spec.valueLength();
    }
}
