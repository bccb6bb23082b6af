package io.weir.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.model.Consistency;
import io.weir.model.InitialRow;
import io.weir.model.OptimizerSpec;
import io.weir.model.RateSchedule;
import io.weir.model.RunSpec;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import io.weir.model.Tuning;
import io.weir.model.WeirException;
import io.weir.model.WorkerId;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/// Hostile bytes give a [WeirException] or a frame that is written again to the same bytes, and nothing else: no
/// other exception, and no allocation that the bytes themselves do not pay for.
class FrameFuzzTest {
    private static final long SEED = 20_261_122;

    /// Values that lengths and counts break at.
    private static final long[] EDGES = {
        0,
        1,
        -1,
        127,
        128,
        255,
        4096,
        4097,
        Short.MAX_VALUE,
        65_535,
        1 << 20,
        4 << 20,
        64 << 20,
        1 << 29,
        1 << 30,
        Integer.MAX_VALUE,
        Integer.MIN_VALUE,
        1L << 32,
        1L << 48,
        Long.MAX_VALUE,
        Long.MIN_VALUE
    };

    /// Far below what any of the edges asks for. The first throw of each message links its text: some 100 KiB.
    private static final long MOST_ALLOCATED = 1 << 20;

    /// Bytes for an exception with its trace and text, and for a message of these sizes.
    private static final long MOST_ALLOCATED_ON_AVERAGE = 8192;

    private final Checksum checksum = new Checksum();
    private int accepted;
    private int refused;
    private long allocated;

