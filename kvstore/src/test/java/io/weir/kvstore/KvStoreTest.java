package io.weir.kvstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weir.client.Weir;
import io.weir.model.ErrorCode;
import io.weir.model.OptimizerSpec;
import io.weir.model.WeirException;
import io.weir.server.WeirServer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/// The verbs of a store, in one process and on two servers.
@Timeout(value = 2, unit = TimeUnit.MINUTES)
class KvStoreTest {
    @RegisterExtension
    private final Workers workers = new Workers(2);

    private static float pull(KvStore store, long key) {
        KvArray out = KvArray.zeros(store.shape(KvKey.of(key)));
        store.pull(key, out);
        float first = out.get(0);
        for (long i = 1; i < out.length(); i++) {
            assertThat(out.get(i)).isEqualTo(first);
        }
        return first;
    }

    // ---- in one process ----

    @Test
    void sumsAListOfValuesAndReplacesWhatIsStored() {
        try (KvStore store = KvStore.create("local")) {
            store.init(3, KvArray.full(4, 2, 3));
            assertThat(pull(store, 3)).isEqualTo(4);
            KvArray a = KvArray.full(1.5f, 2, 3);
            store.push(3, a, a, a, a);
            assertThat(pull(store, 3)).isEqualTo(6);
            assertThat(a.get(0)).as("the caller's value").isEqualTo(1.5f);
            KvArray first = KvArray.zeros(2, 3);
            KvArray second = KvArray.zeros(2, 3);
            store.pull(3, first, second);
            assertThat(second.toArray()).isEqualTo(first.toArray()).containsOnly(6);
            assertThat(store.type()).isEqualTo("local");
            assertThat(store.rank()).isZero();
            assertThat(store.numWorkers()).isEqualTo(1);
            assertThat(store.numDeadNode()).isZero();
            assertThat(store.isCapable(KvCapability.OPTIMIZER)).isTrue();
        }
    }

    @Test
    void callsAnUpdaterInOneProcess() {
        try (KvStore store = KvStore.create("device")) {
            store.init(3, KvArray.zeros(2, 3));
            store.setUpdater((key, received, stored) -> {
                assertThat(key).isEqualTo(KvKey.of(3));
                stored.add(received);
            });
            KvArray ones = KvArray.full(1, 2, 3);
            for (int i = 0; i < 4; i++) {
                store.push(3, ones, ones, ones, ones);
            }
            assertThat(pull(store, 3)).isEqualTo(16);
        }
    }

    @Test
    void anUpdaterThatFailsIsNamedByTheNextCall() {
        try (KvStore store = KvStore.create("local")) {
            store.init(3, KvArray.zeros(2));
            store.setUpdater((key, received, stored) -> stored.set(0, Float.NaN));
            store.push(3, KvArray.of(1, 1));
            assertThatThrownBy(() -> {
                        pull(store, 3);
                        pull(store, 3);
                    })
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("an earlier push of this key failed: key=3")
                    .hasMessageContaining("value must be finite: value=NaN, index=0, key=3");
        }
    }

    @Test
    void changesTheOptimizerAndKeepsTheValues() {
        try (KvStore store = KvStore.create("local")) {
            store.init(1, KvArray.full(5, 100_000));
            store.init(2, KvRows.dense(3, 2, 1, 1, 2, 2, 3, 3));
            store.push(1, KvArray.full(1, 100_000));
            store.setOptimizer(OptimizerSpec.parse("sgd(rate=0.5)"));
            store.push(1, KvArray.full(2, 100_000));
            assertThat(pull(store, 1)).isEqualTo(0);
            store.push(2, KvRows.dense(3, 2, 2, 2, 2, 2, 2, 2));
            store.setOptimizer(OptimizerSpec.parse("momentum(rate=1,momentum=0.5)"));
            store.push(1, KvArray.full(1, 100_000));
            store.push(1, KvArray.full(1, 100_000));
            assertThat(pull(store, 1)).isEqualTo(-2.5f);
            assertThat(store.rowSparsePull(2, 2, 0).values()).containsExactly(0, 0, 2, 2);
        }
    }

