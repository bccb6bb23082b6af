/// A key-value store with the verbs and the meaning that users of MXNet know: [io.weir.kvstore.KvStore].
///
/// A verb becomes an operation of its key. Operations of one key follow each other; those of different keys are cut
/// into slices, and the slice of the most urgent one goes first to the client below, which numbers and sends it. Java
/// 17, no dependency but the client.
@NullMarked
package io.weir.kvstore;

import org.jspecify.annotations.NullMarked;
