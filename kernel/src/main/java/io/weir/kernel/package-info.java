/// Float loops over records in memory segments: optimizer updates, copies of rows, checks for non-finite values.
///
/// A record is a header, then the weights, then the slots, each slot as long as the weights. Calls take the segment
/// of all records, the offsets of the rows to touch, and the gradients, so that a loop runs over many rows. Every
/// kernel has a scalar form, which is the oracle, and a vector form that agrees with it bit for bit.
@NullMarked
package io.weir.kernel;

import org.jspecify.annotations.NullMarked;
