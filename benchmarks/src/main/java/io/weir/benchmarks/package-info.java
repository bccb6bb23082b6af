/// JMH benchmarks: kernels by themselves, scalar next to vector, at the sizes of real tables.
@NullMarked
package io.weir.benchmarks;

import org.jspecify.annotations.NullMarked;
