package io.weir.wire;

import io.weir.model.ErrorCode;
import io.weir.model.InitialRow;
import io.weir.model.OptimizerSpec;
import io.weir.model.RateSchedule;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import io.weir.model.Tuning;
import io.weir.model.WeirException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Table specifications as bytes: each choice is a tag and its numbers.
final class TableSpecCodec {
    private static final int SHAPE_EMBEDDING = 1;
    private static final int SHAPE_DENSE = 2;

    /// The optimizer of tag `i` at index `i - 1`. A tag is never used for anything else: new names go to the
    /// end.
    static final List<String> OPTIMIZERS = List.of(
            "sgd",
            "momentum",
            "adagrad",
            "adam",
            "ftrl",
            "add",
            "assign",
            "min",
            "max",
            "nesterov",
            "rowwise_adagrad",
            "group_adagrad",
            "adadelta",
            "rmsprop",
            "adamw",
            "adamax",
            "nadam",
            "amsgrad",
            "ftml",
            "signum",
            "sgld",
            "lars",
            "lamb",
            "dcasgd",
            "replace");

    private static final int SCHEDULE_CONSTANT = 1;
    private static final int SCHEDULE_STEP = 2;
    private static final int SCHEDULE_COSINE = 3;
    private static final int SCHEDULE_INVERSE_ROOT = 4;

    private static final int INITIAL_ZERO = 1;
    private static final int INITIAL_CONSTANT = 2;
    private static final int INITIAL_UNIFORM = 3;
    private static final int INITIAL_NORMAL = 4;

    private TableSpecCodec() {}

    static void encode(TableSpec spec, FieldWriter out) {
        out.putString(spec.name());
        encodeShape(spec.shape(), out);
        encodeOptimizer(spec.optimizer(), out);
        encodeInitialRow(spec.initialRow(), out);
        out.putLong(spec.seed());
    }

    static TableSpec decode(FieldReader in) {
        String name = in.getString("name");
        try {
            TableShape shape = decodeShape(in);
            OptimizerSpec optimizer = decodeOptimizer(in);
            InitialRow initialRow = decodeInitialRow(in);
            return new TableSpec(name, shape, optimizer, initialRow, in.getLong("seed"));
        } catch (IllegalArgumentException e) {
            throw new WeirException(
                    ErrorCode.INVALID_ARGUMENT, "table specification must be valid: " + e.getMessage(), e);
        }
    }

    private static void encodeShape(TableShape shape, FieldWriter out) {
        if (shape instanceof TableShape.Embedding embedding) {
            out.putByte(SHAPE_EMBEDDING);
            out.putInt(embedding.dim());
        } else if (shape instanceof TableShape.Dense dense) {
            out.putByte(SHAPE_DENSE);
            out.putLong(dense.length());
            out.putInt(dense.blockLength());
            out.putString(dense.placement());
        } else {
            throw new IllegalStateException("no encoding for " + shape);
        }
    }

    private static TableShape decodeShape(FieldReader in) {
        int tag = in.getByte("shape");
        return switch (tag) {
            case SHAPE_EMBEDDING -> new TableShape.Embedding(in.getInt("dim"));
            case SHAPE_DENSE ->
                new TableShape.Dense(in.getLong("length"), in.getInt("blockLength"), in.getString("placement"));
            default -> throw FieldReader.malformed("shape must be known: shape=" + tag);
        };
    }

    private static void encodeOptimizer(OptimizerSpec optimizer, FieldWriter out) {
        int index = OPTIMIZERS.indexOf(optimizer.name());
        if (index < 0) {
            throw new IllegalStateException("no encoding for " + optimizer);
        }
        out.putByte(index + 1);
        optimizer.settings().values().forEach(out::putFloat);
        if (optimizer.takesGradients()) {
            encodeTuning(optimizer.tuning(), out);
        }
    }

