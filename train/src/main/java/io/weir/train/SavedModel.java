package io.weir.train;

import io.weir.client.Weir;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/// A trained model with all that training needs to go on: every row of its tables with its slots and how often it was
/// pushed. Immutable, and so thread-safe.
///
/// @param model what it is
/// @param scale by which the values in files of examples were multiplied in training; absent if that is not known
/// @param tables in the order of [Model#tables]
public record SavedModel(Model model, OptionalDouble scale, List<SavedTable> tables) {
    public SavedModel {
        if (!Double.isFinite(scale.orElse(1))) {
            throw new IllegalArgumentException("scale must be finite: scale=" + scale.getAsDouble());
        }
        tables = List.copyOf(tables);
        if (!model.tables().equals(tables.stream().map(SavedTable::spec).toList())) {
            throw new IllegalArgumentException("saved tables must be those of the model: expected="
                    + model.tables() + ", actual="
                    + tables.stream().map(SavedTable::spec).toList());
        }
    }

    /// Takes every row of the tables of a model, of whose scale nothing is known.
    public static SavedModel of(Weir weir, Model model) {
        List<SavedTable> tables = new ArrayList<>();
        model.tables().forEach(table -> tables.add(SavedTable.of(weir, table.name())));
        return new SavedModel(model, OptionalDouble.empty(), tables);
    }

    public SavedModel withScale(OptionalDouble scale) {
        return new SavedModel(model, scale, tables);
    }

    /// Reads a file that [#save] has written.
    ///
    /// @throws InputException naming the file, the offset and what was expected there, if it is missing, cut short,
    ///     damaged, or something else
    public static SavedModel read(Path file) {
        return SavedModelFile.read(file);
    }

    /// Writes the model to a temporary name beside `file`, forces it to disk, and gives it its name: whoever looks sees
    /// the whole file or the one before. Equal models make equal files.
    ///
    /// @throws InputException naming the file, if it cannot be written
    public void save(Path file) {
        SavedModelFile.write(this, file);
    }

    /// Rows of all tables together.
    public long rowCount() {
        return tables.stream().mapToLong(SavedTable::rowCount).sum();
    }

    /// The hash of the model, as [ModelHash#of(Weir, List)] has it.
    public ModelHash hash() {
        return ModelHash.of(tables.stream().map(SavedTable::hash).toList());
    }

    /// The weights of each table, for use without a server. A key without a row has the initial row of its table.
    public List<Weights> weights() {
        return tables.stream().map(SavedTable::weights).toList();
    }

    /// Creates the tables of `like`, which is this model under another name, and stores every row in them, bit for bit,
    /// so that training goes on as if it had never stopped.
    ///
    /// @throws io.weir.model.WeirException if there is one of them with another specification
    /// @throws IllegalArgumentException if one is there and has rows
    public void restore(Weir weir, Model like) {
        for (int i = 0; i < tables.size(); i++) {
            tables.get(i).restore(weir, like.tables().get(i).name());
        }
    }
}
