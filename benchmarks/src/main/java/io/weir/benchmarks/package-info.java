/// JMH benchmarks, each beside a reference in the same run.
@NullMarked
package io.weir.benchmarks;

import org.jspecify.annotations.NullMarked;
