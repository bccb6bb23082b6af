/// How the client does it: grouping keys by shard, frames and their pool, the worker's stream as a state machine
/// without threads, sockets or clock, and the TCP transport. Not promised to users.
@NullMarked
package io.weir.client.internal;

import org.jspecify.annotations.NullMarked;
