package io.weir.cli;

import io.weir.client.RowBatch;
import io.weir.client.TableInfo;
import io.weir.client.Weir;
import io.weir.model.TableShape;
import java.util.ArrayList;
import java.util.List;
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

    private record Row(long key, @Nullable Integer pushCount, float[] weights, float[] slots) {}

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
            float[] weights = new float[rowLength];
            float[] slots = new float[valueLength - rowLength];
            System.arraycopy(batch.values(), i * valueLength, weights, 0, rowLength);
            System.arraycopy(batch.values(), i * valueLength + rowLength, slots, 0, slots.length);
            rows.add(new Row(batch.keys()[i], batch.pushCounts()[i], weights, slots));
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
            float[] weights = new float[rowLength];
            System.arraycopy(values, i * rowLength, weights, 0, rowLength);
            rows.add(new Row(keys[i], null, weights, new float[0]));
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

    private static String text(float[] values) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < Math.min(values.length, MOST_SHOWN); i++) {
            text.append(i == 0 ? "" : " ").append(values[i]);
        }
        return values.length > MOST_SHOWN ? text + " … (" + values.length + ")" : text.toString();
    }

    private static Json json(Row row) {
        Json json = new Json().put("key", row.key());
        if (row.pushCount() != null) {
            json.put("pushCount", Integer.toUnsignedLong(row.pushCount()));
        }
        json.put("weights", list(row.weights()));
        return row.pushCount() == null ? json : json.put("slots", list(row.slots()));
    }

    private static List<Float> list(float[] values) {
        List<Float> list = new ArrayList<>(values.length);
        for (float value : values) {
            list.add(value);
        }
        return list;
    }
}
