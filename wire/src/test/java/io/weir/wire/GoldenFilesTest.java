package io.weir.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The golden files are version 1 as bytes. They are written once, by [GoldenWriter].
class GoldenFilesTest {
    private static final Path DIRECTORY = Path.of("src/test/resources/golden/v1");

    @Test
    void areReadAndWrittenAgainToTheSameBytes() throws IOException {
        for (Path file : files(".bin")) {
            ByteBuffer frame = read(file);
            boolean sealed = !file.toString().endsWith("-unsealed.bin");
            assertThat(Frames.receive(frame, frame.capacity(), sealed, new Checksum()))
                    .as(file.toString())
                    .isTrue();
            assertThat(HexFormat.of().formatHex(Frames.bytes(Frames.rewrite(frame))))
                    .as(file.toString())
                    .isEqualTo(HexFormat.of().formatHex(Frames.bytes(frame)));
        }
    }

    @Test
    void sayWhatTheExamplesSay() throws IOException {
        Map<String, ByteBuffer> examples = Frames.examples();
        for (Map.Entry<String, ByteBuffer> example : examples.entrySet()) {
            byte[] golden = Files.readAllBytes(DIRECTORY.resolve(example.getKey() + ".bin"));
            assertThat(HexFormat.of().formatHex(Frames.bytes(example.getValue())))
                    .as(example.getKey())
                    .isEqualTo(HexFormat.of().formatHex(golden));
        }
        assertThat(files(".bin")).hasSameSizeAs(examples.keySet());
        Map<String, Message> messages = Frames.messages();
        for (Map.Entry<String, Message> message : messages.entrySet()) {
            ByteBuffer frame = read(DIRECTORY.resolve(message.getKey() + ".bin"));
            assertThat(MessageCodec.decode(frame, 0)).isEqualTo(message.getValue());
        }
    }

    @Test
    void haveTwinsInHex() throws IOException {
        for (Path file : files(".bin")) {
            Path twin = Path.of(file.toString().replaceAll("\\.bin$", ".txt"));
            StringBuilder hex = new StringBuilder();
            for (String line : Files.readAllLines(twin)) {
                if (!line.startsWith("#")) {
                    hex.append(line.replace(" ", ""));
                }
            }
            assertThat(hex.toString())
                    .as(twin.toString())
                    .isEqualTo(HexFormat.of().formatHex(Files.readAllBytes(file)));
        }
        assertThat(files(".txt")).hasSameSizeAs(files(".bin"));
    }

    @Test
    void coverEveryFrameType() throws Exception {
        TreeSet<Integer> types = new TreeSet<>();
        for (Field field : FrameType.class.getFields()) {
            assertThat(types.add(field.getInt(null))).as(field.getName()).isTrue();
        }
        TreeSet<Integer> covered = new TreeSet<>();
        for (Path file : files(".bin")) {
            covered.add(FrameLayout.type(read(file), 0));
        }
        assertThat(covered).isEqualTo(types);
    }

    @Test
    void areNeverOverwritten(@TempDir Path directory) throws IOException {
        PrintStream silent = new PrintStream(new ByteArrayOutputStream(), false, StandardCharsets.UTF_8);
        ByteBuffer ping = Frames.frame(new Message.Ping(), true);
        ByteBuffer ok = Frames.frame(new Message.Ok(), true);
        GoldenWriter.write(directory, Map.of("a", ping), silent);
        GoldenWriter.write(directory, Map.of("a", ping, "b", ok), silent);

        assertThatThrownBy(() -> GoldenWriter.write(directory, Map.of("a", ok, "c", ok), silent))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageStartingWith("golden file must not change: file=a.");
        assertThat(Files.readAllBytes(directory.resolve("a.bin"))).isEqualTo(Frames.bytes(ping));
        assertThat(directory.resolve("b.bin")).exists();
        assertThat(directory.resolve("c.bin")).doesNotExist();
    }

    private static List<Path> files(String suffix) throws IOException {
        try (Stream<Path> all = Files.list(DIRECTORY)) {
            List<Path> files =
                    new ArrayList<>(all.filter(file -> file.toString().endsWith(suffix))
                            .sorted()
                            .toList());
            assertThat(files).isNotEmpty();
            return files;
        }
    }

    private static ByteBuffer read(Path file) throws IOException {
        return ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    }
}
