package io.weir.kvstore;

/// What a push does to a stored value, in a store of one process.
public interface KvUpdater {
    /// Changes `stored` by what was pushed. Called on a thread of the store, one call at a time.
    ///
    /// @param key whose value it is
    /// @param received sum of what was pushed; not to be kept
    /// @param stored the value, to be changed in place; not to be kept
    void update(KvKey key, KvArray received, KvArray stored);
}
