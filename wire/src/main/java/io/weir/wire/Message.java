package io.weir.wire;

import io.weir.model.TableSpec;
import java.util.ArrayList;
import java.util.List;

/// Control messages: everything that is not a pull, a push, a load, a scan, or the reply to one. As bytes, the fields
/// of each stand in the payload in the order of its components: numbers little-endian, booleans one byte, strings and
/// lists with their length in front as an int. Immutable.
public sealed interface Message {
    /// Number of the frame type that carries it.
    int type();

    /// The payload of this message.
    byte[] toPayload();

    /// First frame of a connection, from the client: which versions it speaks and what it is.
    ///
    /// @param minVersion oldest protocol version it speaks
    /// @param maxVersion newest protocol version it speaks
    /// @param features bits of optional features it would use; none in version 1
    /// @param software name and version, for logs
    record Hello(int minVersion, int maxVersion, long features, String software) implements Message {
        @Override
        public int type() {
            return FrameType.HELLO;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putInt(minVersion);
            out.putInt(maxVersion);
            out.putLong(features);
            out.putString(software);
            return out.toBytes();
        }

        static Hello decode(FieldReader in) {
            return new Hello(
                    in.getInt("minVersion"), in.getInt("maxVersion"), in.getLong("features"), in.getString("software"));
        }
    }

    /// The server's answer to a hello.
    ///
    /// @param version the protocol version of this connection from now on
    /// @param features bits of the features that both sides will use
    /// @param incarnation random for each start of a server process
    /// @param shardCount shards of this server
    /// @param pinnedMapHash hash of the map its tables were made with, 0 if it has none
    /// @param maxFrameBytes greatest frame it takes
    /// @param software name and version, for logs
    record HelloReply(
            int version,
            long features,
            long incarnation,
            int shardCount,
            long pinnedMapHash,
            int maxFrameBytes,
            String software)
            implements Message {
        @Override
        public int type() {
            return FrameType.HELLO_REPLY;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putInt(version);
            out.putLong(features);
            out.putLong(incarnation);
            out.putInt(shardCount);
            out.putLong(pinnedMapHash);
            out.putInt(maxFrameBytes);
            out.putString(software);
            return out.toBytes();
        }

        static HelloReply decode(FieldReader in) {
            return new HelloReply(
                    in.getInt("version"),
                    in.getLong("features"),
                    in.getLong("incarnation"),
                    in.getInt("shardCount"),
                    in.getLong("pinnedMapHash"),
                    in.getInt("maxFrameBytes"),
                    in.getString("software"));
        }
    }

    /// Tells a server its place in the client's shard map. Refused if the server's tables were made with another.
    ///
    /// @param mapVersion version of the map
    /// @param mapHash hash of the map
    /// @param firstShard first shard of this server
    /// @param shardCount shards of the whole cluster
    record Attach(int mapVersion, long mapHash, int firstShard, int shardCount) implements Message {
        @Override
        public int type() {
            return FrameType.ATTACH;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putInt(mapVersion);
            out.putLong(mapHash);
            out.putInt(firstShard);
            out.putInt(shardCount);
            return out.toBytes();
        }

        static Attach decode(FieldReader in) {
            return new Attach(
                    in.getInt("mapVersion"), in.getLong("mapHash"), in.getInt("firstShard"), in.getInt("shardCount"));
        }
    }

    /// Asks for an [Ok].
    record Ping() implements Message {
        @Override
        public int type() {
            return FrameType.PING;
        }

        @Override
        public byte[] toPayload() {
            return new byte[0];
        }
    }

    /// Done, with nothing to tell.
    record Ok() implements Message {
        @Override
        public int type() {
            return FrameType.OK;
        }

        @Override
        public byte[] toPayload() {
            return new byte[0];
        }
    }

    /// Asks for a [ServerStatusReply].
    record ServerStatus() implements Message {
        @Override
        public int type() {
            return FrameType.SERVER_STATUS;
        }

        @Override
        public byte[] toPayload() {
            return new byte[0];
        }
    }

    /// What a server holds and may hold.
    ///
    /// @param memoryBytes held by rows and index
    /// @param memoryCapBytes the most it will hold
    /// @param tableCount tables it knows
    /// @param connectionCount open connections
    record ServerStatusReply(long memoryBytes, long memoryCapBytes, int tableCount, int connectionCount)
            implements Message {
        @Override
        public int type() {
            return FrameType.SERVER_STATUS_REPLY;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putLong(memoryBytes);
            out.putLong(memoryCapBytes);
            out.putInt(tableCount);
            out.putInt(connectionCount);
            return out.toBytes();
        }

        static ServerStatusReply decode(FieldReader in) {
            return new ServerStatusReply(
                    in.getLong("memoryBytes"),
                    in.getLong("memoryCapBytes"),
                    in.getInt("tableCount"),
                    in.getInt("connectionCount"));
        }
    }

