package io.weir.cli.bench;

import org.HdrHistogram.Histogram;

/// Weir itself, through one of its public interfaces.
abstract sealed class ClientContender implements Contender permits KvContender, WeirContender {
    private final long rowsOfUnit;
    private final long payloadBytes;

    /// @param rowsOfUnit rows that one unit moves, or floats for a dense tensor
    /// @param payloadBytes bytes that one unit moves, both ways together
    ClientContender(long rowsOfUnit, long payloadBytes) {
        this.rowsOfUnit = rowsOfUnit;
        this.payloadBytes = payloadBytes;
    }

    @Override
    public final String name() {
        return "weir";
    }

    @Override
    public final Measurement run(long durationNs) {
        Histogram latenciesNs = Measurement.newHistogram();
        long startNs = System.nanoTime();
        long units = repeat(durationNs, startNs, latenciesNs);
        return new Measurement(units * rowsOfUnit, units * payloadBytes, System.nanoTime() - startNs, latenciesNs);
    }

    /// Does units until `durationNs` have passed since `startNs`, waits for those in flight, and records how long each
    /// takes.
    ///
    /// @return the units that were done
    abstract long repeat(long durationNs, long startNs, Histogram latenciesNs);
}
