/// Client and server in one process: a transport that enters the shards directly, with no socket and no checksum.
@NullMarked
package io.weir.embedded;

import org.jspecify.annotations.NullMarked;
