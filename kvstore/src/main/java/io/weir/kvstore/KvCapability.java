package io.weir.kvstore;

/// What a store may be able to do.
public enum KvCapability {
    /// Run the optimizer where the values are.
    OPTIMIZER
}
