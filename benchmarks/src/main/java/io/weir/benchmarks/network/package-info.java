/// Which network library carries the server: the same raw request pattern served by the JDK's channels and by Netty,
/// measured by one client. Settings come in as text, servers run as processes of their own, a table of figures goes
/// out; see `docs/decisions/0001-network-library.md`.
@NullMarked
package io.weir.benchmarks.network;

import org.jspecify.annotations.NullMarked;
