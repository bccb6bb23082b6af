package io.weir.benchmarks.network;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/// Measures contenders that serve the same raw request pattern, interleaved: in each repetition, every pattern runs
/// against every contender in turn. Prints medians with the lowest and highest repetition.
///
/// Arguments: repetitions, milliseconds a measurement, idle connections (0 skips that part), then the contenders as
/// [Settings] reads them. `-Dpatterns=pull.*` measures only the patterns whose name matches.
final class NetworkComparison {
    private record Pattern(String name, int payloadBytes, int replyBytes, int inFlight, boolean latency) {}

    private static final List<Pattern> PATTERNS = Stream.of(
                    new Pattern("ping p50 us", 48, 48, 1, true),
                    new Pattern("small x64 k/s", 48, 48, 64, false),
                    new Pattern("pull x1 req/s", 80_000, 640_000, 1, false),
                    new Pattern("pull x8 req/s", 80_000, 640_000, 8, false),
                    new Pattern("push x1 req/s", 720_000, 8, 1, false),
                    new Pattern("push x8 req/s", 720_000, 8, 8, false))
            .filter(pattern -> pattern.name().matches(System.getProperty("patterns", ".*")))
            .toList();

    /// A measurement that other processes disturbed is repeated, at most so often.
    private static final int MAX_ATTEMPTS = 30;

    private static final long MAX_FOREIGN_TICKS = 2;

    private static final class Contender {
        final Settings settings;
        final Process process;
        final int port;
        final RawClient client;
        final double[][] results;

        Contender(String text, int repetitions) throws IOException {
            settings = Settings.parse(text);
            process = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-XX:+UseSerialGC",
                            "-Xmx256m",
                            "--enable-native-access=ALL-UNNAMED",
                            "--sun-misc-unsafe-memory-access=allow",
                            "-cp",
                            System.getProperty("java.class.path"),
                            RawServer.class.getName(),
                            text)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            BufferedReader reader =
                    new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
            String line = reader.readLine();
            if (line == null) {
                throw new IOException("the server ended before it listened: contender=" + text);
            }
            port = Integer.parseInt(line.substring(line.lastIndexOf(' ') + 1));
            client = new RawClient(settings, port);
            results = new double[PATTERNS.size()][repetitions];
        }

        /// Processor time, in ticks of 10 ms, of everything but this process and the server.
        long foreignTicks() throws IOException {
            String[] all =
                    Files.readString(Path.of("/proc/stat")).split("\n", 2)[0].split(" +", -1);
            long busy = 0;
            for (int i = 1; i <= 3; i++) {
                busy += Long.parseLong(all[i]);
            }
            return busy - ticks(ProcessHandle.current().pid()) - ticks(process.pid());
        }

        private static long ticks(long pid) throws IOException {
            String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
            return Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
        }

        long residentKib() throws IOException {
            for (String line : Files.readAllLines(Path.of("/proc/" + process.pid() + "/status"))) {
                if (line.startsWith("VmRSS:")) {
                    return Long.parseLong(line.replaceAll("[^0-9]", ""));
                }
            }
            return -1;
        }
    }

    private NetworkComparison() {}

    @SuppressWarnings("SystemOut")
    public static void main(String[] arguments) throws IOException {
        int repetitions = Integer.parseInt(arguments[0]);
        long durationNs = Long.parseLong(arguments[1]) * 1_000_000;
        int idleCount = Integer.parseInt(arguments[2]);
        List<Contender> contenders = new ArrayList<>();
        for (int i = 3; i < arguments.length; i++) {
            contenders.add(new Contender(arguments[i], repetitions));
        }
        long[] latenciesNs = new long[200_000];
        int disturbed = 0;
        for (int repetition = -2; repetition < repetitions; repetition++) {
            for (int p = 0; p < PATTERNS.size(); p++) {
                Pattern pattern = PATTERNS.get(p);
                for (Contender contender : contenders) {
                    double result = Double.NaN;
                    for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
                        long foreignBefore = contender.foreignTicks();
                        result = measure(contender.client, pattern, durationNs, latenciesNs);
                        if (contender.foreignTicks() - foreignBefore <= MAX_FOREIGN_TICKS) {
                            break;
                        }
                        disturbed++;
                    }
                    if (repetition >= 0) {
                        contender.results[p][repetition] = result;
                    }
                }
            }
        }
        StringBuilder head = new StringBuilder();
        for (Pattern pattern : PATTERNS) {
            head.append(String.format(Locale.ROOT, " %24s", pattern.name()));
        }
        System.out.println(head);
        for (Contender contender : contenders) {
            StringBuilder line = new StringBuilder();
            for (double[] results : contender.results) {
                double[] sorted = results.clone();
                Arrays.sort(sorted);
                line.append(String.format(
                        Locale.ROOT,
                        " %8.1f (%.1f-%.1f)",
                        sorted[sorted.length / 2],
                        sorted[0],
                        sorted[sorted.length - 1]));
            }
            System.out.println(line + "  " + contender.settings.text());
        }
        System.out.println("measurements thrown away because other processes were busy: " + disturbed);
        if (idleCount > 0) {
            for (Contender contender : contenders) {
                long before = contender.residentKib();
                List<SocketChannel> idle = new ArrayList<>();
                for (int i = 0; i < idleCount; i++) {
                    idle.add(SocketChannel.open(
                            new java.net.InetSocketAddress(java.net.InetAddress.getLoopbackAddress(), contender.port)));
                }
                double pingUs = measure(contender.client, PATTERNS.get(0), durationNs, latenciesNs);
                double pulls = measure(contender.client, PATTERNS.get(2), durationNs, latenciesNs);
                long after = contender.residentKib();
                System.out.printf(
                        Locale.ROOT,
                        "%d idle connections: ping p50 %.1f us, pull x1 %.0f req/s, resident %d -> %d MiB  %s%n",
                        idleCount,
                        pingUs,
                        pulls,
                        before >> 10,
                        after >> 10,
                        contender.settings.text());
                for (SocketChannel channel : idle) {
                    channel.close();
                }
            }
        }
        for (Contender contender : contenders) {
            contender.client.close();
            contender.process.destroy();
        }
    }

    private static double measure(RawClient client, Pattern pattern, long durationNs, long[] latenciesNs)
            throws IOException {
        long startNs = System.nanoTime();
        int count =
                client.run(pattern.payloadBytes(), pattern.replyBytes(), pattern.inFlight(), durationNs, latenciesNs);
        long elapsedNs = System.nanoTime() - startNs;
        if (pattern.latency()) {
            int kept = Math.min(count, latenciesNs.length);
            Arrays.sort(latenciesNs, 0, kept);
            return latenciesNs[kept / 2] / 1e3;
        }
        double perSecond = count * 1e9 / elapsedNs;
        return pattern.inFlight() > 8 ? perSecond / 1e3 : perSecond;
    }
}