    /// Creates a table on all shards of a server; answered by [Tables]. The same again is fine.
    ///
    /// @param tableId its id, or 0 for the server to choose one; only the server of shard 0 is asked to
    /// @param creatorRun run that creates it, 0 for none
    /// @param spec what it is
    record CreateTable(int tableId, long creatorRun, TableSpec spec) implements Message {
        @Override
        public int type() {
            return FrameType.CREATE_TABLE;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putInt(tableId);
            out.putLong(creatorRun);
            TableSpecCodec.encode(spec, out);
            return out.toBytes();
        }

        static CreateTable decode(FieldReader in) {
            return new CreateTable(in.getInt("tableId"), in.getLong("creatorRun"), TableSpecCodec.decode(in));
        }
    }

    /// Tables of a server.
    ///
    /// @param tables by id
    record Tables(List<Table> tables) implements Message {
        public Tables {
            tables = List.copyOf(tables);
        }

        @Override
        public int type() {
            return FrameType.TABLES;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putInt(tables.size());
            for (Table table : tables) {
                table.encode(out);
            }
            return out.toBytes();
        }

        static Tables decode(FieldReader in) {
            int count = in.getCount("tables", Table.MIN_BYTES);
            List<Table> tables = new ArrayList<>(count);
            for (int i = 0; i < count; i++) {
                tables.add(Table.decode(in));
            }
            return new Tables(tables);
        }
    }

    /// Asks for [Tables]: all, or the one with this name.
    ///
    /// @param name of the table; empty for all
    record ListTables(String name) implements Message {
        @Override
        public int type() {
            return FrameType.LIST_TABLES;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putString(name);
            return out.toBytes();
        }

        static ListTables decode(FieldReader in) {
            return new ListTables(in.getString("name"));
        }
    }

    /// Drops a table from all shards of a server; answered by [DropTableReply].
    ///
    /// @param name of the table
    record DropTable(String name) implements Message {
        @Override
        public int type() {
            return FrameType.DROP_TABLE;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putString(name);
            return out.toBytes();
        }

        static DropTable decode(FieldReader in) {
            return new DropTable(in.getString("name"));
        }
    }

    /// Whether the table was there.
    ///
    /// @param dropped false if there was none
    record DropTableReply(boolean dropped) implements Message {
        @Override
        public int type() {
            return FrameType.DROP_TABLE_REPLY;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putBoolean(dropped);
            return out.toBytes();
        }

        static DropTableReply decode(FieldReader in) {
            return new DropTableReply(in.getBoolean("dropped"));
        }
    }

    /// Asks the home shard of a run for membership.
    ///
    /// @param shard the home shard
    /// @param name of the run
    /// @param worker index of the worker
    /// @param workerCount workers of the run
    /// @param continued whether a finished run may be taken up again
    record JoinRun(int shard, String name, int worker, int workerCount, boolean continued) implements Message {
        @Override
        public int type() {
            return FrameType.JOIN_RUN;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putInt(shard);
            out.putString(name);
            out.putInt(worker);
            out.putInt(workerCount);
            out.putBoolean(continued);
            return out.toBytes();
        }

        static JoinRun decode(FieldReader in) {
            return new JoinRun(
                    in.getInt("shard"),
                    in.getString("name"),
                    in.getInt("worker"),
                    in.getInt("workerCount"),
                    in.getBoolean("continued"));
        }
    }

    /// The worker is a member.
    ///
    /// @param generation which life of the worker this is, from 1
    record JoinRunReply(int generation) implements Message {
        @Override
        public int type() {
            return FrameType.JOIN_RUN_REPLY;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putInt(generation);
            return out.toBytes();
        }

        static JoinRunReply decode(FieldReader in) {
            return new JoinRunReply(in.getInt("generation"));
        }
    }

    /// Opens a worker's entry on all shards of a server, or a new generation of it, which fences the older ones.
    ///
    /// @param run id of the run
    /// @param worker index of the worker
    /// @param generation which life of it
    record OpenWorker(long run, int worker, int generation) implements Message {
        @Override
        public int type() {
            return FrameType.OPEN_WORKER;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putLong(run);
            out.putInt(worker);
            out.putInt(generation);
            return out.toBytes();
        }

        static OpenWorker decode(FieldReader in) {
            return new OpenWorker(in.getLong("run"), in.getInt("worker"), in.getInt("generation"));
        }
    }

    /// Where the worker stands on each shard of the server.
    ///
    /// @param entries by shard
    record OpenWorkerReply(List<Entry> entries) implements Message {
        public OpenWorkerReply {
            entries = List.copyOf(entries);
        }

