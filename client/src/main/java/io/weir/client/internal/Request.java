package io.weir.client.internal;

import io.weir.model.WeirException;
import io.weir.wire.Checksum;
import io.weir.wire.DataLayout;
import io.weir.wire.FrameLayout;
import io.weir.wire.KeyListHash;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.jspecify.annotations.Nullable;

/// One frame on its way to one shard or server, kept until it is answered so that it can be sent again. Reused; owned
/// by the thread that fills it, then by the transport.
public final class Request {
    private final ByteBuffer frame;
    private final FloatBuffer floats;
    private @Nullable Object attachment;
    private @Nullable Call call;
    private @Nullable Lane lane;
    private @Nullable WeirException withdrawal;
    private int server;
    private int from;
    private int count;
    private int length;
    private boolean stretch;
    private boolean repeatable;
    private @Nullable SentKeyLists keyLists;
    private int keysAt;
    private int slot;
    private int rowsDone;

    @Nullable
    Request next;

    Request(int capacity) {
        frame = ByteBuffer.allocateDirect(capacity).order(ByteOrder.LITTLE_ENDIAN);
        floats = frame.asFloatBuffer();
    }

    void begin(Call call, int server, int from, int count, int length, boolean stretch) {
        this.call = call;
        this.server = server;
        this.from = from;
        this.count = count;
        this.length = length;
        this.stretch = stretch;
        this.lane = null;
        this.repeatable = false;
        this.keyLists = null;
        this.withdrawal = null;
        this.rowsDone = 0;
        frame.clear();
        call.add();
    }

    /// Says what the answer has if that is not what the frame has.
    ///
    /// @param answerFrom first index of the answer in the call's result
    void setAnswer(int answerFrom, int answerCount) {
        from = answerFrom;
        count = answerCount;
    }

    void end() {
        call = null;
        lane = null;
        keyLists = null;
    }

    /// The bytes of the frame, from 0.
    public ByteBuffer frame() {
        return frame;
    }

    /// The payload turned out to have fewer bytes than the frame was made for.
    void setPayload(long payloadBytes) {
        length = FrameLayout.frameBytes(DataLayout.FIELD_BYTES, payloadBytes);
        frame.putInt(FrameLayout.LENGTH_OFFSET, length);
    }

    /// Moves the keys out of the frame, to the end of the buffer, and writes their hash instead; values follow.
    ///
    /// @param lists where it is to be said if the shard does not know the hash
    void hideKeys(SentKeyLists lists, KeyListHash hash, int keyCount) {
        int keyBytes = keyCount * Long.BYTES;
        keyLists = lists;
        keysAt = frame.capacity() - keyBytes;
        frame.put(keysAt, frame, DataLayout.PAYLOAD_OFFSET, keyBytes);
        hash.write(frame, DataLayout.PAYLOAD_OFFSET);
        DataLayout.putLayout(frame, 0, DataLayout.LAYOUT_KEY_HASH);
    }

    /// Puts the keys back where their hash stands: the shard does not know it.
    ///
    /// @return false if there is no hash
    boolean restoreKeys() {
        SentKeyLists lists = keyLists;
        if (lists == null) {
            return false;
        }
        keyLists = null;
        frame.clear();
        int hashEnd = DataLayout.PAYLOAD_OFFSET + KeyListHash.BYTES;
        lists.forgotten(frame, DataLayout.PAYLOAD_OFFSET);
        byte[] keys = new byte[DataLayout.count(frame, 0) * Long.BYTES];
        frame.get(keysAt, keys);
        int valueBytes = length - FrameLayout.TRAILER_BYTES - hashEnd;
        frame.put(DataLayout.PAYLOAD_OFFSET + keys.length, frame, hashEnd, valueBytes);
        frame.put(DataLayout.PAYLOAD_OFFSET, keys);
        DataLayout.putLayout(frame, 0, DataLayout.LAYOUT_KEYS);
        setPayload(keys.length + valueBytes);
        boolean sealed = FrameLayout.flags(frame, 0) == FrameLayout.FLAG_CHECKSUMS;
        int payloadBytes = keys.length + valueBytes;
        int crc = sealed ? new Checksum().of(frame, DataLayout.PAYLOAD_OFFSET, payloadBytes) : 0;
        frame.putInt(DataLayout.PAYLOAD_OFFSET + payloadBytes, crc);
        rowsDone = 0;
        return true;
    }

    /// Bytes of the frame.
    public int length() {
        return length;
    }

    /// Something that the transport keeps with the buffer for as long as the buffer lives.
    public @Nullable Object attachment() {
        return attachment;
    }

    public void attach(Object attachment) {
        this.attachment = attachment;
    }

    /// Index of the server it goes to.
    public int server() {
        return server;
    }

    /// Shard it goes to, for data frames.
    public int shard() {
        return DataLayout.shard(frame, 0);
    }

    public int type() {
        return FrameLayout.type(frame, 0);
    }

    /// Whether the thread that sent it waits for the answer, or soon will.
    public boolean isAwaited() {
        return !call().isAsync();
    }

    FloatBuffer floats() {
        return floats;
    }

    Call call() {
        Call present = call;
        if (present == null) {
            throw new IllegalStateException("request is not in use");
        }
        return present;
    }

    @Nullable
    Lane lane() {
        return lane;
    }

    void setLane(Lane lane) {
        this.lane = lane;
    }

    /// Why the push is given up, or null.
    @Nullable
    WeirException withdrawal() {
        return withdrawal;
    }

    /// Gives the push up, in its frame too. Guarded by its stream's lock.
    void withdraw(WeirException reason) {
        withdrawal = reason;
        DataLayout.putWithdrawn(frame, 0);
    }

    /// First index in the call's sorted order, or first float of the stretch.
    int from() {
        return from;
    }

    /// Keys, or floats of a stretch.
    int count() {
        return count;
    }

    boolean isStretch() {
        return stretch;
    }

    /// Whether it may be sent again when its connection was lost, though it is no data frame.
    boolean isRepeatable() {
        return repeatable;
    }

    void setRepeatable() {
        repeatable = true;
    }

    int slot() {
        return slot;
    }

    void setSlot(int slot) {
        this.slot = slot;
    }

    /// Rows of the answer that have been taken so far.
    int rowsDone() {
        return rowsDone;
    }

    void setRowsDone(int rowsDone) {
        this.rowsDone = rowsDone;
    }
}
