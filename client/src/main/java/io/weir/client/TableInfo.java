package io.weir.client;

import io.weir.model.TableSpec;

/// A table as the servers describe it. Immutable.
///
/// @param id never given to another table of this cluster
/// @param spec what it is
/// @param creatorRun id of the run that created it, 0 if none did
/// @param rowCount rows stored now, over all shards
/// @param memoryBytes memory held by them now, index included
public record TableInfo(int id, TableSpec spec, long creatorRun, long rowCount, long memoryBytes) {}
