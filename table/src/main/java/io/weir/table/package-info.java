/// The row store of one table in one shard: a key index and an arena of records outside the heap. Keys come
/// in as segments and counts, ordinals and offsets of records go out; kernels then read and write the
/// records. Confined to the thread that is inside the shard.
@NullMarked
package io.weir.table;

import org.jspecify.annotations.NullMarked;
