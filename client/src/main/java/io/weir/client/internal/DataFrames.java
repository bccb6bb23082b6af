package io.weir.client.internal;

import io.weir.client.RowBatch;
import io.weir.model.ShardMap;
import io.weir.model.TableShape;
import io.weir.model.VectorOperation;
import io.weir.wire.DataLayout;
import io.weir.wire.FrameLayout;
import io.weir.wire.FrameType;
import io.weir.wire.KeyListHash;
import io.weir.wire.Limits;
import io.weir.wire.RowLayout;
import io.weir.wire.ValueType;
import io.weir.wire.VectorLayout;
import java.nio.ByteBuffer;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Makes the data frames of a session's calls and sends them. A call whose part for a shard does not fit a frame goes
/// in rounds: each sends at most one frame to each shard, and those of a push have one number. Thread-safe.
final class DataFrames {
    private final ShardTransport transport;
    private final RequestPool pool;
    private final Calls calls;
    private final int mapVersion;
    private final int shardCount;
    private final int[] serverOfShard;

    /// @param calls where a push waits for room in its stream
    DataFrames(ShardTransport transport, RequestPool pool, Calls calls) {
        this.transport = transport;
        this.pool = pool;
        this.calls = calls;
        ShardMap map = transport.map();
        this.mapVersion = map.version();
        this.shardCount = map.shardCount();
        this.serverOfShard = new int[shardCount];
        for (int shard = 0; shard < shardCount; shard++) {
            serverOfShard[shard] = map.serverOf(shard);
        }
    }

    // ---- what a call sends ----

    /// Sends keys, and their gradients if it is a push: to each shard those that it holds.
    ///
    /// @param stream whose push it is; of a pull, whose clock it shows, null for nobody's
    void sendKeys(
            int type,
            Call call,
            TableView table,
            @Nullable WorkerStream stream,
            long[] keys,
            int from,
            int count,
            float @Nullable [] gradients,
            int gradientsFrom) {
        Grouping grouping = call.grouping();
        grouping.group(keys, from, count, shardCount);
        int rowLength = table.spec().rowLength();
        PushEncoder encoder = gradients == null ? null : table.encoder();
        int most = mostKeys(encoder == null ? rowLength : 2 * rowLength);
        WorkerStream numbering = gradients == null ? null : Objects.requireNonNull(stream, "stream");
        boolean more = true;
        for (int round = 0; more; round++) {
            if (numbering != null) {
                calls.lockWithRoom(numbering, call);
            }
            try {
                more = false;
                long number = numbering == null ? 0 : numbering.nextNumber();
                for (int shard = 0; shard < shardCount; shard++) {
                    int start = grouping.startOf(shard) + round * most;
                    int end = Math.min(grouping.endOf(shard), start + most);
                    if (start >= end) {
                        continue;
                    }
                    more |= end < grouping.endOf(shard);
                    int keyCount = end - start;
                    int keyBytes = keyCount * Long.BYTES;
                    SentKeyLists lists = stream == null ? null : stream.keyLists(shard);
                    long payloadBytes = encoder == null
                            ? DataLayout.payloadBytes(type, DataLayout.LAYOUT_KEYS, keyCount, rowLength, 0)
                            : keyBytes + encoder.maxBytes(keyCount * rowLength);
                    Request request = request(call, shard, type, table, start, keyCount, payloadBytes, -1);
                    ByteBuffer frame = request.frame();
                    grouping.putKeys(keys, from, start, end, frame, DataLayout.PAYLOAD_OFFSET);
                    if (lists != null && hideKeys(call, request, lists, keyCount)) {
                        payloadBytes += KeyListHash.BYTES - keyBytes;
                        keyBytes = KeyListHash.BYTES;
                        request.setPayload(payloadBytes);
                    }
                    int valuesAt = DataLayout.PAYLOAD_OFFSET + keyBytes;
                    if (gradients != null && encoder != null) {
                        int valueBytes = encoder.putRows(
                                grouping, keys, from, gradients, gradientsFrom, start, end, frame, valuesAt);
                        payloadBytes = (long) keyBytes + valueBytes;
                        request.setPayload(payloadBytes);
                    } else if (gradients != null) {
                        int rowsAt = valuesAt / Float.BYTES;
                        grouping.putRows(gradients, gradientsFrom, rowLength, start, end, request.floats(), rowsAt);
                    }
                    send(call, request, shard, payloadBytes, stream, number, table.clockGroup());
                }
            } finally {
                if (numbering != null) {
                    numbering.lock().unlock();
                }
            }
        }
    }

