package io.weir.table;

/// What a store says about a change before anything is changed.
public enum CheckResult {
    /// The change will succeed; the memory it needs is reserved.
    OK,
    /// A value, or the sum of the gradients of a repeated key, is NaN or infinite. [TableStore#failedRow]
    /// says where.
    NON_FINITE,
    /// The rows to create do not fit into the memory budget.
    OUT_OF_MEMORY
}
