package io.weir.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.model.Consistency;
import io.weir.model.ErrorCode;
import io.weir.model.InitialRow;
import io.weir.model.Keys;
import io.weir.model.OptimizerSpec;
import io.weir.model.RunSpec;
import io.weir.model.TableShape;
import io.weir.model.VectorOperation;
import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/// `docs/protocol.md` against the code: what stands in its tables is what the code does.
class SpecificationTest {
    private static final int[] SHARD_COUNTS = {1, 3, 8, 24, 4096};

    private final String text;
    private final List<String> lines;

    SpecificationTest() throws IOException {
        text = Files.readString(Path.of("../docs/protocol.md"));
        lines = text.lines().collect(Collectors.toList());
    }

    @Test
    void namesEveryFrameTypeWithItsNumber() throws IllegalAccessException {
        for (Field type : FrameType.class.getFields()) {
            assertThat(text).contains("| " + type.getInt(null) + " | `" + type.getName() + "` |");
        }
    }

    @Test
    void namesEveryErrorCodeWithItsNumber() {
        for (ErrorCode code : ErrorCode.values()) {
            assertThat(text).contains("| " + code.number() + " | `" + code + "` |");
        }
    }

    @Test
    void givesMixAndShardOfKeys() {
        Pattern row = Pattern.compile("\\| `(-?\\d+)` \\| `([0-9a-f]{16})` ((?:\\| \\d+ ){5})\\|");
        int found = 0;
        for (String line : lines) {
            Matcher matcher = row.matcher(line);
            if (matcher.matches()) {
                found++;
                long key = Long.parseLong(matcher.group(1));
                assertThat(Long.parseUnsignedLong(matcher.group(2), 16))
                        .as(line)
                        .isEqualTo(Keys.mix(key));
                StringBuilder shards = new StringBuilder();
                for (int shardCount : SHARD_COUNTS) {
                    shards.append("| ").append(Keys.shardOf(key, shardCount)).append(' ');
                }
                assertThat(matcher.group(3)).as(line).isEqualTo(shards.toString());
            }
        }
        assertThat(found).isEqualTo(9);
    }

    @Test
    void givesKeysOfStringsAndHashesOfMaps() {
        Pattern row = Pattern.compile("\\| (?:\\(empty\\)|`([^`]+)`)(?: \\([0-9a-f, ]+\\))? \\| `([0-9a-f]{16})` \\|");
        int found = 0;
        for (String line : lines) {
            Matcher matcher = row.matcher(line);
            if (matcher.matches()) {
                found++;
                String string = matcher.group(1) == null ? "" : matcher.group(1);
                assertThat(Long.parseUnsignedLong(matcher.group(2), 16))
                        .as(line)
                        .isEqualTo(Keys.ofString(string));
            }
        }
        assertThat(found).isEqualTo(9);
    }

    @Test
    void givesBitsOfInitialRows() {
        Pattern row =
                Pattern.compile("\\| (-?\\d+) \\| (-?\\d+) \\| (\\d+) \\| `([0-9a-f]{8})` \\| `([0-9a-f]{8})` \\|");
        int found = 0;
        for (String line : lines) {
            Matcher matcher = row.matcher(line);
            if (matcher.matches()) {
                found++;
                long seed = Long.parseLong(matcher.group(1));
                long key = Long.parseLong(matcher.group(2));
                int position = Integer.parseInt(matcher.group(3));
                float uniform = new InitialRow.Uniform(-0.25f, 0.25f).value(seed, key, position);
                float normal = new InitialRow.Normal(0.5f, 2f).value(seed, key, position);
                assertThat(Integer.parseUnsignedInt(matcher.group(4), 16))
                        .as(line)
                        .isEqualTo(Float.floatToRawIntBits(uniform));
                assertThat(Integer.parseUnsignedInt(matcher.group(5), 16))
                        .as(line)
                        .isEqualTo(Float.floatToRawIntBits(normal));
            }
        }
        assertThat(found).isEqualTo(5);
    }

    @Test
    void givesEveryOptimizerItsTag() {
        assertThat(TableSpecCodec.OPTIMIZERS).containsExactlyElementsOf(OptimizerSpec.names());
        assertThat(text).contains("| optimizer: add, assign, min, max | 6, 7, 8, 9 | |");
        for (String name : OptimizerSpec.names()) {
            int tag = TableSpecCodec.OPTIMIZERS.indexOf(name) + 1;
            String numbers = OptimizerSpec.settingNames(name).stream()
                    .map(setting -> setting.equals("momentum_decay") ? "momentumDecay" : setting)
                    .map(setting -> "`" + setting + "[^`]*`.*")
                    .collect(Collectors.joining(", "));
            if (!numbers.isEmpty()) {
                assertThat(lines)
                        .as(name)
                        .anyMatch(line ->
                                line.matches("\\| optimizer: " + name + " \\| " + tag + " \\| " + numbers + "\\|"));
            }
        }
    }

