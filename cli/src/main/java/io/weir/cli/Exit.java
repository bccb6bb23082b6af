package io.weir.cli;

/// What a command's exit code means.
final class Exit {
    /// It did what was asked.
    static final int OK = 0;

    /// It failed, for a reason that is none of the others: broken input, no memory.
    static final int FAILURE = 1;

    /// It was asked wrongly.
    static final int USAGE = 2;

    /// A table, a run or a file is not there.
    static final int NOT_FOUND = 3;

    /// Something is there that contradicts what was asked: a finished run, another table, another set of servers.
    static final int CONFLICT = 4;

    /// A server or a worker is not there, does not answer, or speaks another version.
    static final int UNAVAILABLE = 5;

    /// What was to be checked does not hold.
    static final int CHECK_FAILED = 6;

    private Exit() {}
}
