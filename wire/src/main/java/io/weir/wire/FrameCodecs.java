package io.weir.wire;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.ServiceLoader;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// The frame codecs that this process has: `deflate`, and those that further modules bring as services. Thread-safe.
public final class FrameCodecs {
    /// No codec: frames go as they are.
    public static final String NONE = "none";

    public static final long DEFLATE_FEATURE = 1;
    public static final long ZSTD_FEATURE = 1 << 1;
    public static final long LZ4_FEATURE = 1 << 2;

    private static final List<FrameCodec.Factory> FACTORIES = load();

    private FrameCodecs() {}

    private static List<FrameCodec.Factory> load() {
        List<FrameCodec.Factory> factories = new ArrayList<>();
        factories.add(new DeflateCodec.Factory());
        for (FrameCodec.Factory each :
                ServiceLoader.load(FrameCodec.Factory.class, FrameCodecs.class.getClassLoader())) {
            factories.add(each);
        }
        return List.copyOf(factories);
    }

    /// Bits of all codecs.
    public static long features() {
        long features = 0;
        for (FrameCodec.Factory factory : FACTORIES) {
            features |= factory.feature();
        }
        return features;
    }

    /// Bit of the codec with this name, 0 for [#NONE].
    ///
    /// @throws IllegalArgumentException if there is none of this name
    public static long featureOf(String name) {
        Objects.requireNonNull(name, "name");
        if (name.equals(NONE)) {
            return 0;
        }
        for (FrameCodec.Factory factory : FACTORIES) {
            if (factory.name().equals(name)) {
                return factory.feature();
            }
        }
        throw new IllegalArgumentException("frame codec must be one of " + NONE + ", "
                + FACTORIES.stream().map(FrameCodec.Factory::name).collect(Collectors.joining(", "))
                + ": frameCodec=" + name);
    }

    /// A new codec for a connection on which these features are agreed on: the one with the lowest bit. Null if there
    /// is none.
    public static @Nullable FrameCodec create(long features) {
        FrameCodec.Factory chosen = null;
        for (FrameCodec.Factory factory : FACTORIES) {
            if ((features & factory.feature()) != 0 && (chosen == null || factory.feature() < chosen.feature())) {
                chosen = factory;
            }
        }
        return chosen == null ? null : chosen.create();
    }
}
