/// What users write against: [io.weir.client.Weir] (a connection), [io.weir.client.Table], [io.weir.client.Run].
///
/// Calls go from a table through grouping by shard into frames, through the worker's stream, which numbers and keeps
/// pushes until they are acknowledged, to a `ShardTransport`; replies come back the same way. Java 17, no dependency.
@NullMarked
package io.weir.client;

import org.jspecify.annotations.NullMarked;
