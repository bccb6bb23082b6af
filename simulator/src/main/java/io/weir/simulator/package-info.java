/// A whole cluster on one thread: workers, servers and the network between them, played from a seed. The client, its
/// frames, the servers' control and the shards are the real ones; threads, sockets and time are played. Data flows from
/// a seed to a history, its checks, and a verdict.
@NullMarked
package io.weir.simulator;

import org.jspecify.annotations.NullMarked;