    /// Sends the keys of a frame as their hash if the shard keeps their list, or asks it to keep the list.
    ///
    /// @return whether they go as their hash
    private static boolean hideKeys(Call call, Request request, SentKeyLists lists, int keyCount) {
        KeyListHash hash = call.keyListHash();
        int layout = lists.layoutOf(request.frame(), DataLayout.PAYLOAD_OFFSET, keyCount, hash);
        if (layout == DataLayout.LAYOUT_KEY_HASH) {
            request.hideKeys(lists, hash, keyCount);
            return true;
        }
        DataLayout.putLayout(request.frame(), 0, layout);
        return false;
    }

    /// Sends a stretch of a dense table, and its gradients if it is a push: to each shard the part that it holds.
    ///
    /// @param stream as for [#sendKeys]
    void sendStretch(
            int type,
            Call call,
            TableView table,
            @Nullable WorkerStream stream,
            long offset,
            int count,
            float @Nullable [] gradients,
            int gradientsFrom) {
        PushEncoder encoder = gradients == null ? null : table.encoder();
        WorkerStream numbering = gradients == null ? null : Objects.requireNonNull(stream, "stream");
        sendCut(call, table, stream, numbering, offset, count, Limits.DENSE_FRAME_FLOATS, (shard, from, floats) -> {
            long payloadBytes = encoder == null
                    ? DataLayout.payloadBytes(type, DataLayout.LAYOUT_STRETCH, floats, 1, 0)
                    : encoder.maxBytes(floats);
            int start = (int) (from - offset);
            Request request = request(call, shard, type, table, start, floats, payloadBytes, from);
            if (gradients != null && encoder != null) {
                request.setPayload(encoder.putStretch(
                        from, gradients, gradientsFrom + start, floats, request.frame(), DataLayout.PAYLOAD_OFFSET));
            } else if (gradients != null) {
                request.floats().put(DataLayout.PAYLOAD_OFFSET / Float.BYTES, gradients, gradientsFrom + start, floats);
            }
            return request;
        });
    }

    /// Sends a vector operation on a whole dense table: to each shard what concerns the blocks that it holds.
    ///
    /// @param stream as for [#sendKeys]
    /// @param other id of the other table, 0 if none takes part
    void sendVector(
            Call call,
            TableView table,
            @Nullable WorkerStream stream,
            VectorOperation operation,
            double scalar,
            int other) {
        int type = operation.isChanging() ? FrameType.TRANSFORM : FrameType.REDUCE;
        WorkerStream numbering = operation.isChanging() ? Objects.requireNonNull(stream, "stream") : null;
        int blockLength = table.spec().rowLength();
        long length = dense(table).length();
        sendCut(call, table, stream, numbering, 0, length, Limits.VECTOR_FRAME_FLOATS, (shard, from, floats) -> {
            Request request = request(call, shard, type, table, 0, floats, VectorLayout.PAYLOAD_BYTES, from);
            request.setAnswer((int) (from / blockLength), (floats + blockLength - 1) / blockLength);
            VectorLayout.put(request.frame(), 0, operation, other, scalar);
            return request;
        });
    }

    private static TableShape.Dense dense(TableView table) {
        if (table.spec().shape() instanceof TableShape.Dense dense) {
            return dense;
        }
        throw new IllegalArgumentException(
                "only a dense table has stretches: table=" + table.spec().name());
    }

    /// Makes the request for one piece of a stretch.
    private interface Piece {
        Request request(int shard, long from, int floats);
    }