        @Override
        public int type() {
            return FrameType.OPEN_WORKER_REPLY;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putInt(entries.size());
            for (Entry entry : entries) {
                entry.encode(out);
            }
            return out.toBytes();
        }

        static OpenWorkerReply decode(FieldReader in) {
            int count = in.getCount("entries", Entry.MIN_BYTES);
            List<Entry> entries = new ArrayList<>(count);
            for (int i = 0; i < count; i++) {
                entries.add(Entry.decode(in));
            }
            return new OpenWorkerReply(entries);
        }
    }

    /// Closes a worker's entry on all shards of a server; at the home shard of its run it leaves, or has finished.
    ///
    /// @param run id of the run
    /// @param worker index of the worker
    /// @param generation which life of it
    /// @param finished whether it has done its part
    record CloseWorker(long run, int worker, int generation, boolean finished) implements Message {
        @Override
        public int type() {
            return FrameType.CLOSE_WORKER;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putLong(run);
            out.putInt(worker);
            out.putInt(generation);
            out.putBoolean(finished);
            return out.toBytes();
        }

        static CloseWorker decode(FieldReader in) {
            return new CloseWorker(
                    in.getLong("run"), in.getInt("worker"), in.getInt("generation"), in.getBoolean("finished"));
        }
    }

    /// Asks the home shard how a run stands.
    ///
    /// @param shard the home shard
    /// @param name of the run
    record RunStatus(int shard, String name) implements Message {
        @Override
        public int type() {
            return FrameType.RUN_STATUS;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putInt(shard);
            out.putString(name);
            return out.toBytes();
        }

        static RunStatus decode(FieldReader in) {
            return new RunStatus(in.getInt("shard"), in.getString("name"));
        }
    }

    /// How a run stands.
    ///
    /// @param members by worker index
    record RunStatusReply(List<Member> members) implements Message {
        public RunStatusReply {
            members = List.copyOf(members);
        }

        @Override
        public int type() {
            return FrameType.RUN_STATUS_REPLY;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putInt(members.size());
            for (Member member : members) {
                member.encode(out);
            }
            return out.toBytes();
        }

        static RunStatusReply decode(FieldReader in) {
            int count = in.getCount("members", Member.MIN_BYTES);
            List<Member> members = new ArrayList<>(count);
            for (int i = 0; i < count; i++) {
                members.add(Member.decode(in));
            }
            return new RunStatusReply(members);
        }
    }

    /// A table as one server knows it.
    ///
    /// @param tableId its id
    /// @param creatorRun run that created it, 0 for none
    /// @param rowCount rows on this server
    /// @param memoryBytes bytes on this server, index included
    /// @param spec what it is
    record Table(int tableId, long creatorRun, long rowCount, long memoryBytes, TableSpec spec) {
        private static final int MIN_BYTES = 52;

        void encode(FieldWriter out) {
            out.putInt(tableId);
            out.putLong(creatorRun);
            out.putLong(rowCount);
            out.putLong(memoryBytes);
            TableSpecCodec.encode(spec, out);
        }

        static Table decode(FieldReader in) {
            return new Table(
                    in.getInt("tableId"),
                    in.getLong("creatorRun"),
                    in.getLong("rowCount"),
                    in.getLong("memoryBytes"),
                    TableSpecCodec.decode(in));
        }
    }

    /// A worker's entry on one shard.
    ///
    /// @param shard the shard
    /// @param clock its clock there
    /// @param lastNumber its last number there
    /// @param numberAtClock its last number when that clock was reached
    record Entry(int shard, long clock, long lastNumber, long numberAtClock) {
        private static final int MIN_BYTES = 28;

        void encode(FieldWriter out) {
            out.putInt(shard);
            out.putLong(clock);
            out.putLong(lastNumber);
            out.putLong(numberAtClock);
        }

        static Entry decode(FieldReader in) {
            return new Entry(
                    in.getInt("shard"), in.getLong("clock"), in.getLong("lastNumber"), in.getLong("numberAtClock"));
        }
    }

    /// One worker of a run.
    ///
    /// @param state 0 missing, 1 active, 2 left, 3 finished
    /// @param generation its current life, 0 if it never joined
    /// @param number its last push that the home shard has seen
    /// @param clock its clock at the home shard
    record Member(int state, int generation, long number, long clock) {
        private static final int MIN_BYTES = 24;

        void encode(FieldWriter out) {
            out.putInt(state);
            out.putInt(generation);
            out.putLong(number);
            out.putLong(clock);
        }

        static Member decode(FieldReader in) {
            return new Member(in.getInt("state"), in.getInt("generation"), in.getLong("number"), in.getLong("clock"));
        }
    }
}
