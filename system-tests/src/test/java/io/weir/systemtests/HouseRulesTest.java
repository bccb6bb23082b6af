package io.weir.systemtests;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.systemtests.HouseRules.Use;
import java.util.List;
import org.junit.jupiter.api.Test;

/// The rules find what they are there to find, shown on uses that no code of ours has.
class HouseRulesTest {
    @Test
    void allowsWhatTheTableAllows() {
        assertThat(HouseRules.violations(List.of(
                        new Use("wire", "io.weir.wire.A", "io.weir.model.B"),
                        new Use("wire", "io.weir.wire.A", "io.weir.wire.C"),
                        new Use("shard", "io.weir.shard.A", "io.weir.table.B"),
                        new Use("kernel", "io.weir.kernel.A", "jdk.incubator.vector.FloatVector"),
                        new Use("cli", "io.weir.cli.A", "picocli.CommandLine"),
                        new Use("model", "io.weir.model.A", "org.jspecify.annotations.Nullable"),
                        new Use("model", "io.weir.model.A", "java.util.List"))))
                .isEmpty();
    }

    @Test
    void refusesAnArrowAgainstTheFlow() {
        assertThat(HouseRules.violations(List.of(new Use("wire", "io.weir.wire.A", "io.weir.client.B"))))
                .containsExactly("module wire must not use module client: io.weir.wire.A -> io.weir.client.B");
    }

    @Test
    void keepsWireAndTableApart() {
        assertThat(HouseRules.violations(List.of(
                        new Use("table", "io.weir.table.A", "io.weir.wire.B"),
                        new Use("wire", "io.weir.wire.C", "io.weir.table.D"))))
                .contains(
                        "module table must not use module wire: io.weir.table.A -> io.weir.wire.B",
                        "module wire must not use module table: io.weir.wire.C -> io.weir.table.D");
    }

    @Test
    void refusesACircleOfPackagesInsideAModule() {
        assertThat(HouseRules.violations(List.of(
                        new Use("cli", "io.weir.cli.A", "io.weir.cli.bench.B"),
                        new Use("cli", "io.weir.cli.bench.C", "io.weir.cli.text.D"),
                        new Use("cli", "io.weir.cli.text.E", "io.weir.cli.F"))))
                .containsExactly(
                        "packages must not use each other in a circle: io.weir.cli uses [io.weir.cli.bench]",
                        "packages must not use each other in a circle: io.weir.cli.bench uses [io.weir.cli.text]",
                        "packages must not use each other in a circle: io.weir.cli.text uses [io.weir.cli]");
    }

    @Test
    void keepsTheOutsideWorldFromWhatASimulationPlays() {
        for (String outside : List.of(
                "java.lang.Thread",
                "java.util.SplittableRandom",
                "java.util.concurrent.CompletableFuture",
                "java.net.Socket",
                "java.nio.file.Files",
                "java.time.Instant")) {
            assertThat(HouseRules.violations(List.of(
                            new Use("shard", "io.weir.shard.A", outside),
                            new Use("client", "io.weir.client.internal.WorkerStream$B", outside))))
                    .hasSize(2)
                    .allMatch(violation -> violation.startsWith("what a simulation plays"));
            assertThat(HouseRules.violations(List.of(new Use("server", "io.weir.server.A", outside))))
                    .isEmpty();
        }
        Use lock =
                new Use("client", "io.weir.client.internal.WorkerStream", "java.util.concurrent.locks.ReentrantLock");
        assertThat(HouseRules.violations(List.of(lock))).isEmpty();
        assertThat(HouseRules.isForbiddenMethod("io.weir.shard.A", "java.lang.System", "nanoTime"))
                .isTrue();
        assertThat(HouseRules.isForbiddenMethod("io.weir.server.A", "java.lang.System", "nanoTime"))
                .isFalse();
    }

    @Test
    void letsUsersInThroughOneDoorOnly() {
        Use inside = new Use("client", "io.weir.client.internal.A", "io.weir.client.Table");
        assertThat(HouseRules.violations(
                        List.of(inside, new Use("client", "io.weir.client.Weir", "io.weir.client.internal.A"))))
                .isEmpty();
        assertThat(HouseRules.violations(
                        List.of(inside, new Use("client", "io.weir.client.Run", "io.weir.client.internal.A"))))
                .hasSize(2);
    }

    @Test
    void keepsTheVectorModuleInKernel() {
        assertThat(HouseRules.violations(
                        List.of(new Use("table", "io.weir.table.A", "jdk.incubator.vector.FloatVector"))))
                .containsExactly(
                        "only module kernel may use the vector module: io.weir.table.A -> jdk.incubator.vector.FloatVector");
    }

    @Test
    void refusesLibrariesWhereNoneBelong() {
        assertThat(HouseRules.violations(List.of(new Use("client", "io.weir.client.A", "picocli.CommandLine"))))
                .containsExactly("module client must not use this library: io.weir.client.A -> picocli.CommandLine");
    }

    @Test
    void refusesADoorForCodeFromOutside() {
        for (String forbidden : List.of(
                "java.io.ObjectInputStream",
                "javax.script.ScriptEngine",
                "java.net.URLClassLoader",
                "java.lang.reflect.Method")) {
            assertThat(HouseRules.violations(List.of(new Use("server", "io.weir.server.A", forbidden))))
                    .as(forbidden)
                    .containsExactly("nobody may turn data into objects or code, or reach into the JDK:"
                            + " io.weir.server.A -> " + forbidden);
        }
        assertThat(HouseRules.isForbiddenMethod("io.weir.cli.A", "java.lang.Class", "forName"))
                .isTrue();
        assertThat(HouseRules.isForbiddenMethod("io.weir.cli.A", "java.lang.Class", "getName"))
                .isFalse();
    }

    @Test
    void refusesAClassOutsideItsModulesPackage() {
        assertThat(HouseRules.violations(List.of(new Use("shard", "io.weir.table.A", "java.util.List"))))
                .containsExactly("a class of module shard must be in package io.weir.shard: io.weir.table.A");
    }
}
