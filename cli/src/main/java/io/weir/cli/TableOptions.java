package io.weir.cli;

import io.weir.client.TableInfo;
import io.weir.client.Weir;
import io.weir.model.ErrorCode;
import io.weir.model.TableShape;
import io.weir.model.WeirException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// What the commands on tables have in common.
abstract class TableOptions extends WeirOptions {
    @Option(
            names = "--servers",
            paramLabel = "<host:port,...>",
            description = ServerOptions.DESCRIPTION + " Default: ${DEFAULT-VALUE}.")
    String servers = "127.0.0.1:7700";

    @Option(names = "--json", description = "Print one JSON object.")
    boolean json;

    TableOptions(Output output) {
        super(output);
    }

    @Override
    public Integer call() {
        try (Weir weir = Weir.connect(servers)) {
            return call(weir);
        }
    }

    abstract int call(Weir weir);

    static TableInfo describe(Weir weir, String name) {
        return weir.describe(name)
                .orElseThrow(() -> new WeirException(
                        ErrorCode.UNKNOWN_TABLE,
                        "no table has this name: table=" + name + "; 'weir table ls' shows those that are there"));
    }

    static String shapeOf(TableInfo table) {
        return switch (table.spec().shape()) {
            case TableShape.Embedding embedding -> "dim " + embedding.dim();
            case TableShape.Dense dense -> "dense " + dense.length();
        };
    }

    static Json json(TableInfo table) {
        Json json = new Json().put("name", table.spec().name()).put("id", table.id());
        switch (table.spec().shape()) {
            case TableShape.Embedding embedding -> json.put("kind", "embedding").put("dim", embedding.dim());
            case TableShape.Dense dense ->
                json.put("kind", "dense")
                        .put("length", dense.length())
                        .put("blockLength", dense.blockLength())
                        .put("placement", dense.placement().isEmpty() ? null : dense.placement());
        }
        return json.put("optimizer", table.spec().optimizer().text())
                .put("slots", table.spec().optimizer().slotCount())
                .put(
                        "slotFloats",
                        table.spec().optimizer().slotLength(table.spec().rowLength()))
                .put("initialRow", table.spec().initialRow().text())
                .put("seed", table.spec().seed())
                .put("creatorRun", creatorOf(table))
                .put("rows", table.rowCount())
                .put("memoryBytes", table.memoryBytes());
    }

    /// The id of the run that created the table, in hexadecimal, or null.
    static @Nullable String creatorOf(TableInfo table) {
        return table.creatorRun() == 0 ? null : String.format("%016x", table.creatorRun());
    }

    /// Prints rows of text in columns, the first row being the heads; columns of numbers stand to the right.
    void printColumns(List<List<String>> lines, boolean... right) {
        Columns.print(output.out(), lines, right);
    }
}
