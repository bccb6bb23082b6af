package io.weir.cli;

import io.weir.client.RowBatch;
import io.weir.client.TableInfo;
import io.weir.client.Weir;
import io.weir.model.TableShape;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `weir table rows`.
@Command(
        name = "rows",
        description = {
            "Show rows of a table: those of some keys, as a pull reads them, or the first that a scan finds, with",
            "their optimizer slots and how often each was pushed."
        },
        footer = {"  weir table rows ctr", "  weir table rows ctr --keys 1,2,-1", "  weir table rows ctr -n 100 --json"
        })
final class TableRowsCommand extends TableOptions {
    private static final int MOST_SHOWN = 8;

    @Parameters(index = "0", paramLabel = "<table>", description = "Name of the table.")
    String name = "";

    @Option(names = "--keys", paramLabel = "<key,...>", description = "64-bit keys, with or without sign.")
    @Nullable
    String keys;

    @Option(
            names = {"-n", "--count"},
            paramLabel = "<n>",
            description = "Rows of the scan to show. Default: ${DEFAULT-VALUE}.")
    int count = 10;

    TableRowsCommand(Output output) {
        super(output);
    }

    /// Ends a scan that has found enough.
    private static final class EnoughException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        EnoughException() {
            super(null, null, false, false);
        }
    }

    private record Row(long key, @Nullable Integer pushCount, List<Float> weights, List<Float> slots) {}

    @Override
    int call(Weir weir) {
        if (count < 1) {
            throw new IllegalArgumentException("count must be at least 1: count=" + count);
        }
        TableInfo table = describe(weir, name);
        List<Row> rows = keys == null ? scan(weir, table) : pull(weir, table, parse(keys));
        if (json) {
            output.out()
                    .println(new Json()
                            .put("table", name)
                            .put(
                                    "rows",
                                    rows.stream().map(TableRowsCommand::json).toList())
                            .text());
            return Exit.OK;
        }
        List<List<String>> lines = new ArrayList<>();
        lines.add(List.of("KEY", "PUSHES", "WEIGHTS", "SLOTS"));
        for (Row row : rows) {
            lines.add(List.of(
                    Long.toString(row.key()),
                    row.pushCount() == null ? "-" : Integer.toUnsignedString(row.pushCount()),
                    text(row.weights()),
                    keys == null ? text(row.slots()) : "-"));
        }
        printColumns(lines, true, true, false, false);
        return Exit.OK;
    }

    private List<Row> scan(Weir weir, TableInfo table) {
        List<Row> rows = new ArrayList<>();
        int rowLength = table.spec().rowLength();
        try {
            weir.scan(name, batch -> take(batch, rowLength, rows));
        } catch (EnoughException e) {
            // That is how it ends if there are more.
        }
        return rows;
    }

    private void take(RowBatch batch, int rowLength, List<Row> rows) {
        int valueLength = batch.valueLength();
        for (int i = 0; i < batch.count(); i++) {
            if (rows.size() == count) {
                throw new EnoughException();
            }
            int at = i * valueLength;
            rows.add(new Row(
                    batch.keys()[i],
                    batch.pushCounts()[i],
                    list(batch.values(), at, rowLength),
                    list(batch.values(), at + rowLength, valueLength - rowLength)));
        }
    }

    private List<Row> pull(Weir weir, TableInfo table, long[] keys) {
        if (table.spec().shape() instanceof TableShape.Dense) {
            throw new IllegalArgumentException(
                    "a dense table has blocks instead of keys: table=" + name + "; leave out --keys");
        }
        int rowLength = table.spec().rowLength();
        float[] values = weir.table(name).pull(keys);
        List<Row> rows = new ArrayList<>();
        for (int i = 0; i < keys.length; i++) {
            rows.add(new Row(keys[i], null, list(values, i * rowLength, rowLength), List.of()));
        }
        return rows;
    }

    private static long[] parse(String keys) {
        String[] texts = keys.split(",", -1);
        long[] parsed = new long[texts.length];
        for (int i = 0; i < texts.length; i++) {
            String text = texts[i].strip();
            try {
                parsed[i] = text.startsWith("-") ? Long.parseLong(text) : Long.parseUnsignedLong(text);
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException("keys must be whole numbers of 64 bits: key='" + text + "'", e);
            }
        }
        return parsed;
    }

    private static List<Float> list(float[] values, int from, int count) {
        List<Float> list = new ArrayList<>(count);
        for (int i = from; i < from + count; i++) {
            list.add(values[i]);
        }
        return list;
    }

    private static String text(List<Float> values) {
        String shown = values.stream().limit(MOST_SHOWN).map(String::valueOf).collect(Collectors.joining(" "));
        return values.size() > MOST_SHOWN ? shown + " … (" + values.size() + ")" : shown;
    }

    private static Json json(Row row) {
        Json json = new Json().put("key", row.key());
        if (row.pushCount() == null) {
            return json.put("weights", row.weights());
        }
        return json.put("pushCount", Integer.toUnsignedLong(row.pushCount()))
                .put("weights", row.weights())
                .put("slots", row.slots());
    }
}