    /// Sends a stretch cut at the shards and, where it is longer than `most`, at blocks.
    ///
    /// @param stream as for [#sendKeys]
    /// @param numbering the same if the frames have a number, otherwise null
    private void sendCut(
            Call call,
            TableView table,
            @Nullable WorkerStream stream,
            @Nullable WorkerStream numbering,
            long offset,
            long count,
            int most,
            Piece maker) {
        TableShape.Dense dense = dense(table);
        int piece = Math.max(1, most / dense.blockLength()) * dense.blockLength();
        boolean more = count > 0;
        for (int round = 0; more; round++) {
            if (numbering != null) {
                calls.lockWithRoom(numbering, call);
            }
            try {
                more = false;
                long number = numbering == null ? 0 : numbering.nextNumber();
                for (int stretch = 0; stretch < shardCount; stretch++) {
                    long first = dense.firstBlockOf(stretch, shardCount) * dense.blockLength();
                    long last = dense.firstBlockOf(stretch + 1, shardCount) * dense.blockLength();
                    long begin = Math.max(first, offset);
                    long end = Math.min(last, offset + count);
                    long from = round == 0 ? begin : begin / piece * piece + (long) round * piece;
                    long to = Math.min(end, begin / piece * piece + (long) (round + 1) * piece);
                    if (from >= to) {
                        continue;
                    }
                    more |= to < end;
                    int shard = dense.shardOfStretch(stretch, table.id(), shardCount);
                    Request request = maker.request(shard, from, (int) (to - from));
                    long payloadBytes = (long) request.length() - DataLayout.PAYLOAD_OFFSET - FrameLayout.TRAILER_BYTES;
                    send(call, request, shard, payloadBytes, stream, number, table.clockGroup());
                }
            } finally {
                if (numbering != null) {
                    numbering.lock().unlock();
                }
            }
        }
    }

    /// Sends stored rows to the shards that hold them.
    ///
    /// @param stream that numbers them
    void sendRows(Call call, TableView table, WorkerStream stream, RowBatch rows) {
        Grouping grouping = call.grouping();
        long[] keys = rows.keys();
        if (table.spec().shape() instanceof TableShape.Dense) {
            grouping.groupBlocks(keys, rows.count(), shardCount, table.info());
        } else {
            grouping.group(keys, 0, rows.count(), shardCount);
        }
        int rowBytes = RowLayout.rowBytes(rows.valueLength());
        int most = Math.max(1, Limits.MAX_SCAN_BYTES / rowBytes);
        boolean more = true;
        for (int round = 0; more; round++) {
            calls.lockWithRoom(stream, call);
            try {
                more = false;
                long number = stream.nextNumber();
                for (int shard = 0; shard < shardCount; shard++) {
                    int start = grouping.startOf(shard) + round * most;
                    int count = Math.min(grouping.endOf(shard) - start, most);
                    if (count <= 0) {
                        continue;
                    }
                    more |= start + count < grouping.endOf(shard);
                    long payloadBytes = (long) count * rowBytes;
                    Request request = request(call, shard, FrameType.LOAD, table, start, count, payloadBytes, -1);
                    putStoredRows(request.frame(), grouping, rows, start, count);
                    send(call, request, shard, payloadBytes, stream, number, table.clockGroup());
                }
            } finally {
                stream.lock().unlock();
            }
        }
    }

    private static void putStoredRows(ByteBuffer frame, Grouping grouping, RowBatch rows, int start, int count) {
        int at = DataLayout.PAYLOAD_OFFSET;
        int valueLength = rows.valueLength();
        for (int i = 0; i < count; i++) {
            int row = grouping.position(start + i);
            frame.putLong(at + RowLayout.KEY_OFFSET, rows.keys()[row]);
            frame.putInt(at + RowLayout.PUSH_COUNT_OFFSET, rows.pushCounts()[row]);
            frame.putInt(at + RowLayout.RESERVED_OFFSET, 0);
            at += RowLayout.VALUES_OFFSET;
            for (int j = 0; j < valueLength; j++) {
                frame.putFloat(at, rows.values()[row * valueLength + j]);
                at += Float.BYTES;
            }
        }
    }

    /// Asks a shard for at most `count` stored rows from the cursor on.
    ///
    /// @param stream that is seen to ask, null for nobody's
    void sendScan(Call call, TableView table, @Nullable WorkerStream stream, int shard, long cursor, int count) {
        Request request = request(call, shard, FrameType.SCAN, table, 0, count, 0, cursor);
        send(call, request, shard, 0, stream, 0, table.clockGroup());
    }

