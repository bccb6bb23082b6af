package io.weir.table;

import io.weir.model.VectorOperation;

/// A vector operation on whole blocks of a dense table. The stores are shared.
///
/// @param operation one that changes the table
/// @param other the table of `x`, with its blocks beside those of the one that is changed; that one where there is none
/// @param offset first float of a block of the table that is changed
/// @param count floats
public record VectorChange(VectorOperation operation, double scalar, TableStore other, long offset, long count) {}
