package io.weir.shard;

/// Mistakes that a shard can be told to make, or a client that is simulated, so that tests can show that they would be
/// noticed. A shard in use makes none of them.
public enum PlantedBug {
    /// A push that was decided before is applied again.
    DUPLICATE_APPLIED,
    /// A push is applied although the one before it is missing.
    GAP_ACCEPTED,
    /// Opening a worker takes the client's position, which begins at 0, for the shard's.
    POSITION_ADOPTED,
    /// A refusal for content does not use up the number.
    REJECTED_NOT_CONSUMED,
    /// A refusal for load uses up the number.
    LOAD_REFUSAL_CONSUMED,
    /// A push is applied up to the row that is refused.
    HALF_APPLIED,
    /// A step is closed when so many messages have come, whoever sent them.
    MESSAGES_COUNTED,
    /// Gradients of a step are folded in the order of their arrival.
    ARRIVAL_ORDER,
    /// A shard folds what it has of a step, whoever the record says took part.
    OWN_CONTRIBUTORS,
    /// A push that came too late for its step is applied at once.
    LATE_APPLIED,
    /// A pull may be one clock staler than the run allows.
    STALENESS_OFF_BY_ONE,
    /// A worker that was fenced still moves its clock.
    FENCED_TICK_COUNTED,
    /// A pull that waits is not answered when its time has come.
    PARKED_NEVER_WOKEN,
    /// A portion whose holder died begins anew under an identity of its own.
    PORTION_COUNTED_TWICE,
    /// The id of a dropped table is given to the next one.
    TABLE_ID_REUSED,
    /// A worker that goes on after a restart is told the number of its last push instead of that at its clock.
    RESTART_SKIPS,
    /// A client forgets a push that there was no memory for, and does not withdraw it: an older copy may still come.
    WITHDRAWAL_SKIPPED,
    /// A push whose keys the shard has forgotten uses up its number.
    FORGOTTEN_KEYS_CONSUMED,
    /// A vector operation that was decided before is applied again.
    TRANSFORM_REPEATED,
    /// Each copy of a portion's part in a pass counts, and not only the first.
    BOTH_COPIES_COUNTED
}
