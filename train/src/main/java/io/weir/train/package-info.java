/// Data readers, models, trainers and evaluation. Examples come in from files or generators, rows are pulled from a
/// table and gradients pushed back, scores go out. It is handed a connected `Weir` and knows nothing of servers.
@NullMarked
package io.weir.train;

import org.jspecify.annotations.NullMarked;
