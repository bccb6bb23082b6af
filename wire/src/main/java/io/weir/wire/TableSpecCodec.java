package io.weir.wire;

import io.weir.model.ErrorCode;
import io.weir.model.InitialRow;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import io.weir.model.WeirException;

/// Table specifications as bytes: each choice is a tag and its numbers.
final class TableSpecCodec {
    private static final int SHAPE_EMBEDDING = 1;
    private static final int SHAPE_DENSE = 2;

    private static final int OPTIMIZER_SGD = 1;
    private static final int OPTIMIZER_MOMENTUM = 2;
    private static final int OPTIMIZER_ADAGRAD = 3;
    private static final int OPTIMIZER_ADAM = 4;
    private static final int OPTIMIZER_FTRL = 5;

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
        } else {
            throw new IllegalStateException("no encoding for " + shape);
        }
    }

    private static TableShape decodeShape(FieldReader in) {
        int tag = in.getByte("shape");
        return switch (tag) {
            case SHAPE_EMBEDDING -> new TableShape.Embedding(in.getInt("dim"));
            case SHAPE_DENSE -> new TableShape.Dense(in.getLong("length"), in.getInt("blockLength"));
            default -> throw FieldReader.malformed("shape must be known: shape=" + tag);
        };
    }

    private static void encodeOptimizer(OptimizerSpec optimizer, FieldWriter out) {
        if (optimizer instanceof OptimizerSpec.Sgd s) {
            out.putByte(OPTIMIZER_SGD);
            out.putFloat(s.rate());
        } else if (optimizer instanceof OptimizerSpec.Momentum m) {
            out.putByte(OPTIMIZER_MOMENTUM);
            out.putFloat(m.rate());
            out.putFloat(m.momentum());
        } else if (optimizer instanceof OptimizerSpec.AdaGrad a) {
            out.putByte(OPTIMIZER_ADAGRAD);
            out.putFloat(a.rate());
            out.putFloat(a.epsilon());
        } else if (optimizer instanceof OptimizerSpec.Adam a) {
            out.putByte(OPTIMIZER_ADAM);
            out.putFloat(a.rate());
            out.putFloat(a.beta1());
            out.putFloat(a.beta2());
            out.putFloat(a.epsilon());
        } else if (optimizer instanceof OptimizerSpec.Ftrl f) {
            out.putByte(OPTIMIZER_FTRL);
            out.putFloat(f.alpha());
            out.putFloat(f.beta());
            out.putFloat(f.l1());
            out.putFloat(f.l2());
        } else {
            throw new IllegalStateException("no encoding for " + optimizer);
        }
    }

    private static OptimizerSpec decodeOptimizer(FieldReader in) {
        int tag = in.getByte("optimizer");
        return switch (tag) {
            case OPTIMIZER_SGD -> new OptimizerSpec.Sgd(in.getFloat("rate"));
            case OPTIMIZER_MOMENTUM -> new OptimizerSpec.Momentum(in.getFloat("rate"), in.getFloat("momentum"));
            case OPTIMIZER_ADAGRAD -> new OptimizerSpec.AdaGrad(in.getFloat("rate"), in.getFloat("epsilon"));
            case OPTIMIZER_ADAM ->
                new OptimizerSpec.Adam(
                        in.getFloat("rate"), in.getFloat("beta1"), in.getFloat("beta2"), in.getFloat("epsilon"));
            case OPTIMIZER_FTRL ->
                new OptimizerSpec.Ftrl(in.getFloat("alpha"), in.getFloat("beta"), in.getFloat("l1"), in.getFloat("l2"));
            default -> throw FieldReader.malformed("optimizer must be known: optimizer=" + tag);
        };
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
