/// The deterministic state machine of a shard: tables, worker entries, order. Events come in as method calls over a
/// frame's bytes (pull, push) or as records (control), effects go out through a sink. No threads, I/O, clock or
/// randomness: the same events give the same state and the same effects.
@NullMarked
package io.weir.shard;

import org.jspecify.annotations.NullMarked;
