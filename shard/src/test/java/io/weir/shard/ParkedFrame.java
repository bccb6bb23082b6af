package io.weir.shard;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.wire.FrameLayout;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// A frame that waits inside a shard, with its answer once it has one.
final class ParkedFrame implements Parked {
    private final ByteBuffer copy;
    private final MemorySegment segment;
    private final RecordingEffects effects = new RecordingEffects();
    private boolean gone;
    private boolean answered;

    ParkedFrame(ByteBuffer frame, int at) {
        int length = FrameLayout.length(frame, at);
        copy = ByteBuffer.allocateDirect(length).order(ByteOrder.LITTLE_ENDIAN);
        copy.put(0, frame, at, length);
        segment = MemorySegment.ofBuffer(copy);
    }

    @Override
    public ByteBuffer frame() {
        return copy;
    }

    @Override
    public MemorySegment bytes() {
        return segment;
    }

    @Override
    public Effects effects() {
        return effects;
    }

    @Override
    public void answered() {
        assertThat(answered).as("answered once").isFalse();
        answered = true;
    }

    @Override
    public boolean isGone() {
        return gone;
    }

    /// Its connection is lost.
    void lose() {
        gone = true;
    }

    boolean isAnswered() {
        return answered;
    }

    /// Whether it was let go without an answer.
    boolean isForgotten() {
        return answered && effects.isEmpty();
    }

    Outcome answer() {
        assertThat(answered).as("answered").isTrue();
        return effects.onlyAnswer();
    }
}
