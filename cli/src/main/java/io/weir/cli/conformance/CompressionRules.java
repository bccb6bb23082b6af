package io.weir.cli.conformance;

import static io.weir.cli.conformance.ConformanceRule.among;
import static io.weir.cli.conformance.ConformanceRule.here;
import static io.weir.cli.conformance.RuleParts.WORKER_COUNTS;
import static io.weir.cli.conformance.RuleParts.join;
import static io.weir.cli.conformance.RuleParts.number;
import static io.weir.cli.conformance.RuleParts.pull;
import static io.weir.cli.conformance.RuleParts.sgd;

import io.weir.kvstore.KvArray;
import io.weir.kvstore.KvConfig;
import io.weir.kvstore.KvStore;
import io.weir.model.Compression;
import io.weir.wire.ValueEncoder;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// Gradients of MXNet's store in one and two bits, with what rounding left.
final class CompressionRules {
    private static final String SECTION = "gradient compression";

    private CompressionRules() {}

    /// In the order of the report.
    static List<ConformanceRule> rules() {
        List<ConformanceRule> rules = new ArrayList<>();
        for (int n : WORKER_COUNTS) {
            rules.add(among(
                    n,
                    SECTION,
                    "2bit",
                    "2bit, threshold 0.5, w += 2·g from 0; all push 0.4, 0.1, 0.2, 0.3: 0, n, n, 2n",
                    join(List.of(number(0), number(n), number(n), number(2 * n))),
                    // What is pushed is negated, and the optimizer subtracts twice what comes.
                    config -> compressed(config, "2bit", 0.5f, -0.4f, -0.1f, -0.2f, -0.3f)));
            rules.add(among(
                    n,
                    SECTION,
                    "1bit-compat",
                    "1bit as published, threshold 0, w -= 2·g from 0; all push 1, -1, 2, 0, -2: -2n, 0, -2n, -4n, -2n",
                    join(List.of(number(-2 * n), number(0), number(-2 * n), number(-4 * n), number(-2 * n))),
                    config -> compressed(config, "1bit-compat", 0, 1, -1, 2, 0, -2)));
            rules.add(among(
                    n,
                    SECTION,
                    "1bit",
                    "1bit scaled by the mean, w -= 2·g from 0; all push 1, 0, 2, 0: a zero gradient moves nothing",
                    join(List.of(number(-2 * n), number(-2 * n), number(-6 * n), number(-6 * n))),
                    config -> compressed(config, "1bit", 0, 1, 0, 2, 0)));
        }
        rules.add(here(
                SECTION,
                "2bit-bytes",
                "2bit, threshold 4, gradient -6 -2 3 1 10 5 -3 2 -8 0, residual -3 1 -1 5 -2 2 3 -7 -2 -100: its bytes,"
                        + " and the residual after it",
                "83 f2 a0 00, -5 -1 2 2 4 3 0 -1 -6 -96",
                () -> {
                    float[] gradient = {-6, -2, 3, 1, 10, 5, -3, 2, -8, 0};
                    float[] residual = {-3, 1, -1, 5, -2, 2, 3, -7, -2, -100};
                    List<String> left = new ArrayList<>();
                    for (int i = 0; i < gradient.length; i++) {
                        residual[i] += gradient[i];
                    }
                    ByteBuffer out = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
                    int bytes = new ValueEncoder(Compression.twoBit(4)).encode(residual, residual.length, 10, out, 0);
                    List<String> words = new ArrayList<>();
                    // The threshold comes first.
                    for (int i = Float.BYTES; i < bytes; i++) {
                        words.add(String.format(Locale.ROOT, "%02x", out.get(i)));
                    }
                    for (float value : residual) {
                        left.add(number(value));
                    }
                    return join(words) + ", " + join(left);
                }));
        return rules;
    }

    /// Pushes these constants one after the other, and pulls after each.
    private static String compressed(KvConfig config, String type, float threshold, float... values) {
        try (KvStore store = KvStore.open(config)) {
            store.setOptimizer(sgd(2));
            store.setGradientCompression(type, threshold);
            store.init(1, KvArray.zeros(50, 1001));
            List<String> got = new ArrayList<>();
            for (float value : values) {
                store.push(1, KvArray.full(value, 50, 1001));
                got.add(pull(store, 1));
            }
            return join(got);
        }
    }
}
