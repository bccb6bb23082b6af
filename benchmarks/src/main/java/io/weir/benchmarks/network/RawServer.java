package io.weir.benchmarks.network;

/// One server process: prints `listening on port N`, serves until its standard input ends.
final class RawServer {
    private RawServer() {}

    public static void main(String[] arguments) throws Exception {
        Settings settings = Settings.parse(arguments[0]);
        Thread.ofPlatform().daemon().start(() -> {
            try {
                while (System.in.read() >= 0) {}
            } catch (java.io.IOException e) {
                // the other end is gone: stop as well
            }
            Runtime.getRuntime().halt(0);
        });
        if (settings.kind().equals("jdk")) {
            new JdkRawServer(settings).run();
        } else {
            NettyRawServer.run(settings);
        }
    }
}