    @Test
    void randomBytesAreRefused() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int i = 0; i < 40_000; i++) {
            ByteBuffer frame = Frames.buffer(random.nextInt(400));
            for (int j = 0; j < frame.capacity(); j++) {
                frame.put(j, (byte) random.nextInt());
            }
            if (frame.capacity() >= FrameLayout.HEADER_BYTES && random.nextBoolean()) {
                frame.put(FrameLayout.VERSION_OFFSET, (byte) 1);
                frame.put(FrameLayout.FLAGS_OFFSET, (byte) random.nextInt(2));
                frame.putInt(FrameLayout.LENGTH_OFFSET, frame.capacity());
                frame.putShort(FrameLayout.TYPE_OFFSET, (short) random.nextInt(80));
            }
            receive(frame, random.nextBoolean(), "random bytes", i);
        }
        assertThat(refused).isPositive();
        assertThat(allocated / (refused + accepted)).isLessThan(MOST_ALLOCATED_ON_AVERAGE);
    }

    @Test
    void randomPayloadsOfEveryTypeAreRefusedOrRead() {
        SplittableRandom random = new SplittableRandom(SEED + 1);
        for (int i = 0; i < 40_000; i++) {
            int fieldBytes = new int[] {
                        0, ReplyLayout.FIELD_BYTES, ReplyLayout.ENCODED_FIELD_BYTES, DataLayout.FIELD_BYTES
                    }
                    [random.nextInt(4)];
            ByteBuffer frame = Frames.buffer(FrameLayout.frameBytes(fieldBytes, random.nextInt(200)));
            for (int j = 0; j < frame.capacity(); j++) {
                frame.put(j, (byte) (random.nextInt(4) == 0 ? random.nextInt() : random.nextInt(3)));
            }
            FrameLayout.putHeader(frame, 0, frame.capacity(), random.nextInt(80), 1, i, fieldBytes);
            checksum.seal(frame, 0);
            receive(frame, true, "random payload", i);
        }
        assertThat(refused).isPositive();
        assertThat(allocated / (refused + accepted)).isLessThan(MOST_ALLOCATED_ON_AVERAGE);
        assertThat(accepted).isPositive();
    }

    @Test
    void changedExamplesAreRefusedOrRead() {
        SplittableRandom random = new SplittableRandom(SEED + 2);
        List<Map.Entry<String, ByteBuffer>> examples =
                new ArrayList<>(Frames.examples().entrySet());
        for (int i = 0; i < 80_000; i++) {
            Map.Entry<String, ByteBuffer> example = examples.get(random.nextInt(examples.size()));
            boolean sealed = !example.getKey().endsWith("-unsealed");
            ByteBuffer frame = Frames.copy(example.getValue());
            for (int changes = random.nextInt(1, 4); changes > 0; changes--) {
                change(frame, random);
            }
            if (random.nextInt(4) == 0) {
                ByteBuffer cut = Frames.buffer(random.nextInt(frame.capacity() + 40));
                cut.put(0, frame, 0, Math.min(frame.capacity(), cut.capacity()));
                frame = cut;
            }
            if (random.nextInt(8) > 0) {
                repair(frame, sealed);
            }
            receive(frame, sealed, example.getKey(), i);
        }
        assertThat(refused).isPositive();
        assertThat(allocated / (refused + accepted)).isLessThan(MOST_ALLOCATED_ON_AVERAGE);
        assertThat(accepted).isPositive();
    }

    @Test
    void randomMessagesAreReadBackToEqualOnes() {
        SplittableRandom random = new SplittableRandom(SEED + 3);
        for (int i = 0; i < 8_000; i++) {
            Message message = message(random);
            ByteBuffer frame = Frames.frame(message, random.nextBoolean());
            boolean sealed = FrameLayout.flags(frame, 0) != 0;
            assertThat(Frames.receive(frame, frame.capacity(), sealed, checksum))
                    .isTrue();
            assertThat(MessageCodec.decode(frame, 0))
                    .as("seed=%s, round=%s", SEED + 3, i)
                    .isEqualTo(message);
        }
    }

    private static void change(ByteBuffer frame, SplittableRandom random) {
        int at = random.nextInt(frame.capacity());
        long edge = EDGES[random.nextInt(EDGES.length)] + random.nextInt(-1, 2);
        switch (random.nextInt(5)) {
            case 0 -> frame.put(at, (byte) (frame.get(at) ^ (1 << random.nextInt(8))));
            case 1 -> frame.put(at, (byte) random.nextInt());
            case 2 -> frame.putShort(Math.min(at, frame.capacity() - 2), (short) edge);
            case 3 -> frame.putInt(Math.min(at & ~3, frame.capacity() - 4), (int) edge);
            default -> frame.putLong(Math.min(at & ~7, frame.capacity() - 8), edge);
        }
    }

    /// Makes what a careful attacker would: length and checksums that fit the rest.
    private void repair(ByteBuffer frame, boolean sealed) {
        if (frame.capacity() < FrameLayout.HEADER_BYTES + FrameLayout.TRAILER_BYTES) {
            return;
        }
        frame.putInt(FrameLayout.LENGTH_OFFSET, frame.capacity());
        frame.put(FrameLayout.VERSION_OFFSET, (byte) FrameLayout.VERSION);
        frame.putInt(FrameLayout.HEADER_CRC_OFFSET, 0);
        int least = FrameLayout.payloadOffset(frame, 0) + FrameLayout.TRAILER_BYTES;
        if (sealed && least <= frame.capacity()) {
            checksum.seal(frame, 0);
        }
    }

    private void receive(ByteBuffer frame, boolean checksums, String what, int round) {
        long before = Allocations.ofThisThread();
        boolean whole = false;
        try {
            whole = Frames.receive(frame, frame.capacity(), checksums, checksum);
        } catch (WeirException e) {
            refused++;
        } catch (RuntimeException | Error e) {
            throw new AssertionError(
                    "only a WeirException may come out: seed=" + SEED + ", round=" + round + ", of=" + what, e);
        }
        long bytes = Allocations.ofThisThread() - before;
        if (bytes > MOST_ALLOCATED) {
            throw new AssertionError(
                    "too much allocated: bytes=" + bytes + ", seed=" + SEED + ", round=" + round + ", of=" + what);
        }
        allocated += bytes;
        if (whole && FrameLayout.length(frame, 0) == frame.capacity()) {
            accepted++;
            ByteBuffer copy = Frames.rewrite(frame);
            if (!checksums) {
                copy.putInt(copy.capacity() - 4, frame.getInt(copy.capacity() - 4));
            }
            if (!copy.equals(frame)) {
                throw new AssertionError(
                        "must be written again to the same bytes: seed=" + SEED + ", round=" + round + ", of=" + what);
            }
        }
    }

    private static List<Double> values(SplittableRandom random) {
        List<Double> values = new ArrayList<>();
        for (int i = random.nextInt(Limits.MAX_PASS_VALUES + 1); i > 0; i--) {
            values.add((random.nextDouble() - 0.5) * Math.pow(10, random.nextInt(-300, 300)));
        }
        return values;
    }

    private static Message message(SplittableRandom random) {
        return switch (random.nextInt(26)) {
            case 0 -> new Message.Hello(random.nextInt(), random.nextInt(), random.nextLong(), text(random));
            case 1 ->
                new Message.HelloReply(
                        random.nextInt(),
                        random.nextLong(),
                        random.nextLong(),
                        random.nextInt(),
                        random.nextLong(),
                        random.nextInt(),
                        text(random));
            case 2 -> new Message.Attach(random.nextInt(), random.nextLong(), random.nextInt(), random.nextInt());
            case 3 ->
                new Message.ServerStatusReply(
                        random.nextLong(),
                        random.nextLong(),
                        random.nextInt(),
                        random.nextInt(),
                        random.nextLong(),
                        random.nextLong(),
                        random.nextLong(),
                        random.nextInt());
            case 4 -> new Message.CreateTable(random.nextInt(), random.nextLong(), spec(random));
            case 5 -> {
                List<Message.Table> tables = new ArrayList<>();
                for (int i = random.nextInt(5); i > 0; i--) {
                    tables.add(new Message.Table(
                            random.nextInt(), random.nextLong(), random.nextLong(), random.nextLong(), spec(random)));
                }
                yield new Message.Tables(tables);
            }
            case 6 -> new Message.ListTables(text(random));
            case 7 -> new Message.DropTable(text(random));
            case 8 -> new Message.DropTableReply(random.nextBoolean());
            case 9 -> new Message.Profile(Message.Profile.Action.values()[random.nextInt(3)]);
            case 10 -> new Message.ProfileReply(text(random));
            default -> runMessage(random);
        };
    }

    private static RunMessage runMessage(SplittableRandom random) {
        return switch (random.nextInt(20)) {
            case 0 ->
                new RunMessage.JoinRun(
                        random.nextInt(), run(random), random.nextInt(), random.nextLong(), random.nextBoolean());
            case 1 ->
                new RunMessage.JoinRunReply(
                        random.nextInt(),
                        random.nextInt(),
                        random.nextBoolean(),
                        random.nextInt(),
                        random.nextLong(),
                        random.nextLong(),
                        steps(random));
            case 2 -> new RunMessage.OpenRun(run(random), random.nextInt(), steps(random));
            case 3 ->
                new RunMessage.OpenWorker(worker(random), random.nextLong(), random.nextLong(), random.nextBoolean());
            case 4 ->
                new RunMessage.OpenWorkerReply(list(
                        random,
                        () -> new RunMessage.Entry(
                                random.nextInt(),
                                random.nextLong(),
                                random.nextLong(),
                                random.nextLong(),
                                random.nextBoolean())));
            case 5 -> new RunMessage.CloseWorker(worker(random), random.nextBoolean());
            case 6 -> new RunMessage.Heartbeat(random.nextInt(), worker(random), random.nextLong());
            case 7 -> new RunMessage.Members(random.nextLong(), gone(random));
            case 8 -> new RunMessage.UpdateMembers(random.nextLong(), random.nextLong(), gone(random));
            case 9 ->
                new RunMessage.CompleteStep(
                        random.nextInt(),
                        worker(random),
                        group(random),
                        random.nextLong(),
                        random.nextInt(),
                        random.nextBoolean());
            case 10 ->
                new RunMessage.StepClosed(
                        group(random), random.nextLong(), random.nextBoolean(), random.nextLong(), indexes(random));
            case 11 -> new RunMessage.CloseStep(random.nextLong(), group(random), random.nextLong(), indexes(random));
            case 12 -> new RunMessage.Barrier(random.nextInt(), worker(random), random.nextLong());
            case 13 ->
                new RunMessage.NextPortion(
                        random.nextInt(),
                        worker(random),
                        random.nextInt(),
                        random.nextInt(),
                        random.nextBoolean(),
                        values(random));
            case 14 ->
                new RunMessage.Portion(
                        random.nextInt(), random.nextInt(), random.nextLong(), random.nextLong(), values(random));
            case 15 -> new RunMessage.RunStatus(text(random));
            case 16 -> new RunMessage.BeginPass(random.nextInt(), worker(random), random.nextLong(), values(random));
            case 17 -> new RunMessage.PassDone(random.nextLong(), list(random, () -> values(random)));
            case 18 -> new RunMessage.Runs(list(random, () -> new RunMessage.Name(text(random))));
            default ->
                new RunMessage.RunStatusReply(
                        random.nextBoolean(),
                        run(random),
                        random.nextBoolean(),
                        random.nextLong(),
                        random.nextInt(),
                        random.nextInt(),
                        list(
                                random,
                                () -> new RunMessage.Member(
                                        random.nextInt(),
                                        random.nextInt(),
                                        random.nextLong(),
                                        random.nextLong(),
                                        random.nextInt(),
                                        random.nextInt())),
                        list(
                                random,
                                () -> new RunMessage.Wait(
                                        random.nextInt(), random.nextInt(), random.nextLong(), indexes(random))));
        };
    }

    private static <T> List<T> list(SplittableRandom random, Supplier<T> element) {
        List<T> elements = new ArrayList<>();
        for (int i = random.nextInt(20); i > 0; i--) {
            elements.add(element.get());
        }
        return elements;
    }

    private static List<Integer> indexes(SplittableRandom random) {
        return list(random, () -> random.nextInt(RunSpec.MAX_WORKERS));
    }

    private static List<RunMessage.Gone> gone(SplittableRandom random) {
        return list(
                random,
                () -> new RunMessage.Gone(random.nextInt(RunSpec.MAX_WORKERS), random.nextInt(Integer.MAX_VALUE)));
    }

    private static List<RunMessage.Step> steps(SplittableRandom random) {
        return list(random, () -> new RunMessage.Step(group(random), random.nextLong(Long.MAX_VALUE), indexes(random)));
    }

    private static int group(SplittableRandom random) {
        return random.nextInt(Limits.MAX_CLOCK_GROUP + 1);
    }

    private static WorkerId worker(SplittableRandom random) {
        return new WorkerId(random.nextLong(), random.nextInt(Integer.MAX_VALUE), random.nextInt(Integer.MAX_VALUE));
    }

    private static RunSpec run(SplittableRandom random) {
        RunSpec spec = RunSpec.of("r" + random.nextInt(1000), random.nextInt(1, 100))
                .withMean(random.nextBoolean())
                .withPortionCount(random.nextInt(RunSpec.MAX_PORTIONS + 1))
                .withSilence(Duration.ofMillis(random.nextInt(100, 1_000_000)));
        return switch (random.nextInt(4)) {
            case 3 -> spec.withPortionCount(random.nextInt(1000)).withSlices(spec.workerCount());
            case 0 -> spec.withConsistency(Consistency.bsp()).withBackupWorkers(random.nextInt(10));
            case 1 -> spec.withConsistency(Consistency.ssp(random.nextInt(Consistency.MAX_STALENESS + 1)));
            default -> spec;
        };
    }

    private static TableSpec spec(SplittableRandom random) {
        int blockLength = 16 * random.nextInt(1, 65_537);
        TableShape shape = random.nextBoolean()
                ? new TableShape.Embedding(random.nextInt(1, TableShape.MAX_DIM + 1))
                : new TableShape.Dense(random.nextLong(1, TableShape.Dense.MAX_LENGTH + 1), blockLength);
        float rate = 0.001f + (float) random.nextDouble();
        float part = (float) (random.nextDouble() * 0.99);
        OptimizerSpec optimizer =
                switch (random.nextInt(6)) {
                    case 0 -> new OptimizerSpec.Sgd(rate);
                    case 1 -> new OptimizerSpec.Momentum(rate, part, tuning(random, rate, part));
                    case 2 -> new OptimizerSpec.AdaGrad(rate, part, Tuning.NONE.withDecay(part));
                    case 3 -> new OptimizerSpec.Adam(rate, part, part / 2, 0f, tuning(random, rate, part));
                    case 4 -> new OptimizerSpec.Ftrl(rate, rate, part, 0f);
                    default ->
                        OptimizerSpec.parse(OptimizerSpec.names()
                                .get(random.nextInt(OptimizerSpec.names().size())));
                };
        if (optimizer.needsWholeRow()) {
            shape = new TableShape.Embedding(1 + blockLength / 256);
        }
        InitialRow initialRow =
                switch (random.nextInt(4)) {
                    case 0 -> new InitialRow.Zero();
                    case 1 -> new InitialRow.Constant(-part);
                    case 2 -> new InitialRow.Uniform(-rate, part);
                    default -> new InitialRow.Normal(part, rate);
                };
        return new TableSpec("t" + random.nextInt(1000), shape, optimizer, initialRow, random.nextLong());
    }

    private static Tuning tuning(SplittableRandom random, float rate, float part) {
        RateSchedule schedule =
                switch (random.nextInt(4)) {
                    case 0 -> new RateSchedule.Constant();
                    case 1 -> new RateSchedule.Step(1 + random.nextInt(1000), 1 - part, part);
                    case 2 -> new RateSchedule.Cosine(1 + random.nextInt(1000), part);
                    default -> new RateSchedule.InverseRoot(1 + random.nextInt(1000));
                };
        return new Tuning(rate, part, random.nextInt(2), part, random.nextInt(1000), schedule);
    }

    private static String text(SplittableRandom random) {
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(30); i > 0; i--) {
            int point = random.nextInt(random.nextBoolean() ? 0x80 : 0x110000);
            boolean surrogate = point >= 0xd800 && point < 0xe000;
            text.appendCodePoint(surrogate ? 'x' : point);
        }
        return text.toString();
    }
}