    @Test
    void needsServersInItsProcess() {
        assertThatThrownBy(() -> KvStore.create("dist"))
                .hasMessage("store type must be one of local, device, dist_sync, dist_sync_device, dist_device_sync,"
                        + " dist_async, dist_async_device: type=dist");
        assertThatThrownBy(
                        () -> KvConfig.ofEnvironment(KvType.DIST_SYNC, Map.of("WEIR_SERVERS", "x:1", "WEIR_RANK", "0")))
                .hasMessageContaining("missing=WEIR_WORKER_COUNT");
        KvConfig config = KvConfig.ofEnvironment(
                KvType.parse("dist_device_sync"),
                Map.of("WEIR_SERVERS", "x:1,y", "WEIR_RANK", "2", "WEIR_WORKER_COUNT", "3", "WEIR_RUN", "job"));
        assertThat(config)
                .isEqualTo(KvConfig.distributed(KvType.DIST_DEVICE_SYNC, "x:1,y", 2, 3)
                        .withName("job"));
    }

    // ---- mistakes ----

    @Test
    void refusesMistakesAndGoesOn() throws Exception {
        List<Float> seen = workers.run("dist_sync", "mistakes", 2, store -> {
            store.init("a", KvArray.zeros(2, 3));
            assertThatThrownBy(() -> store.init("a", KvArray.zeros(2, 3)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("key is there already: key='a'");
            assertThatThrownBy(() -> store.init(1, KvArray.zeros(2, 3)))
                    .hasMessage("keys of one store must all be numbers or all be strings: key=1, present='a'");
            assertThatThrownBy(() -> store.pull(1, KvArray.zeros(2, 3))).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> store.push("b", KvArray.zeros(2, 3)))
                    .hasMessage("key must be initialized first: key='b'");
            assertThatThrownBy(() -> store.pull("b", KvArray.zeros(2, 3)))
                    .hasMessage("key must be initialized first: key='b'");
            assertThatThrownBy(() -> store.push("a", KvArray.zeros(3, 2)))
                    .hasMessage("value must have the shape of its key: key='a', expected=[2, 3], actual=[3, 2]");
            assertThatThrownBy(() ->
                            store.push("a", KvArray.of(new long[] {2, 3}, new float[] {0, 0, 0, 0, 1 / 0f, 0})))
                    .hasMessage("value must be finite: value=Infinity, index=4, key='a'");
            assertThatThrownBy(() -> store.push("a", KvRows.empty(2, 3)))
                    .hasMessageStartingWith("rows must have the shape of their key: key='a', expected=[2, 3] (dense)");
            assertThatThrownBy(() -> store.setUpdater((key, received, stored) -> {}))
                    .hasMessageStartingWith("an updater is code, which servers do not take");
            assertThatThrownBy(() -> store.init("x".repeat(300), KvArray.of(1)))
                    .hasMessageStartingWith("key is too long");
            store.push("a", KvArray.full(store.rank() + 1, 2, 3));
            KvArray out = KvArray.zeros(2, 3);
            store.pull("a", out);
            return out.get(5);
        });
        assertThat(seen).containsExactly(3f, 3f);
    }

    @Test
    void aKeyThatOnlyOtherWorkersMadeIsAnError() throws Exception {
        workers.run("dist_sync", "lonely", 2, store -> {
            if (store.rank() == 0) {
                store.init(1, KvArray.of(1));
            } else {
                assertThatThrownBy(() -> store.init("1", KvArray.of(1)))
                        .isInstanceOf(WeirException.class)
                        .hasMessageStartingWith("the worker with rank 0 has not made this key: key='1'");
            }
            store.init(store.rank() == 0 ? KvKey.of(2) : KvKey.of(2), KvArray.of(store.rank()));
            if (store.rank() == 1) {
                assertThat(pull(store, 2)).isZero();
            }
            return 0;
        });
    }

    @Test
    void keysOfSixtyFourBitsAndOddStringsAreAllDistinct() throws Exception {
        long[] keys = {0, 1, -1, Long.MAX_VALUE, Long.MIN_VALUE, 1L << 32, (1L << 32) + 1, 0xffffffffL};
        List<String> texts = List.of("a/b", "a_b", "a_2fb", "ä", "", " ", "A", "a");
        workers.run("dist_async", "numbers", 2, store -> {
            for (long key : keys) {
                store.init(key, KvArray.of(key % 1000));
            }
            for (long key : keys) {
                assertThat(pull(store, key)).isEqualTo(key % 1000);
            }
            return 0;
        });
        workers.run("dist_sync", "texts", 1, store -> {
            for (int i = 0; i < texts.size(); i++) {
                store.init(texts.get(i), KvArray.of(i));
            }
            for (int i = 0; i < texts.size(); i++) {
                KvArray out = KvArray.of(-1);
                store.pull(texts.get(i), out);
                assertThat(out.get(0)).as(texts.get(i)).isEqualTo(i);
            }
            return 0;
        });
    }

    // ---- rows ----

    @Test
    void pushesAndPullsRows() throws Exception {
        for (int n = 1; n <= 3; n++) {
            int count = n;
            workers.run("dist_sync", "rows" + n, n, store -> {
                store.setOptimizer(OptimizerSpec.parse("sgd(rate=2)"));
                store.init("e", KvRows.dense(3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1));
                for (int round = 0; round < 3; round++) {
                    int row = store.rank() % 2;
                    float value = -(store.rank() + 1);
                    store.push("e", new KvRows(3, 3, new long[] {row}, new float[] {value, value, value}));
                    float[] expected = {1, 1, 1};
                    for (int rank = 0; rank < count; rank++) {
                        expected[rank % 2] += 2 * (round + 1) * (rank + 1);
                    }
                    KvRows rows = store.rowSparsePull("e", 2, 0, 2, 1, 0);
                    assertThat(rows.ids()).containsExactly(0, 1, 2);
                    for (int i = 0; i < 9; i++) {
                        assertThat(rows.values()[i]).isEqualTo(expected[i / 3]);
                    }
                }
                KvRows before = store.rowSparsePull("e", 0, 1, 2);
                store.push("e", KvRows.empty(3, 3));
                assertThat(store.rowSparsePull("e", 0, 1, 2)).isEqualTo(before);
                KvArray some = KvArray.full(7, 3, 3);
                store.rowSparsePull(KvKey.of("e"), 0, some, new long[] {1});
                assertThat(Arrays.copyOf(some.toArray(), 3)).containsOnly(0);
                assertThat(some.get(3)).isEqualTo(before.values()[3]);
                assertThatThrownBy(() -> store.rowSparsePull("e", 3))
                        .hasMessage("row must be from 0 to rowCount - 1: row=3, rowCount=3");
                assertThatThrownBy(() -> store.pull("e", some)).hasMessage("rows are read by rowSparsePull: key='e'");
                return 0;
            });
        }
    }

    @Test
    void sumsRowsThatRepeatAcrossSlices() throws Exception {
        int count = 3 * KvEntry.SLICE_LENGTH;
        workers.run("dist_sync", "long", 1, store -> {
            long[] ids = new long[count];
            float[] ones = new float[count];
            for (int i = 0; i < count; i++) {
                ids[i] = (i * 7919L) % 1000 + 40_000L * (i % 2);
                ones[i] = 1;
            }
            store.init(1, KvRows.empty(100_000, 1));
            store.push(1, new KvRows(100_000, 1, ids, ones));
            KvRows rows = store.rowSparsePull(1, ids);
            float sum = 0;
            for (float value : rows.values()) {
                sum += value;
            }
            assertThat(sum).isEqualTo(count);
            return 0;
        });
    }

    // ---- asynchronous stores, and workers that are gone ----

    @Test
    void appliesAsynchronousPushesAtOnce() throws Exception {
        List<Float> seen = workers.run("dist_async", "async", 2, store -> {
            store.setOptimizer(OptimizerSpec.parse("sgd(rate=1)"));
            store.init(1, KvArray.zeros(70_000));
            if (store.rank() == 0) {
                for (int i = 0; i < 5; i++) {
                    store.push(1, KvArray.full(-1, 70_000));
                }
                assertThat(pull(store, 1)).as("its own pushes").isGreaterThanOrEqualTo(5);
            } else {
                store.push(1, KvArray.full(-10, 70_000));
            }
            store.barrier();
            return pull(store, 1);
        });
        assertThat(seen).containsExactly(15f, 15f);
    }

    @Test
    void aDeadWorkerDoesNotStopTheOthers() throws Exception {
        KvConfig first = workers.config("dist_sync", "dead", 0, 2).withSilence(Duration.ofSeconds(1));
        KvConfig second = workers.config("dist_sync", "dead", 1, 2).withSilence(Duration.ofSeconds(1));
        CountDownLatch ready = new CountDownLatch(1);
        Thread other = new Thread(() -> {
            // It gives no sign of life.
            Weir weir = workers.silent(second);
            KvStore store = KvStore.open(second, weir);
            store.setOptimizer(OptimizerSpec.parse("sgd(rate=1)"));
            store.init(1, KvArray.of(0));
            store.push(1, KvArray.of(-1));
            pull(store, 1);
            ready.countDown();
        });
        other.start();
        try (KvStore store = KvStore.open(first)) {
            store.setOptimizer(OptimizerSpec.parse("sgd(rate=1)"));
            store.init(1, KvArray.of(0));
            store.push(1, KvArray.of(-10));
            assertThat(pull(store, 1)).isEqualTo(11);
            assertThat(ready.await(1, TimeUnit.MINUTES)).isTrue();
            store.push(1, KvArray.of(-100));
            assertThat(pull(store, 1)).isEqualTo(111);
            assertThat(store.numDeadNode()).isEqualTo(1);
            store.barrier();
        }
        other.join();
    }

    @Test
    void aWorkerThatComesBackGoesOnWithTheValues() throws Exception {
        for (String type : List.of("dist_sync", "dist_async")) {
            KvConfig config = workers.config(type, "back-" + type, 0, 1);
            KvStore gone = KvStore.open(config);
            gone.init(1, KvArray.of(5));
            gone.setOptimizer(OptimizerSpec.parse("sgd(rate=1)"));
            gone.push(1, KvArray.of(1));
            gone.push(1, KvArray.of(1));
            assertThat(pull(gone, 1)).isEqualTo(3);
            gone.abandon();
            try (KvStore back = KvStore.open(config)) {
                back.init(1, KvArray.of(5));
                assertThat(pull(back, 1)).as(type).isEqualTo(3);
                back.setOptimizer(OptimizerSpec.parse("sgd(rate=1)"));
                back.push(1, KvArray.of(1));
                back.push(1, KvArray.of(1));
                back.push(1, KvArray.of(1));
                assertThat(pull(back, 1)).as(type).isEqualTo(0);
            }
        }
    }

    // ---- optimizer states ----

    @Test
    void savesAndLoadsOptimizerStatesOfAllServers(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("states");
        workers.run("dist_sync", "first", 2, store -> {
            store.setOptimizer(OptimizerSpec.parse("momentum(rate=1,momentum=0.5)"));
            store.init(1, KvArray.zeros(40_000));
            store.init(2, KvRows.empty(10, 2));
            store.push(1, KvArray.full(1, 40_000));
            store.push(2, new KvRows(10, 2, new long[] {7}, new float[] {1, 2}));
            store.barrier();
            pull(store, 1);
            KvRows unused = store.rowSparsePull(2, 7);
            if (store.rank() == 0) {
                store.saveOptimizerStates(file);
            }
            store.barrier();
            return 0;
        });
        workers.run("dist_sync", "second", 2, store -> {
            store.setOptimizer(OptimizerSpec.parse("momentum(rate=1,momentum=0.5)"));
            store.init(1, KvArray.full(100, 40_000));
            store.init(2, KvRows.empty(10, 2));
            store.barrier();
            if (store.rank() == 1) {
                store.loadOptimizerStates(file);
            }
            store.barrier();
            assertThat(pull(store, 1)).as("values stay").isEqualTo(100);
            store.push(1, KvArray.zeros(40_000));
            store.push(2, new KvRows(10, 2, new long[] {7}, new float[] {0, 0}));
            // v = 0.5 · 2
            assertThat(pull(store, 1)).isEqualTo(99);
            assertThat(store.rowSparsePull(2, 7).values()).containsExactly(-1, -2);
            return 0;
        });
        byte[] whole = Files.readAllBytes(file);
        workers.run("dist_sync", "third", 1, store -> {
            store.setOptimizer(OptimizerSpec.parse("momentum(rate=1,momentum=0.25)"));
            store.init(1, KvArray.full(100, 40_000));
            assertThatThrownBy(() -> store.loadOptimizerStates(file))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("optimizer: here=momentum(rate=1,momentum=0.25), there=");
            for (int at : new int[] {5, 40, whole.length / 2, whole.length - 2}) {
                byte[] flipped = whole.clone();
                flipped[at] ^= 4;
                Path bad = Files.write(folder.resolve("flipped"), flipped);
                assertThatThrownBy(() -> store.loadOptimizerStates(bad)).isInstanceOf(Exception.class);
                Path cut = Files.write(folder.resolve("cut"), Arrays.copyOf(whole, at));
                assertThatThrownBy(() -> store.loadOptimizerStates(cut)).isInstanceOf(Exception.class);
            }
            assertThat(pull(store, 1)).isEqualTo(100);
            return 0;
        });
    }

    @Test
    void serversRecordAProfileWhenTold() throws Exception {
        workers.run("dist_sync", "profile", 1, store -> {
            assertThatThrownBy(() -> store.dumpServerProfile(false))
                    .isInstanceOf(WeirException.class)
                    .hasMessage("no profile is being recorded");
            store.startServerProfile();
            store.startServerProfile();
            store.init(1, KvArray.zeros(1000));
            List<String> first = store.dumpServerProfile(false);
            List<String> last = store.dumpServerProfile(true);
            assertThat(first).hasSize(2).doesNotContainAnyElementsOf(last);
            for (String file : last) {
                Path profile = Path.of(file);
                assertThat(new String(Files.readAllBytes(profile), 0, 3, StandardCharsets.ISO_8859_1))
                        .isEqualTo("FLR");
                Files.delete(profile);
            }
            for (String file : first) {
                Files.delete(Path.of(file));
            }
            assertThatThrownBy(() -> store.dumpServerProfile(true)).hasMessage("no profile is being recorded");
            assertThat(store.servers()).hasSize(2);
            return 0;
        });
    }

    @Test
    void saysThatAServerIsGone() throws Exception {
        WeirServer server = workers.server(0);
        KvConfig config = workers.config("dist_sync", "gone", 0, 1);
        KvStore store = KvStore.open(config.withClient(config.client().withDeadline(Duration.ofSeconds(1))));
        store.init(1, KvArray.zeros(100_000));
        server.close();
        assertThatThrownBy(() -> {
                    store.push(1, KvArray.zeros(100_000));
                    pull(store, 1);
                })
                .isInstanceOfSatisfying(
                        WeirException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.UNAVAILABLE));
        store.abandon();
    }
}
