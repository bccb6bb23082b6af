package io.weir.wire;

/// Numbers of the frame types. A number is never given to another meaning; requests are even, replies odd.
public final class FrameType {
    public static final int HELLO = 2;
    public static final int HELLO_REPLY = 3;
    public static final int ATTACH = 4;
    public static final int PING = 6;
    public static final int OK = 7;
    public static final int ERROR = 9;
    public static final int SERVER_STATUS = 10;
    public static final int SERVER_STATUS_REPLY = 11;
    public static final int LIST_RUNS = 12;
    public static final int RUNS = 13;

    public static final int PROFILE = 14;
    public static final int PROFILE_REPLY = 15;
    public static final int CREATE_TABLE = 20;
    public static final int TABLES = 21;
    public static final int LIST_TABLES = 22;
    public static final int DROP_TABLE = 24;
    public static final int DROP_TABLE_REPLY = 25;

    public static final int JOIN_RUN = 30;
    public static final int JOIN_RUN_REPLY = 31;
    public static final int OPEN_WORKER = 32;
    public static final int OPEN_WORKER_REPLY = 33;
    public static final int CLOSE_WORKER = 34;
    public static final int RUN_STATUS = 36;
    public static final int RUN_STATUS_REPLY = 37;
    public static final int OPEN_RUN = 38;
    public static final int HEARTBEAT = 40;
    public static final int MEMBERS = 41;
    public static final int UPDATE_MEMBERS = 42;
    public static final int COMPLETE_STEP = 44;
    public static final int STEP_CLOSED = 45;
    public static final int CLOSE_STEP = 46;
    public static final int BARRIER = 48;
    public static final int NEXT_PORTION = 70;
    public static final int PORTION = 71;
    public static final int BEGIN_PASS = 72;
    public static final int PASS_DONE = 73;

    public static final int PULL = 50;
    public static final int ROWS = 51;
    public static final int PUSH = 52;
    public static final int ACK = 53;
    public static final int PUSH_PULL = 54;
    public static final int LOAD = 56;
    public static final int SCAN = 58;
    public static final int SCAN_REPLY = 59;

    /// The end of a worker's minibatch, which goes to every shard of a run.
    public static final int TICK = 60;

    /// Rows as a [ValueType] has them.
    public static final int ENCODED_ROWS = 61;

    /// Changes a dense table as a vector; REDUCE sums over one, and is answered by PARTIALS, a sum for each block.
    public static final int TRANSFORM = 62;

    public static final int REDUCE = 64;
    public static final int PARTIALS = 65;

    private FrameType() {}

    /// Whether frames of this type carry the fields of [DataLayout] and go to one shard.
    public static boolean isData(int type) {
        return type == PULL
                || type == PUSH
                || type == PUSH_PULL
                || type == LOAD
                || type == SCAN
                || type == TICK
                || isVector(type);
    }

    /// Whether frames of this type carry a number and change the shard.
    public static boolean isNumbered(int type) {
        return type == PUSH || type == PUSH_PULL || type == LOAD || type == TICK || type == TRANSFORM;
    }

    /// Whether frames of this type carry the payload of [VectorLayout].
    public static boolean isVector(int type) {
        return type == TRANSFORM || type == REDUCE;
    }
}
