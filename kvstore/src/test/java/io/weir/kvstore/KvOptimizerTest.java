package io.weir.kvstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.weir.model.OptimizerSpec;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(value = 2, unit = TimeUnit.MINUTES)
class KvOptimizerTest {
    private static final String NAMES =
            "adadelta, adagrad, adam, adamax, adamw, dcasgd, ftml, ftrl, groupadagrad, lamb,"
                    + " lars, nadam, nag, rmsprop, sgd, sgld, signum";

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "sgd | sgd(rate=0.01)",
                "nag | nesterov(rate=0.1,momentum=0.9)",
                "adam | adam(rate=0.001,beta1=0.9,beta2=0.999,epsilon=1e-8)",
                "adamw | adamw(rate=0.001,beta1=0.9,beta2=0.999,epsilon=1e-6,decay=0)",
                "adamax | adamax(rate=0.002,beta1=0.9,beta2=0.999)",
                "nadam | nadam(rate=0.001,beta1=0.9,beta2=0.999,epsilon=1e-8,momentum_decay=0.004)",
                "adagrad | adagrad(rate=0.01,epsilon=1e-7)",
                "groupadagrad | group_adagrad(rate=0.01,epsilon=1e-5)",
                "adadelta | adadelta(rate=1,rho=0.9,epsilon=1e-5)",
                "rmsprop | rmsprop(rate=0.001,rho=0.9,epsilon=1e-8)",
                "ftrl | ftrl(alpha=0.1,beta=1,l1=0.01,l2=0)",
                "ftml | ftml(rate=0.0025,beta1=0.6,beta2=0.999,epsilon=1e-8)",
                "signum | signum(rate=0.01,momentum=0.9,shrink=0)",
                "sgld | sgld(rate=0.01)",
                "lars | lars(rate=0.1,momentum=0,eta=0.001,epsilon=1e-8,decay=0)",
                "lamb | lamb(rate=0.001,beta1=0.9,beta2=0.999,epsilon=1e-6,decay=0,lower=0,upper=0)",
                "DCASGD | dcasgd(rate=0.01,momentum=0,lambda=0.04)"
            })
    void hasTheDefaultsThatUsersKnow(String name, String text) {
        assertThat(KvOptimizer.create(name, Map.of())).isEqualTo(OptimizerSpec.parse(text));
    }

    @Test
    void takesParametersByTheNamesThatUsersKnow() {
        assertThat(KvOptimizer.create(
                        "sgd",
                        Map.of(
                                "learning_rate",
                                0.5,
                                "momentum",
                                0.9,
                                "wd",
                                1e-4,
                                "rescale_grad",
                                0.25,
                                "clip_gradient",
                                2,
                                "lr_scheduler",
                                "step(every=10,factor=0.5)")))
                .isEqualTo(OptimizerSpec.parse("momentum(rate=0.5,momentum=0.9,decay=0.0001,scale=0.25,clip=2,"
                        + "schedule=step(every=10,factor=0.5))"));
        assertThat(KvOptimizer.create("sgd", Map.of("momentum", 0))).isEqualTo(OptimizerSpec.parse("sgd(rate=0.01)"));
        assertThat(KvOptimizer.create("rmsprop", Map.of("centered", true, "gamma1", 0.8)))
                .isEqualTo(OptimizerSpec.parse("rmsprop(rate=0.001,rho=0.8,epsilon=1e-8,momentum=0.9,centered=1)"));
        assertThat(KvOptimizer.create("lamb", Map.of("wd", 0.1, "upper_bound", 10)))
                .isEqualTo(OptimizerSpec.parse("lamb(decay=0.1,upper=10)"));
    }

    @Test
    void refusesWhatItDoesNotKnow() {
        assertThatThrownBy(() -> KvOptimizer.create("pickle", Map.of()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("optimizer must be one of " + NAMES + ": optimizer=pickle");
        assertThatThrownBy(() -> KvOptimizer.create("sgd with momentum", Map.of()))
                .hasMessage("optimizer must be one of " + NAMES + ": optimizer=sgd with momentum");
        assertThatThrownBy(() -> KvOptimizer.create("sgld", Map.of("beta1", 0.9)))
                .hasMessage("sgld has the parameters learning_rate, wd, rescale_grad, clip_gradient, lr_scheduler:"
                        + " found=beta1");
        assertThatThrownBy(() -> KvOptimizer.create("adam", Map.of("beta1", "much")))
                .hasMessage("adam beta1 must be a number: beta1=much");
        assertThatThrownBy(() -> KvOptimizer.create("adam", Map.of("learning_rate", -1)))
                .hasMessageStartingWith("adam rate must be above 0");
    }

    /// Each optimizer works on a store's values, dense and by rows, and leaves them alone until something is pushed; a
    /// change of the optimizer keeps them too.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "sgd",
                "nag",
                "adam",
                "adamw",
                "adamax",
                "nadam",
                "adagrad",
                "groupadagrad",
                "adadelta",
                "rmsprop",
                "ftrl",
                "ftml",
                "signum",
                "sgld",
                "lars",
                "lamb",
                "dcasgd"
            })
    void worksInAStore(String name) {
        try (KvStore store = KvStore.create("local")) {
            store.init(1, KvArray.full(0.5f, 40_000));
            store.setOptimizer(KvOptimizer.create("sgd", Map.of()));
            store.setOptimizer(KvOptimizer.create(name, Map.of("learning_rate", 0.125)));
            store.init(2, KvRows.dense(2, 3, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f));
            KvArray out = KvArray.zeros(40_000);
            store.pull(1, out);
            assertThat(out.get(39_999)).isEqualTo(0.5f);
            store.push(1, KvArray.full(0.25f, 40_000));
            store.push(2, new KvRows(2, 3, new long[] {1}, new float[] {0.25f, 0.25f, 0.25f}));
            store.pull(1, out);
            float dense = out.get(39_999);
            assertThat(dense).isNotNaN().isNotEqualTo(0.5f).isCloseTo(0.5f, within(2f));
            assertThat(store.rowSparsePull(2, 0).values()).containsOnly(0.5f);
            if (!name.equals("sgld") && !name.equals("lars") && !name.equals("lamb")) {
                // Noise and norms differ with the row.
                assertThat(out.get(0)).isEqualTo(dense);
                assertThat(store.rowSparsePull(2, 1).values()).containsOnly(dense);
            }
        }
    }
}
