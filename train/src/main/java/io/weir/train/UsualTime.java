package io.weir.train;

/// What a piece of work that is done again and again usually takes. A measurement far above it counts as the most that
/// is believed, for a process that was stopped, or a machine that was busy elsewhere, measures time in which nobody
/// worked; work that has really become longer is believed within a few measurements. Confined.
final class UsualTime {
    /// A measurement counts at most so many times the usual.
    static final int MOST = 8;

    /// The share of a measurement in the usual time.
    private static final double WEIGHT = 0.25;

    private double usualNs;

    /// Takes note of a measurement and returns what of it counts, in ns.
    long believed(long tookNs) {
        long believed = usualNs > 0 ? Math.min(tookNs, (long) (MOST * usualNs)) : tookNs;
        usualNs += (usualNs > 0 ? WEIGHT : 1) * (believed - usualNs);
        return believed;
    }
}
