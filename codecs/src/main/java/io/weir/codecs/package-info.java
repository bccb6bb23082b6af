/// Frame codecs that need native libraries, found as services: whoever has this module on the class path, client or
/// server, has `zstd` and `lz4` beside `deflate`.
@NullMarked
package io.weir.codecs;

import org.jspecify.annotations.NullMarked;
