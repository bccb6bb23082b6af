package io.weir.kvstore;

import io.weir.model.Compression;

/// In how many bits the values of a key travel. The servers keep and train 32 bits of them in any case.
public enum KvPrecision {
    /// As they are.
    FLOAT32,
    /// Half precision, IEEE 754 binary16.
    FLOAT16,
    /// The upper half of a float, bfloat16.
    BFLOAT16;

    /// How pushes and pulls travel.
    Compression compression() {
        return switch (this) {
            case FLOAT32 -> Compression.none();
            case FLOAT16 -> Compression.fp16();
            case BFLOAT16 -> Compression.bf16();
        };
    }
}
