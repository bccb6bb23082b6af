package io.weir.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/// What a table is: its name, shape, optimizer and initial row. Immutable; equal specifications make equal
/// tables.
///
/// @param name letters, digits and `. _ - /`, at most [#MAX_NAME_LENGTH], beginning with a letter or digit
/// @param shape what its keys mean
/// @param optimizer what a pushed gradient does
/// @param initialRow what a row reads as before its first push
/// @param seed of the initial rows
public record TableSpec(String name, TableShape shape, OptimizerSpec optimizer, InitialRow initialRow, long seed) {
    /// Longest name, in characters.
    public static final int MAX_NAME_LENGTH = 200;

    public TableSpec {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(shape, "shape");
        Objects.requireNonNull(optimizer, "optimizer");
        Objects.requireNonNull(initialRow, "initialRow");
        Names.require("table", name);
        if (shape instanceof TableShape.Dense dense && optimizer.needsWholeRow() && dense.blockCount() > 1) {
            throw new IllegalArgumentException(
                    "an optimizer that needs the whole gradient of a tensor keeps it in one block, of at most "
                            + TableShape.Dense.MAX_BLOCK_LENGTH + " floats: length=" + dense.length()
                            + ", blockLength=" + dense.blockLength() + ", optimizer=" + optimizer.text() + ", table="
                            + name);
        }
    }

    /// An embedding table whose rows start as zeros.
    public static TableSpec embedding(String name, int dim, OptimizerSpec optimizer) {
        return new TableSpec(name, new TableShape.Embedding(dim), optimizer, new InitialRow.Zero(), 0);
    }

    /// A dense table of zeros, in blocks of the default length; in one block if the optimizer needs that.
    ///
    /// @throws IllegalArgumentException if the length is none of a dense table, or more than the one block holds
    public static TableSpec dense(String name, long length, OptimizerSpec optimizer) {
        int most = optimizer.needsWholeRow() ? TableShape.Dense.MAX_BLOCK_LENGTH : TableShape.DEFAULT_BLOCK_LENGTH;
        int blockLength = (int) Math.min(most, (length + 15) / 16 * 16);
        return new TableSpec(
                name, new TableShape.Dense(length, Math.max(16, blockLength)), optimizer, new InitialRow.Zero(), 0);
    }

    /// The same table under another name.
    public TableSpec named(String name) {
        return new TableSpec(name, shape, optimizer, initialRow, seed);
    }

    /// The same table with other initial rows.
    public TableSpec withInitialRow(InitialRow initialRow, long seed) {
        return new TableSpec(name, shape, optimizer, initialRow, seed);
    }

    /// The same dense table, placed like all that have this placement, see [TableShape.Dense].
    ///
    /// @throws IllegalArgumentException if the table is not dense
    public TableSpec withPlacement(String placement) {
        if (shape instanceof TableShape.Dense d) {
            return new TableSpec(
                    name, new TableShape.Dense(d.length(), d.blockLength(), placement), optimizer, initialRow, seed);
        }
        throw new IllegalArgumentException("only a dense table has a placement: table=" + name);
    }

    /// Floats in one stored row, without slots.
    public int rowLength() {
        return shape.rowLength();
    }

    /// Floats of one stored row, its slots included.
    public int valueLength() {
        return Math.addExact(rowLength(), optimizer.slotLength(rowLength()));
    }

    /// What differs from `other`, as `dim: here 8, there 16`; empty if nothing does.
    public List<String> differencesTo(TableSpec other) {
        List<String> differences = new ArrayList<>();
        addDifference(differences, "name", name, other.name);
        addDifference(differences, "shape", shape, other.shape);
        addDifference(differences, "optimizer", optimizer.text(), other.optimizer.text());
        addDifference(differences, "initial row", initialRow, other.initialRow);
        addDifference(differences, "seed", seed, other.seed);
        return differences;
    }

    private static void addDifference(List<String> differences, String what, Object here, Object there) {
        if (!here.equals(there)) {
            differences.add(what + ": here " + here + ", there " + there);
        }
    }
}
