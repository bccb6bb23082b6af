package io.weir.cli;

import io.weir.server.ServerNode;
import io.weir.wire.FrameLayout;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `weir version`.
@Command(
        name = "version",
        description = "Show the versions of Weir, of its protocol, and of Java.",
        footer = {"  weir version", "  weir version --json"})
final class VersionCommand extends WeirOptions {
    @Option(names = "--json", description = "Print one JSON object.")
    boolean json;

    VersionCommand(Output output) {
        super(output);
    }

    @Override
    public Integer call() {
        String version = ServerNode.SOFTWARE.substring(ServerNode.SOFTWARE.indexOf('/') + 1);
        String java = Runtime.version().toString();
        if (json) {
            output.out()
                    .println(new Json()
                            .put("version", version)
                            .put("protocol", FrameLayout.VERSION)
                            .put("java", java)
                            .text());
        } else {
            output.out().println("weir " + version + ", protocol " + FrameLayout.VERSION + ", java " + java);
        }
        return Exit.OK;
    }
}
