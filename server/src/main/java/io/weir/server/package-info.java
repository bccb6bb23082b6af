/// The shell round the shards: gates, event loops, connections, the life of the process. Bytes come in from sockets,
/// are checked, and enter a shard through its gate; effects leave through the connection's buffers.
@NullMarked
package io.weir.server;

import org.jspecify.annotations.NullMarked;
