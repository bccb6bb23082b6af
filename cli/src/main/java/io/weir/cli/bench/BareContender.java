package io.weir.cli.bench;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import org.HdrHistogram.Histogram;

/// A reference over a socket: the client side of [BareServer], from one thread, out of and into arrays of its caller.
/// As a bare socket the bytes are moved and that is all; as a bare loop the server gathers rows and applies AdaGrad.
final class BareContender implements Contender {
    private final String name;
    private final BarePlan plan;
    private final ZipfBatches batches;
    private final SpinChannel channel;
    private final ByteBuffer in = BareFrame.buffer(BareFrame.PIECE_BYTES).limit(0);
    private final ByteBuffer out = BareFrame.buffer(BareFrame.PIECE_BYTES).limit(0);
    private final float[] gradients;
    private final Slot[] slots;
    /// Slot and request of everything unanswered, in the order sent: a ring.
    private final int[] order;

    private int nextBatch;

    /// A unit in flight.
    private static final class Slot {
        final float[] rows;
        long[] ordinals = new long[0];
        int answered;
        long startNs;

        Slot(int floats) {
            this.rows = new float[floats];
        }
    }

    /// @param batches whose ordinals are sent, in turn
    /// @param gradients at least as many as the plan sends
    BareContender(String name, int port, BarePlan plan, ZipfBatches batches, float[] gradients, int inFlight)
            throws IOException {
        this.name = name;
        this.plan = plan;
        this.batches = batches;
        this.gradients = gradients;
        this.slots = new Slot[inFlight];
        for (int i = 0; i < inFlight; i++) {
            slots[i] = new Slot(plan.floatsHeld());
        }
        this.order = new int[inFlight * plan.requestCount()];
        this.channel =
                new SpinChannel(SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), port)));
    }

    @Override
    public String name() {
        return name;
    }

    /// The weights that slot `index` received last, shared.
    float[] rows(int index) {
        return slots[index].rows;
    }

    @Override
    public Measurement run(long durationNs) throws IOException {
        return run(durationNs, Long.MAX_VALUE);
    }

    /// As [#run(long)], for at most `maxUnits` units.
    Measurement run(long durationNs, long maxUnits) throws IOException {
        Histogram latenciesNs = Measurement.newHistogram();
        int requestCount = plan.requestCount();
        long begun = 0;
        long ended = 0;
        // Positions in the ring: handed over for sending, wholly in the write buffer, wholly answered.
        long queued = 0;
        long sent = 0;
        long answered = 0;
        // Parts of the request being written and of the reply being read.
        boolean headerSent = false;
        int ordinalsSent = 0;
        int floatsSent = 0;
        int floatsReceived = 0;
        boolean stopped = false;
        long startNs = System.nanoTime();
        while (true) {
            while (!stopped && begun - ended < slots.length && begun < maxUnits) {
                // Units end in the order they begin, so the slot of the oldest is the one that is free.
                int slotIndex = (int) (begun % slots.length);
                Slot slot = slots[slotIndex];
                slot.ordinals = batches.ordinals(nextBatch);
                nextBatch = (nextBatch + 1) % batches.count();
                slot.answered = 0;
                slot.startNs = System.nanoTime();
                int requests = plan.chained() ? 1 : requestCount;
                for (int i = 0; i < requests; i++) {
                    order[(int) (queued++ % order.length)] = slotIndex * requestCount + i;
                }
                begun++;
            }
            if (!out.hasRemaining() && sent < queued) {
                out.clear();
                while (sent < queued) {
                    int entry = order[(int) (sent % order.length)];
                    int request = entry % requestCount;
                    int ordinalCount = plan.ordinalCounts()[request];
                    int floatCount = plan.floatCounts()[request];
                    if (!headerSent) {
                        if (out.remaining() < BareFrame.HEADER_BYTES) {
                            break;
                        }
                        out.putInt(plan.kinds()[request]).putInt(ordinalCount).putInt(floatCount);
                        out.putInt(plan.replyCounts()[request]);
                        headerSent = true;
                    }
                    if (ordinalsSent < ordinalCount) {
                        int part = Math.min(ordinalCount - ordinalsSent, out.remaining() / Long.BYTES);
                        if (!plan.chained()) {
                            // A stretch of a tensor: its only ordinal is where it begins.
                            if (part > 0) {
                                out.putLong(plan.floatsFrom()[request]);
                            }
                        } else {
                            out.asLongBuffer().put(slots[entry / requestCount].ordinals, ordinalsSent, part);
                            out.position(out.position() + part * Long.BYTES);
                        }
                        ordinalsSent += part;
                        if (ordinalsSent < ordinalCount) {
                            break;
                        }
                    }
                    int part = Math.min(floatCount - floatsSent, out.remaining() / Float.BYTES);
                    if (part > 0) {
                        out.asFloatBuffer().put(gradients, plan.floatsFrom()[request] + floatsSent, part);
                        out.position(out.position() + part * Float.BYTES);
                        floatsSent += part;
                    }
                    if (floatsSent < floatCount) {
                        break;
                    }
                    headerSent = false;
                    ordinalsSent = 0;
                    floatsSent = 0;
                    sent++;
                }
                out.flip();
            }
            boolean moved = out.hasRemaining() && channel.writeNow(out) > 0;
            in.compact();
            int count = channel.readNow(in);
            in.flip();
            if (count < 0) {
                throw new EOFException("the server of the reference closed the connection");
            }
            while (answered < sent && in.remaining() >= Float.BYTES) {
                int entry = order[(int) (answered % order.length)];
                int request = entry % requestCount;
                Slot slot = slots[entry / requestCount];
                int replyCount = plan.replyCounts()[request];
                int part = Math.min(replyCount - floatsReceived, in.remaining() / Float.BYTES);
                if (plan.replyFrom()[request] >= 0) {
                    in.asFloatBuffer().get(slot.rows, plan.replyFrom()[request] + floatsReceived, part);
                }
                in.position(in.position() + part * Float.BYTES);
                floatsReceived += part;
                if (floatsReceived < replyCount) {
                    break;
                }
                floatsReceived = 0;
                answered++;
                slot.answered++;
                if (slot.answered == requestCount) {
                    long nowNs = System.nanoTime();
                    Measurement.record(latenciesNs, nowNs - slot.startNs);
                    ended++;
                    stopped = nowNs - startNs >= durationNs;
                } else if (plan.chained()) {
                    order[(int) (queued++ % order.length)] = entry + 1;
                }
            }
            if (begun == ended && (stopped || ended == maxUnits)) {
                break;
            }
            if (moved || count > 0) {
                channel.moved();
            } else {
                channel.idle(true, out.hasRemaining());
            }
        }
        return new Measurement(
                ended * plan.rows(), ended * plan.payloadBytes(), System.nanoTime() - startNs, latenciesNs);
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            // nothing is in flight, and nothing can be done about it
        }
    }
}
