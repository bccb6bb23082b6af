package io.weir.cli;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.weir.client.Weir;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TableCommandTest {
    private @Nullable TestServer server;

    @BeforeEach
    void start() throws IOException {
        TestServer started = TestServer.start(2);
        server = started;
        try (Weir weir = Weir.connect(started.address())) {
            weir.create(TableSpec.embedding("ads", 2, OptimizerSpec.parse("sgd(rate=1)")));
            weir.table("ads").push(new long[] {7, -1, Long.MIN_VALUE}, new float[] {1, 2, 3, 4, 5, 6});
        }
    }

    @AfterEach
    void stop() {
        requireNonNull(server).close();
    }

    private Ran table(String... args) {
        String[] all = new String[args.length + 3];
        all[0] = "table";
        System.arraycopy(args, 0, all, 1, args.length);
        all[args.length + 1] = "--servers";
        all[args.length + 2] = requireNonNull(server).address();
        return Ran.weir(all);
    }

    @Test
    void helpNamesEveryOptimizer() {
        for (String command : new String[] {"table create", "train lr", "train softmax", "train mlp", "compare"}) {
            String[] words = Ran.weir((command + " --help").split(" ")).out().split("[^a-z_]+");
            for (String name : OptimizerSpec.names()) {
                if (command.startsWith("table") || OptimizerSpec.parse(name).takesGradients()) {
                    assertThat(words).as(command).contains(name);
                }
            }
        }
    }

    @Test
    void listsTables() {
        assertThat(table("create", "tower", "--dense", "100", "--optimizer", "adam")
                        .exitCode())
                .isEqualTo(Exit.OK);
        String[] lines = table("ls").out().split("\n");
        assertThat(lines).hasSize(3);
        assertThat(lines[0]).matches("TABLE +SHAPE +OPTIMIZER +ROWS +MEMORY");
        assertThat(lines[1]).matches("ads +dim 2 +sgd\\(rate=1\\) +3 +\\S+ \\S+");
        assertThat(lines[2]).startsWith("tower  dense 100  adam(");
        assertThat(table("ls", "--json").json().fields())
                .containsEntry("tables.0.name", "ads")
                .containsEntry("tables.0.dim", 2L)
                .containsEntry("tables.0.rows", 3L)
                .containsEntry("tables.1.length", 100L);
    }

    @Test
    void describesATable() {
        assertThat(table("describe", "ads").out())
                .contains("optimizer", "sgd(rate=1)", "initial row", "zero", "rows", "3", "bytes a row");
        assertThat(table("describe", "ads", "--json").json().fields())
                .containsEntry("name", "ads")
                .containsEntry("slots", 0L)
                .containsEntry("creatorRun", "null")
                .containsEntry("shards", 2L);
    }

    @Test
    void showsRowsOfKeys() {
        assertThat(table("rows", "ads", "--keys", "-1,5,7,18446744073709551615").out())
                .isEqualTo("""
                        KEY  PUSHES  WEIGHTS    SLOTS
                         -1       -  -3.0 -4.0  -
                          5       -  0.0 0.0    -
                          7       -  -1.0 -2.0  -
                         -1       -  -3.0 -4.0  -
                        """);
        assertThat(table("rows", "ads", "--keys", "-9223372036854775808", "--json")
                        .json()
                        .fields())
                .containsEntry("rows.0.key", Long.MIN_VALUE)
                .containsEntry("rows.0.weights.1", -6.0);
    }

    @Test
    void showsTheFirstRowsOfAScan() {
        assertThat(table("rows", "ads").out().split("\n")).hasSize(4);
        assertThat(table("rows", "ads", "-n", "2").out().split("\n")).hasSize(3);
        assertThat(table("rows", "ads", "-n", "1", "--json").json().fields())
                .containsEntry("rows.0.pushCount", 1L)
                .containsKey("rows.0.weights.1")
                .doesNotContainKey("rows.1.key");
    }

    @Test
    void createsAndDropsTables() {
        String[] create = {"create", "new", "--dim", "4", "--initial-row", "uniform(-1,1)", "--seed", "5"};
        assertThat(table("create", "new", "--dry-run").out()).startsWith("would create table new");
        assertThat(table("describe", "new").exitCode()).isEqualTo(Exit.NOT_FOUND);
        assertThat(table(create).exitCode()).isEqualTo(Exit.OK);
        assertThat(table(create).exitCode()).isEqualTo(Exit.OK);
        assertThat(table("describe", "new").out()).contains("uniform(-1.0,1.0)");
        Ran other = table("create", "new", "--dim", "8");
        assertThat(other.exitCode()).isEqualTo(Exit.CONFLICT);
        assertThat(other.err()).contains("table exists with another specification", "here");

        assertThat(table("drop", "new").out()).startsWith("dropped table new");
        Ran unsure = table("drop", "ads");
        assertThat(unsure.exitCode()).isEqualTo(Exit.CONFLICT);
        assertThat(unsure.err()).contains("a table with rows is dropped only with --yes: table=ads, rows=3");
        assertThat(table("drop", "ads", "--dry-run").out()).startsWith("would drop table ads");
        assertThat(table("drop", "ads", "--yes").exitCode()).isEqualTo(Exit.OK);
        assertThat(table("ls", "--json").json().fields()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"describe", "rows", "drop"})
    void saysThatATableIsNotThere(String command) {
        Ran ran = table(command, "no-such");
        assertThat(ran.exitCode()).isEqualTo(Exit.NOT_FOUND);
        assertThat(ran.err())
                .startsWith("weir table " + command + ": no table has this name: table=no-such")
                .hasLineCount(1);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--dim|0|dim must be from 1 to 4096: dim=0",
                "--dim|4097|dim must be from 1 to 4096: dim=4097",
                "--dense|0|dense length must be from 1",
                "--optimizer|sgd(rte=1)|sgd has the settings rate, scale, clip, clip_norm, decay, warmup, schedule: found=rte",
                "--initial-row|constant(x)|initial row must be zero, constant(value)",
                "--initial-row|uniform(1)|initial row must be zero, constant(value)",
                "--initial-row|uniform(1,1)|uniform low must be below high"
            })
    void refusesTablesThatCannotBe(String option, String value, String message) {
        Ran ran = table("create", "new", option, value);
        assertThat(ran.exitCode()).isEqualTo(Exit.USAGE);
        assertThat(ran.err()).contains(message);
    }

    @Test
    void refusesKeysThatAreNone() {
        for (String keys : new String[] {"", "1,,2", "x", "18446744073709551616", "-9223372036854775809"}) {
            Ran ran = table("rows", "ads", "--keys", keys);
            assertThat(ran.exitCode()).isEqualTo(Exit.USAGE);
            assertThat(ran.err()).contains("keys must be whole numbers of 64 bits");
        }
    }
}