    private static OptimizerSpec decodeOptimizer(FieldReader in) {
        int tag = in.getByte("optimizer");
        if (tag < 1 || tag > OPTIMIZERS.size()) {
            throw FieldReader.malformed("optimizer must be known: optimizer=" + tag);
        }
        String name = OPTIMIZERS.get(tag - 1);
        Map<String, Float> settings = new LinkedHashMap<>();
        for (String setting : OptimizerSpec.settingNames(name)) {
            settings.put(setting, in.getFloat(setting));
        }
        // What has settings takes gradients, and so has a tuning.
        return OptimizerSpec.of(name, settings, settings.isEmpty() ? Tuning.NONE : decodeTuning(in));
    }

    private static void encodeTuning(Tuning tuning, FieldWriter out) {
        out.putFloat(tuning.scale());
        out.putFloat(tuning.clip());
        out.putFloat(tuning.clipNorm());
        out.putFloat(tuning.decay());
        out.putInt(tuning.warmup());
        RateSchedule schedule = tuning.schedule();
        if (schedule instanceof RateSchedule.Constant) {
            out.putByte(SCHEDULE_CONSTANT);
        } else if (schedule instanceof RateSchedule.Step s) {
            out.putByte(SCHEDULE_STEP);
            out.putInt(s.every());
            out.putFloat(s.factor());
            out.putFloat(s.least());
        } else if (schedule instanceof RateSchedule.Cosine c) {
            out.putByte(SCHEDULE_COSINE);
            out.putInt(c.pushes());
            out.putFloat(c.least());
        } else if (schedule instanceof RateSchedule.InverseRoot r) {
            out.putByte(SCHEDULE_INVERSE_ROOT);
            out.putInt(r.after());
        } else {
            throw new IllegalStateException("no encoding for " + schedule);
        }
    }

    private static Tuning decodeTuning(FieldReader in) {
        float scale = in.getFloat("scale");
        float clip = in.getFloat("clip");
        float clipNorm = in.getFloat("clipNorm");
        float decay = in.getFloat("decay");
        int warmup = in.getInt("warmup");
        int tag = in.getByte("schedule");
        RateSchedule schedule =
                switch (tag) {
                    case SCHEDULE_CONSTANT -> new RateSchedule.Constant();
                    case SCHEDULE_STEP ->
                        new RateSchedule.Step(in.getInt("every"), in.getFloat("factor"), in.getFloat("least"));
                    case SCHEDULE_COSINE -> new RateSchedule.Cosine(in.getInt("pushes"), in.getFloat("least"));
                    case SCHEDULE_INVERSE_ROOT -> new RateSchedule.InverseRoot(in.getInt("after"));
                    default -> throw FieldReader.malformed("schedule must be known: schedule=" + tag);
                };
        return new Tuning(scale, clip, clipNorm, decay, warmup, schedule);
    }

    private static void encodeInitialRow(InitialRow initialRow, FieldWriter out) {
        if (initialRow instanceof InitialRow.Zero) {
            out.putByte(INITIAL_ZERO);
        } else if (initialRow instanceof InitialRow.Constant c) {
            out.putByte(INITIAL_CONSTANT);
            out.putFloat(c.value());
        } else if (initialRow instanceof InitialRow.Uniform u) {
            out.putByte(INITIAL_UNIFORM);
            out.putFloat(u.low());
            out.putFloat(u.high());
        } else if (initialRow instanceof InitialRow.Normal n) {
            out.putByte(INITIAL_NORMAL);
            out.putFloat(n.mean());
            out.putFloat(n.deviation());
        } else {
            throw new IllegalStateException("no encoding for " + initialRow);
        }
    }

    private static InitialRow decodeInitialRow(FieldReader in) {
        int tag = in.getByte("initialRow");
        return switch (tag) {
            case INITIAL_ZERO -> new InitialRow.Zero();
            case INITIAL_CONSTANT -> new InitialRow.Constant(in.getFloat("value"));
            case INITIAL_UNIFORM -> new InitialRow.Uniform(in.getFloat("low"), in.getFloat("high"));
            case INITIAL_NORMAL -> new InitialRow.Normal(in.getFloat("mean"), in.getFloat("deviation"));
            default -> throw FieldReader.malformed("initial row must be known: initialRow=" + tag);
        };
    }
}
