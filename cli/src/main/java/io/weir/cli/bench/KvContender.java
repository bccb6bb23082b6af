package io.weir.cli.bench;

import io.weir.client.Weir;
import io.weir.kvstore.KvArray;
import io.weir.kvstore.KvConfig;
import io.weir.kvstore.KvKey;
import io.weir.kvstore.KvStore;
import io.weir.kvstore.KvType;
import java.util.List;
import org.HdrHistogram.Histogram;

/// A key-value store whose only worker pushes and pulls one key in synchronous rounds.
final class KvContender extends ClientContender {
    private static final KvKey KEY = KvKey.of(0);

    private final Weir weir;
    private final KvStore store;
    private final KvArray gradient;
    private final KvArray value;

    private KvContender(Weir weir, KvStore store, KvArray gradient, KvArray value) {
        super(gradient.length(), 2 * gradient.length() * Float.BYTES);
        this.weir = weir;
        this.store = store;
        this.gradient = gradient;
        this.value = value;
    }

    /// Opens a store over the connection, makes the key, and verifies its first round.
    static KvContender prepare(Weir weir, BenchConfig config, float[] gradients) {
        KvStore store = KvStore.open(
                KvConfig.distributed(KvType.DIST_SYNC, "", 0, 1).withName("bench-" + System.nanoTime()), weir);
        store.setOptimizer(config.optimizer());
        store.init(KEY, KvArray.zeros(gradients.length));
        KvContender contender =
                new KvContender(weir, store, KvArray.of(gradients), KvArray.of(new float[gradients.length]));
        contender.unit();
        for (int i = 0; i < gradients.length; i++) {
            WeirBench.verify("position", i, 0, -WeirBench.adaGradStep(gradients[i]), contender.value.get(i));
        }
        return contender;
    }

    private void unit() {
        store.pushPullAsync(KEY, 0, List.of(gradient), List.of(value)).join();
    }

    @Override
    long repeat(long durationNs, long startNs, Histogram latenciesNs) {
        return Measurement.repeat(durationNs, startNs, latenciesNs, this::unit);
    }

    @Override
    public void close() {
        store.close();
        weir.tables().stream()
                .map(info -> info.spec().name())
                .filter(name -> name.startsWith("kv/bench-"))
                .forEach(weir::drop);
    }
}
