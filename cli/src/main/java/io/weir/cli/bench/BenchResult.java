package io.weir.cli.bench;

import java.io.PrintStream;
import java.io.StringWriter;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/// What a run of `weir bench` found. Immutable.
///
/// Of a tensor rows are floats.
///
/// @param bareSocket absent when everything was in one process
/// @param stream one way only, nothing asked for; absent when everything was in one process
public record BenchResult(
        BenchConfig config,
        Medians weir,
        @Nullable Medians bareSocket,
        Medians bareLoop,
        @Nullable Medians stream) {

    /// Rows per second of Weir in those of the bare loop.
    public double ratioToBareLoop() {
        return weir.rowsPerSecond() / bareLoop.rowsPerSecond();
    }

    /// Prints a table for people.
    public void print(PrintStream out) {
        String unit = config.mode().isDense() ? "M floats/s" : "M rows/s";
        out.printf(
                Locale.ROOT,
                "%-12s %10s %21s %8s %10s %10s %10s%n",
                name(config.mode()),
                unit,
                "lowest to highest",
                "GB/s",
                "p50 us",
                "p99 us",
                "p99.9 us");
        printLine(out, weir);
        if (bareSocket != null) {
            printLine(out, bareSocket);
        }
        printLine(out, bareLoop);
        if (stream != null) {
            out.printf(Locale.ROOT, "%-12s %10s %21s %8.2f%n", stream.name(), "", "", stream.gigabytesPerSecond());
        }
        if (bareSocket != null) {
            out.printf(Locale.ROOT, "%.2f of the bare socket, ", weir.rowsPerSecond() / bareSocket.rowsPerSecond());
        }
        out.printf(
                Locale.ROOT,
                "%.2f of the bare loop; medians of %d repetitions, %d in flight%n",
                ratioToBareLoop(),
                weir.repetitions(),
                config.inFlight());
    }

    private static void printLine(PrintStream out, Medians medians) {
        out.printf(
                Locale.ROOT,
                "%-12s %10.3f %10.3f %10.3f %8.2f %10.1f %10.1f %10.1f%n",
                medians.name(),
                medians.rowsPerSecond() / 1e6,
                medians.lowestRowsPerSecond() / 1e6,
                medians.highestRowsPerSecond() / 1e6,
                medians.gigabytesPerSecond(),
                medians.p50Micros(),
                medians.p99Micros(),
                medians.p999Micros());
    }

    /// One JSON object, on one line.
    public String toJson() {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = new JsonFactory().createGenerator(ObjectWriteContext.empty(), text)) {
            json.writeStartObject();
            json.writeStringProperty("mode", name(config.mode()));
            json.writeBooleanProperty("embedded", config.embedded());
            json.writeNumberProperty("keys", config.keyCount());
            json.writeNumberProperty("dim", config.dim());
            json.writeNumberProperty("batch", config.batchLength());
            json.writeNumberProperty("zipf", config.zipf());
            json.writeNumberProperty("inFlight", config.inFlight());
            json.writeNumberProperty("shards", config.shardCount());
            json.writeNumberProperty("denseLength", config.denseLength());
            json.writeNumberProperty("repetitions", config.repetitions());
            json.writeNumberProperty("rowsPerSecond", weir.rowsPerSecond());
            json.writeNumberProperty("lowestRowsPerSecond", weir.lowestRowsPerSecond());
            json.writeNumberProperty("highestRowsPerSecond", weir.highestRowsPerSecond());
            json.writeNumberProperty("gigabytesPerSecond", weir.gigabytesPerSecond());
            json.writeNumberProperty("p50Micros", weir.p50Micros());
            json.writeNumberProperty("p99Micros", weir.p99Micros());
            json.writeNumberProperty("p999Micros", weir.p999Micros());
            writeReference(json, "bareSocket", bareSocket);
            writeReference(json, "bareLoop", bareLoop);
            json.writeName("bareSocketStreamGigabytesPerSecond");
            if (stream == null) {
                json.writeNull();
            } else {
                json.writeNumber(stream.gigabytesPerSecond());
            }
            json.writeName("ratioToBareSocket");
            if (bareSocket == null) {
                json.writeNull();
            } else {
                json.writeNumber(weir.rowsPerSecond() / bareSocket.rowsPerSecond());
            }
            json.writeNumberProperty("ratioToBareLoop", ratioToBareLoop());
            json.writeEndObject();
        }
        return text.toString();
    }

    private static void writeReference(JsonGenerator json, String name, @Nullable Medians medians) {
        writeFigure(json, name + "RowsPerSecond", medians, medians == null ? 0 : medians.rowsPerSecond());
        writeFigure(json, name + "LowestRowsPerSecond", medians, medians == null ? 0 : medians.lowestRowsPerSecond());
        writeFigure(json, name + "HighestRowsPerSecond", medians, medians == null ? 0 : medians.highestRowsPerSecond());
        writeFigure(json, name + "GigabytesPerSecond", medians, medians == null ? 0 : medians.gigabytesPerSecond());
        writeFigure(json, name + "P50Micros", medians, medians == null ? 0 : medians.p50Micros());
        writeFigure(json, name + "P99Micros", medians, medians == null ? 0 : medians.p99Micros());
    }

    private static void writeFigure(JsonGenerator json, String name, @Nullable Medians medians, double value) {
        json.writeName(name);
        if (medians == null) {
            json.writeNull();
        } else {
            json.writeNumber(value);
        }
    }

    private static String name(BenchMode mode) {
        return mode.name().toLowerCase(Locale.ROOT);
    }
}
