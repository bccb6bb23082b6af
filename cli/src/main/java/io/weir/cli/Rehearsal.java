package io.weir.cli;

import io.weir.server.ServerConfig;
import io.weir.server.WeirServer;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;

/// What the script `weir` runs once, after it has built: the usual commands on a little data, so that the JVM's cache
/// knows their classes and how their loops behave, and later starts are quick from the first example on.
public final class Rehearsal {
    private static final String ROWS = "60000";

    private Rehearsal() {}

    public static void main(String[] args) throws IOException {
        Path folder = Files.createTempDirectory("weir-rehearsal");
        Path data = folder.resolve("ctr.svm");
        Path model = folder.resolve("ctr.model");
        try (PrintStream nowhere = new PrintStream(PrintStream.nullOutputStream());
                WeirServer server = WeirServer.start(ServerConfig.defaults().withPort(0))) {
            String address = "127.0.0.1:" + server.address().getPort();
            run(nowhere, "quickstart", "--rows", ROWS);
            run(nowhere, "datagen", "ctr", "--rows", ROWS, "--features", "1000000", "--out", data.toString());
            run(
                    nowhere,
                    "train",
                    "lr",
                    "--data",
                    data.toString(),
                    "--test",
                    data.toString(),
                    "--batch",
                    "1024",
                    "--optimizer",
                    "adagrad(rate=0.1)",
                    "--passes",
                    "3",
                    "--model-out",
                    model.toString());
            run(nowhere, "train", "lr", "--data", data.toString(), "--servers", address, "--batch", "1024");
            run(nowhere, "eval", "--model", model.toString(), "--data", data.toString());
            run(nowhere, "table", "ls", "--servers", address);
            run(nowhere, "version");
        } finally {
            Files.deleteIfExists(data);
            Files.deleteIfExists(model);
            Files.deleteIfExists(folder);
        }
    }

    private static void run(PrintStream out, String... command) {
        int exitCode = Main.run(command, out, out);
        if (exitCode != Exit.OK) {
            throw new IllegalStateException(
                    "rehearsal must run through: command=" + String.join(" ", command) + ", exitCode=" + exitCode);
        }
    }
}
