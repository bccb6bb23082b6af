package io.weir.cli.conformance;

import io.weir.client.RunStatus;
import io.weir.client.Weir;
import io.weir.embedded.EmbeddedServer;
import io.weir.kvstore.KvArray;
import io.weir.kvstore.KvConfig;
import io.weir.kvstore.KvKey;
import io.weir.kvstore.KvOptimizer;
import io.weir.kvstore.KvStore;
import io.weir.model.OptimizerSpec;
import io.weir.server.ServerConfig;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;

/// What the rules of several subjects are made of.
final class RuleParts {
    /// How many workers try a rule, one case each.
    static final int[] WORKER_COUNTS = {1, 2, 4};

    private static final long MOST_WAIT_NS = 50_000_000_000L;
    private static final long POLL_NS = 5_000_000;

    private RuleParts() {}

    static String number(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e15
                ? Long.toString((long) value)
                : Float.toString((float) value);
    }

    /// The one value that all elements have.
    static String same(KvArray array) {
        for (long i = 1; i < array.length(); i++) {
            if (array.get(i) != array.get(0)) {
                return "differing: " + array.get(0) + " and " + array.get(i);
            }
        }
        return number(array.get(0));
    }

    static String pull(KvStore store, KvKey key) {
        KvArray out = KvArray.zeros(store.shape(key));
        store.pull(key, 0, out);
        return same(out);
    }

    static String pull(KvStore store, long key) {
        return pull(store, KvKey.of(key));
    }

    static OptimizerSpec sgd(double rate) {
        return KvOptimizer.create("sgd", Map.of("learning_rate", rate));
    }

    /// What a mistake is answered with: `error`, or that there was none.
    static String errorOf(Runnable mistake) {
        try {
            mistake.run();
            return "no error";
        } catch (IllegalArgumentException e) {
            return "error";
        }
    }

    static String join(List<String> parts) {
        return String.join(" ", parts);
    }

    static EmbeddedServer smallServer() {
        return EmbeddedServer.open(ServerConfig.defaults().withShardCount(2).withMemoryCapBytes(64L << 20));
    }

    static String tableName(KvConfig config) {
        return config.name().replace('/', '-');
    }

    static Weir connect(KvConfig config) {
        return Weir.connect(config.servers(), config.client());
    }

    /// Waits until the run has come to something.
    static RunStatus await(Weir weir, KvConfig config, Predicate<RunStatus> condition) {
        long sinceNs = System.nanoTime();
        RunStatus status = weir.runStatus(config.name());
        while (!condition.test(status)) {
            if (System.nanoTime() - sinceNs > MOST_WAIT_NS) {
                throw new IllegalStateException("the run never came to what was waited for: status=" + status);
            }
            LockSupport.parkNanos(POLL_NS);
            status = weir.runStatus(config.name());
        }
        return status;
    }
}