    /// Sends the end of a minibatch to every shard: the frames of one number.
    ///
    /// @param clock that it leads to
    /// @param kind see [DataLayout#flags]
    void sendTick(Call call, WorkerStream stream, int group, long clock, int kind) {
        calls.lockWithRoom(stream, call);
        try {
            long number = stream.nextNumber();
            for (int shard = 0; shard < shardCount; shard++) {
                Request request = request(call, shard, FrameType.TICK, 0, 1, 0, 0, 0, -1);
                DataLayout.putFlags(request.frame(), 0, kind);
                sealPayload(call, request, 0);
                stream.submit(request, shard, number, clock, group);
            }
        } finally {
            stream.lock().unlock();
        }
        transport.push();
    }

    // ---- how ----

    private Request request(
            Call call, int shard, int type, TableView table, int from, int count, long payloadBytes, long offset) {
        Request request =
                request(call, shard, type, table.id(), table.spec().rowLength(), from, count, payloadBytes, offset);
        boolean push = type == FrameType.PUSH || type == FrameType.PUSH_PULL;
        boolean pull = type == FrameType.PULL || type == FrameType.PUSH_PULL;
        PushEncoder encoder = push ? table.encoder() : null;
        DataLayout.putTypes(
                request.frame(),
                0,
                encoder == null ? ValueType.FLOAT32 : encoder.type(),
                pull ? table.rowType() : ValueType.FLOAT32);
        return request;
    }

    /// A data frame, complete but for identity, payload and checksums.
    ///
    /// @param from where in the call's order it begins
    /// @param offset of a stretch, -1 for keys; the cursor of a scan
    private Request request(
            Call call,
            int shard,
            int type,
            int tableId,
            int rowLength,
            int from,
            int count,
            long payloadBytes,
            long offset) {
        int length = FrameLayout.frameBytes(DataLayout.FIELD_BYTES, payloadBytes);
        // Room for a hash beside the keys that it stands for.
        Request request = pool.take(Math.min(Limits.MAX_FRAME_BYTES, length + KeyListHash.BYTES));
        boolean stretch = offset >= 0 && type != FrameType.SCAN;
        request.begin(call, serverOfShard[shard], from, count, length, stretch);
        ByteBuffer frame = request.frame();
        int layout = stretch ? DataLayout.LAYOUT_STRETCH : DataLayout.LAYOUT_KEYS;
        int flags = transport.checksums() ? FrameLayout.FLAG_CHECKSUMS : 0;
        FrameLayout.putHeader(frame, 0, length, type, flags, 0, DataLayout.FIELD_BYTES);
        DataLayout.putTarget(frame, 0, shard, 0, mapVersion, tableId);
        DataLayout.putContent(frame, 0, layout, count, rowLength, Math.max(0, offset));
        return request;
    }

    /// Writes the checksum of the payload.
    private void sealPayload(Call call, Request request, long payloadBytes) {
        int end = (int) (DataLayout.PAYLOAD_OFFSET + payloadBytes);
        int crc = transport.checksums()
                ? call.checksum().of(request.frame(), DataLayout.PAYLOAD_OFFSET, (int) payloadBytes)
                : 0;
        request.frame().putInt(end, crc);
    }

    /// Sends a frame whose payload is written.
    ///
    /// @param stream whose it is, null for nobody's
    /// @param number in that stream, 0 for a frame that changes nothing
    private void send(
            Call call,
            Request request,
            int shard,
            long payloadBytes,
            @Nullable WorkerStream stream,
            long number,
            int clockGroup) {
        sealPayload(call, request, payloadBytes);
        if (stream != null && number != 0) {
            stream.submit(request, shard, number, clockGroup);
        } else {
            if (stream != null) {
                stream.identify(request.frame(), clockGroup);
            } else {
                DataLayout.putWorker(request.frame(), 0, 0, 0, 0);
                DataLayout.putNumber(request.frame(), 0, 0, 0);
                DataLayout.putClock(request.frame(), 0, 0, 0);
            }
            transport.send(request);
        }
        transport.push();
    }

    /// Most keys of one frame: both it and the rows that answer it must fit.
    private static int mostKeys(int rowLength) {
        int perKey = Long.BYTES + rowLength * Float.BYTES;
        int room = Limits.MAX_FRAME_BYTES - DataLayout.PAYLOAD_OFFSET - FrameLayout.TRAILER_BYTES - KeyListHash.BYTES;
        return room / perKey;
    }
}
