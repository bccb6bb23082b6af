package io.weir.cli;

import io.weir.client.TableInfo;
import io.weir.client.Weir;
import io.weir.model.InitialRow;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `weir table create`.
@Command(
        name = "create",
        description = "Create a table. The same table with the same settings again is fine.",
        footer = {
            "  weir table create ads --dim 16 --optimizer 'adagrad(rate=0.05)' --initial-row 'normal(0,0.01)'",
            "  weir table create tower --dense 1000000 --optimizer 'adam(rate=0.001)'"
        })
final class TableCreateCommand extends TableOptions {
    @Parameters(index = "0", paramLabel = "<table>", description = "Name of the table.")
    String name = "";

    @Option(names = "--dim", paramLabel = "<n>", description = "Floats of a row, 1 to 4096. Default: ${DEFAULT-VALUE}.")
    int dim = 1;

    @Option(names = "--dense", paramLabel = "<n>", description = "One dense tensor of so many floats, instead of rows.")
    @Nullable
    Long length;

    @Option(
            names = "--optimizer",
            paramLabel = "<spec>",
            description = {OptimizerOption.FORM, OptimizerOption.PLAIN, "Default: ${DEFAULT-VALUE}."})
    String optimizer = "adagrad(rate=0.1)";

    @Option(
            names = "--initial-row",
            paramLabel = "<spec>",
            description =
                    "zero, constant(value), uniform(low,high) or normal(mean,deviation). Default: ${DEFAULT-VALUE}.")
    String initialRow = "zero";

    @Option(names = "--seed", paramLabel = "<n>", description = "Of the initial rows. Default: ${DEFAULT-VALUE}.")
    long seed;

    @Option(names = "--dry-run", description = "Say what would be done, and do nothing.")
    boolean dryRun;

    TableCreateCommand(Output output) {
        super(output);
    }

    @Override
    public Integer call() {
        spec();
        return super.call();
    }

    private TableSpec spec() {
        OptimizerSpec parsed = OptimizerSpec.parse(optimizer);
        TableSpec spec =
                length == null ? TableSpec.embedding(name, dim, parsed) : TableSpec.dense(name, length, parsed);
        return spec.withInitialRow(InitialRow.parse(initialRow), seed);
    }

    @Override
    int call(Weir weir) {
        TableSpec spec = spec();
        if (dryRun) {
            output.out()
                    .println("would create table " + name + ": "
                            + spec.optimizer().text());
            return Exit.OK;
        }
        TableInfo table = weir.create(spec);
        output.out()
                .println(
                        json
                                ? json(table).text()
                                : "table " + name + " is there: " + shapeOf(table) + ", "
                                        + spec.optimizer().text() + ", " + Quantities.ofCount(table.rowCount())
                                        + " rows");
        return Exit.OK;
    }
}
