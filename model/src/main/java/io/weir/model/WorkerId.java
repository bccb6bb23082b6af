package io.weir.model;

/// Who sends a push: one life of one worker of a run, or of one portion of its input. Immutable.
///
/// @param run id of the run, or a made-up one for what belongs to none
/// @param worker index of the worker, or [#PORTIONS] and the index of a portion, which is
///     multiplied by the slices of a replica, with the place of the worker in its replica added
/// @param generation which life of it
public record WorkerId(long run, int worker, int generation) {
    /// The streams of portions are numbered from here on, beyond all workers.
    public static final int PORTIONS = 1 << 20;

    /// Whether this is the stream of a portion.
    public boolean isPortion() {
        return worker >= PORTIONS;
    }
}
