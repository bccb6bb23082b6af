package io.weir.wire;

import io.weir.model.TableSpec;
import java.util.ArrayList;
import java.util.List;

/// Control messages: everything that is not a pull, a push, a load, a scan, or the reply to one. As bytes, the fields
/// of each stand in the payload in the order of its components: numbers little-endian, booleans one byte, strings and
/// lists with their length in front as an int. Immutable.
public sealed interface Message
        permits RunMessage,
                Message.Hello,
                Message.HelloReply,
                Message.Attach,
                Message.Ping,
                Message.Ok,
                Message.ServerStatus,
                Message.ServerStatusReply,
                Message.Profile,
                Message.ProfileReply,
                Message.CreateTable,
                Message.Tables,
                Message.ListTables,
                Message.DropTable,
                Message.DropTableReply {
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
    /// @param duplicates pushes and ticks that came again after they were decided, and were not applied again
    /// @param latePushes pushes whose step had been closed without their worker
    /// @param skippedRows rows of synchronous steps that were left out because their sum was not finite
    /// @param waitingPulls pulls that wait for other workers
    record ServerStatusReply(
            long memoryBytes,
            long memoryCapBytes,
            int tableCount,
            int connectionCount,
            long duplicates,
            long latePushes,
            long skippedRows,
            int waitingPulls)
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
            out.putLong(duplicates);
            out.putLong(latePushes);
            out.putLong(skippedRows);
            out.putInt(waitingPulls);
            return out.toBytes();
        }

        static ServerStatusReply decode(FieldReader in) {
            return new ServerStatusReply(
                    in.getLong("memoryBytes"),
                    in.getLong("memoryCapBytes"),
                    in.getInt("tableCount"),
                    in.getInt("connectionCount"),
                    in.getLong("duplicates"),
                    in.getLong("latePushes"),
                    in.getLong("skippedRows"),
                    in.getInt("waitingPulls"));
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

    /// Tells a server to record what it spends its time on.
    ///
    /// @param action what to do
    record Profile(Action action) implements Message {
        /// What a server can do about its profile.
        public enum Action {
            /// Begin to record, if it does not yet.
            START(1),
            /// Write what has been recorded to a file of the server's machine, and go on.
            DUMP(2),
            /// Write it and end.
            STOP(3);

            private final int number;

            Action(int number) {
                this.number = number;
            }

            private static Action ofNumber(int number) {
                for (Action action : values()) {
                    if (action.number == number) {
                        return action;
                    }
                }
                throw FieldReader.malformed("profile action must be known: action=" + number);
            }
        }

        @Override
        public int type() {
            return FrameType.PROFILE;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putByte(action.number);
            return out.toBytes();
        }

        static Profile decode(FieldReader in) {
            return new Profile(Action.ofNumber(in.getByte("action")));
        }
    }

    /// What came of a [Profile].
    ///
    /// @param file that was written on the server's machine; empty if none was
    record ProfileReply(String file) implements Message {
        @Override
        public int type() {
            return FrameType.PROFILE_REPLY;
        }

        @Override
        public byte[] toPayload() {
            FieldWriter out = new FieldWriter();
            out.putString(file);
            return out.toBytes();
        }

        static ProfileReply decode(FieldReader in) {
            return new ProfileReply(in.getString("file"));
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

    /// A table as one server knows it.
    ///
    /// @param tableId its id
    /// @param creatorRun run that created it, 0 for none
    /// @param rowCount rows on this server
    /// @param memoryBytes bytes on this server, index included
    /// @param spec what it is
    record Table(int tableId, long creatorRun, long rowCount, long memoryBytes, TableSpec spec) {
        private static final int MIN_BYTES = 48;

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
}
