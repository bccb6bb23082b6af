package io.weir.cli;

import io.weir.server.ServerConfig;
import io.weir.server.WeirServer;
import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `weir server`: a parameter server, until the process is told to end.
@Command(
        name = "server",
        description = "Run a parameter server until it is stopped (Ctrl-C or SIGTERM).",
        footer = {
            "  weir server",
            "  weir server --port 7701 --shards 4 --memory 8g",
            "",
            "One line on standard output says when it is ready. Tables live in memory: they are gone when it stops."
        })
final class ServerCommand extends WeirOptions {
    @Option(names = "--port", description = "Port to listen on, 0 for any free one. Default: ${DEFAULT-VALUE}.")
    int port = 7700;

    @Option(names = "--host", description = "Address to listen on. Default: ${DEFAULT-VALUE}.")
    String host = "127.0.0.1";

    @Option(names = "--shards", description = "Shards of this server. Default: ${DEFAULT-VALUE}.")
    int shards = 8;

    @Option(
            names = "--memory",
            paramLabel = "<bytes>",
            description = "Most memory for rows and index, such as 8g. Default: half of the machine's.")
    @Nullable
    String memory;

    @Option(
            names = "--event-loops",
            paramLabel = "<n>",
            description = "Threads that serve connections. Default: one for each processor, up to 16.")
    @Nullable
    Integer eventLoops;

    @Option(
            names = "--insecure",
            description = "Accept the risk of listening beyond loopback, where anybody may read and change everything.")
    boolean insecure;

    @Option(names = ChildProcess.OPTION, hidden = true)
    boolean child;

    ServerCommand(Output output) {
        super(output);
    }

    @Override
    public Integer call() {
        if (child) {
            ChildProcess.endWithParent();
        }
        ServerConfig config = Memory.config(memory)
                .withHost(host)
                .withPort(port)
                .withShardCount(shards)
                .withInsecure(insecure);
        if (eventLoops != null) {
            config = config.withEventLoops(eventLoops);
        }
        try (WeirServer server = start(config)) {
            Thread hook = new Thread(server::close, "weir-stop");
            Runtime.getRuntime().addShutdownHook(hook);
            output.out()
                    .printf(
                            "weir server is listening on %s:%d (%s, memory cap %s)%n",
                            host.indexOf(':') >= 0 ? "[" + host + "]" : host,
                            server.address().getPort(),
                            Quantities.plural(shards, "shard"),
                            Quantities.ofBytes(config.memoryCapBytes()));
            output.out().flush();
            waitUntilInterrupted();
            removeHook(hook);
        }
        return Exit.OK;
    }

    private static WeirServer start(ServerConfig config) {
        try {
            return WeirServer.start(config);
        } catch (IOException e) {
            throw new CommandException(Exit.FAILURE, String.valueOf(e.getMessage()), e);
        }
    }

    /// A signal ends the process by way of the shutdown hook; who runs the command in a thread interrupts that.
    private static void waitUntilInterrupted() {
        try {
            new CountDownLatch(1).await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void removeHook(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The process is ending, and the hook is at work.
        }
    }
}