    @Test
    void namesEveryVectorOperationWithItsNumber() {
        for (VectorOperation operation : VectorOperation.values()) {
            assertThat(text)
                    .contains("| " + operation.number() + " | `" + operation + "` | `"
                            + (operation.isChanging() ? "TRANSFORM" : "REDUCE") + "` | "
                            + (operation.isBinary() ? "`x` |" : "| "));
        }
    }

    @Test
    void givesHashesOfKeyLists() {
        Pattern row = Pattern.compile("\\| (?:\\(none\\)|`([-0-9 ]+)`) \\| `([0-9a-f]{32})` \\|");
        int found = 0;
        for (String line : lines) {
            Matcher matcher = row.matcher(line);
            if (matcher.matches()) {
                found++;
                String[] keys = matcher.group(1) == null
                        ? new String[0]
                        : matcher.group(1).split(" ");
                ByteBuffer bytes = Frames.buffer(keys.length * Long.BYTES);
                for (String key : keys) {
                    bytes.putLong(Long.parseLong(key));
                }
                KeyListHash hash = new KeyListHash();
                hash.set(bytes, 0, keys.length);
                assertThat(matcher.group(2)).as(line).isEqualTo(hash.toString());
            }
        }
        assertThat(found).isEqualTo(5);
    }

    @Test
    void givesTheTurnsOfPlacements() {
        Pattern row = Pattern.compile("\\| `([^`]+)` \\| (\\d+) \\| (\\d+) \\| (\\d+) \\| (\\d+) \\| (\\d+) \\|");
        int found = 0;
        for (String line : lines) {
            Matcher matcher = row.matcher(line);
            if (matcher.matches()) {
                found++;
                TableShape.Dense shape = new TableShape.Dense(1_000_000, 16_384, matcher.group(1));
                assertThat(matcher.group(2)).as(line).isEqualTo("" + (Keys.ofString(matcher.group(1)) >>> 33));
                int[] shardCounts = {2, 3, 8, 24};
                for (int i = 0; i < shardCounts.length; i++) {
                    assertThat(matcher.group(3 + i)).as(line).isEqualTo("" + shape.shardOf(0, 5, shardCounts[i]));
                }
            }
        }
        assertThat(found).isEqualTo(3);
    }

    @Test
    void givesTheLimits() {
        assertThat(text)
                .contains(String.format(Locale.ROOT, "| frame | %,d bytes", Limits.MAX_FRAME_BYTES))
                .contains("| frame before the hello is answered | " + Limits.MAX_HELLO_BYTES + " bytes |")
                .contains(String.format(Locale.ROOT, "message of an error | %,d bytes", Limits.MAX_CONTROL_BYTES))
                .contains("| string | " + Limits.MAX_STRING_BYTES + " bytes of UTF-8 |")
                .contains("| fields of any type | " + FrameLayout.MAX_FIELD_BYTES + " bytes |")
                .contains(String.format(
                        Locale.ROOT, "| floats in the reply to a pull | %,d |", DataLayout.MAX_REPLY_FLOATS))
                .contains("| numbers without a reply, per worker | " + Limits.MAX_WINDOW + " |")
                .contains(String.format(Locale.ROOT, "into frames of %,d floats", Limits.DENSE_FRAME_FLOATS))
                .contains("| what a compressed payload may become | " + Limits.MAX_INFLATION + " times its bytes")
                .contains(String.format(
                        Locale.ROOT,
                        "| key lists kept of one worker on a shard | %d, and %,d bytes",
                        Limits.MAX_KEPT_KEY_LISTS,
                        Limits.MAX_KEPT_KEY_BYTES))
                .contains(String.format(Locale.ROOT, "into frames of %,d floats", Limits.VECTOR_FRAME_FLOATS))
                .contains(String.format(
                        Locale.ROOT,
                        "| floats that a vector operation concerns, in one frame | %,d |",
                        DataLayout.MAX_REPLY_FLOATS))
                .contains(String.format(Locale.ROOT, "| workers of a run | %,d,", RunSpec.MAX_WORKERS))
                .contains(String.format(Locale.ROOT, "| portions of a run | %,d |", RunSpec.MAX_PORTIONS))
                .contains(String.format(Locale.ROOT, "| staleness | %,d |", Consistency.MAX_STALENESS))
                .contains(String.format(
                        Locale.ROOT,
                        "| clock groups | %,d: 0 to %,d |",
                        Limits.MAX_CLOCK_GROUP + 1,
                        Limits.MAX_CLOCK_GROUP));
    }
}
