/// `weir bench`: what pulls and pushes reach here, beside references measured in the same run. Batches of keys go in,
/// through contenders that take turns (Weir, the bare socket, the bare loop), medians and percentiles come out.
@NullMarked
package io.weir.cli.bench;

import org.jspecify.annotations.NullMarked;
