/// The vocabulary of Weir as immutable values: tables, optimizers, initial rows, the shard map, errors.
///
/// Everything here is plain data and arithmetic that client and server must agree on. Nothing here does I/O,
/// keeps state, or depends on anything but the JDK. Data flows from here outwards, never in.
@NullMarked
package io.weir.model;

import org.jspecify.annotations.NullMarked;
