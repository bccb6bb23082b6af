package io.weir.systemtests;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/// The arrows of the house: which module may use which, and what nobody may use. `docs/architecture.md` draws them.
///
/// Works on uses between classes, wherever they come from, so that its own test can make some up.
final class HouseRules {
    /// Class `from`, which lies in module `module`, uses class `to`, which is not of the same module unless its name
    /// says so.
    record Use(String module, String from, String to) {
        @Override
        public String toString() {
            return from + " -> " + to;
        }
    }

    private static final String ROOT = "io.weir.";
    private static final String VECTOR = "jdk.incubator.vector.";

    /// Annotations that are gone at run time.
    private static final String ANNOTATIONS = "org.jspecify.annotations.";

    /// The modules of the house, and those that each may use.
    static final Map<String, Set<String>> MODULES = Map.ofEntries(
            Map.entry("model", Set.of()),
            Map.entry("wire", Set.of("model")),
            Map.entry("codecs", Set.of("wire", "model")),
            Map.entry("client", Set.of("wire", "model")),
            Map.entry("kernel", Set.of()),
            Map.entry("table", Set.of("kernel", "model")),
            Map.entry("shard", Set.of("table", "kernel", "wire", "model")),
            Map.entry("server", Set.of("shard", "table", "wire", "model")),
            Map.entry("embedded", Set.of("client", "server", "shard", "wire", "model")),
            Map.entry("kvstore", Set.of("client", "model")),
            Map.entry("simulator", Set.of("client", "server", "shard", "table", "wire", "model")),
            Map.entry("train", Set.of("client", "kernel", "model")),
            Map.entry(
                    "cli",
                    Set.of(
                            "train",
                            "embedded",
                            "kvstore",
                            "simulator",
                            "server",
                            "shard",
                            "table",
                            "kernel",
                            "client",
                            "wire",
                            "model")),
            Map.entry(
                    "benchmarks",
                    Set.of("train", "embedded", "server", "shard", "table", "kernel", "client", "wire", "model")));

    /// Libraries outside the JDK, by package, that a module may use; all others may use none.
    private static final Map<String, Set<String>> LIBRARIES = Map.of(
            "codecs", Set.of("com.github.luben.zstd.", "net.jpountz."),
            "train", Set.of("com.github.luben.zstd.", "org.HdrHistogram."),
            "cli", Set.of("picocli.", "tools.jackson.core.", "org.HdrHistogram."),
            "benchmarks", Set.of("io.netty.", "org.openjdk.jmh.", "org.HdrHistogram."));

    /// The one door through which users come in: the interface they know makes the object that they do not.
    private static final Set<String> DOORS = Set.of("io.weir.client.Weir");

    /// Classes that turn bytes or text into objects or code of the sender's choice.
    private static final Set<String> FORBIDDEN = Set.of(
            "java.io.ObjectInputStream",
            "java.io.ObjectOutputStream",
            "java.net.URLClassLoader",
            "java.beans.XMLDecoder");

    private static final List<String> FORBIDDEN_PACKAGES = List.of(
            "javax.script.", "java.lang.reflect.", "java.rmi.", "javax.management.remote.", "sun.", "jdk.internal.");

    /// Methods that find classes or members by name, as `class.method`.
    private static final Set<String> FORBIDDEN_METHODS = Set.of(
            "java.lang.Class.forName",
            "java.lang.Class.getMethod",
            "java.lang.Class.getDeclaredMethod",
            "java.lang.Class.getField",
            "java.lang.Class.getDeclaredField",
            "java.lang.ClassLoader.loadClass",
            "java.lang.ClassLoader.defineClass",
            "java.lang.invoke.MethodHandles$Lookup.findClass",
            "java.lang.invoke.MethodHandles$Lookup.defineClass",
            "java.lang.invoke.MethodHandles$Lookup.findVirtual",
            "java.lang.invoke.MethodHandles$Lookup.findStatic");

    /// State machines that a simulation plays, by the beginning of their names: nothing from outside may get in.
    private static final List<String> PLAYED =
            List.of("io.weir.shard.", "io.weir.client.internal.WorkerStream", "io.weir.client.internal.Lane");

    /// Threads, clocks, sockets, files and randomness.
    private static final List<String> OUTSIDE = List.of(
            "java.lang.Thread",
            "java.lang.Process",
            "java.lang.Runtime",
            "java.util.Timer",
            "java.util.Random",
            "java.util.SplittableRandom",
            "java.util.UUID",
            "java.util.concurrent.",
            "java.util.random.",
            "java.security.",
            "java.time.",
            "java.net.",
            "java.io.",
            "java.nio.channels.",
            "java.nio.file.");

    /// The lock that a stream is guarded by: whoever holds it does not wait in it.
    private static final String STREAM_LOCK = "java.util.concurrent.locks.ReentrantLock";

    /// The same as calls.
    private static final Set<String> OUTSIDE_METHODS = Set.of(
            "java.lang.System.nanoTime",
            "java.lang.System.currentTimeMillis",
            "java.lang.System.getenv",
            "java.lang.System.getProperty",
            "java.lang.System.identityHashCode",
            "java.lang.Math.random",
            "java.lang.Object.wait",
            "java.lang.Object.notifyAll");

    private HouseRules() {}

    /// What is wrong with these uses, one sentence each.
    static List<String> violations(Collection<Use> uses) {
        Set<String> wrong = new TreeSet<>();
        for (Use use : uses) {
            if (!packageOf(use.from()).equals(ROOT + use.module())
                    && !use.from().startsWith(ROOT + use.module() + ".")) {
                wrong.add("a class of module " + use.module() + " must be in package " + ROOT + use.module() + ": "
                        + use.from());
            }
            if (use.to().startsWith(ROOT)) {
                String target = moduleOf(use.to());
                if (!target.equals(use.module())
                        && !MODULES.getOrDefault(use.module(), Set.of()).contains(target)) {
                    wrong.add("module " + use.module() + " must not use module " + target + ": " + use);
                }
            } else if (use.to().startsWith(VECTOR)) {
                if (!use.module().equals("kernel")) {
                    wrong.add("only module kernel may use the vector module: " + use);
                }
            } else if (!isOfJdk(use.to()) && !use.to().startsWith(ANNOTATIONS)) {
                if (LIBRARIES.getOrDefault(use.module(), Set.of()).stream().noneMatch(use.to()::startsWith)) {
                    wrong.add("module " + use.module() + " must not use this library: " + use);
                }
            }
            if (isPlayed(use.from())
                    && OUTSIDE.stream().anyMatch(use.to()::startsWith)
                    && !(use.to().equals(STREAM_LOCK) && use.module().equals("client"))) {
                wrong.add("what a simulation plays has no threads, clocks, sockets, files or randomness: " + use);
            }
            if (FORBIDDEN.contains(use.to()) || FORBIDDEN_PACKAGES.stream().anyMatch(use.to()::startsWith)) {
                wrong.add("nobody may turn data into objects or code, or reach into the JDK: " + use);
            }
        }
        wrong.addAll(cycles(uses));
        return List.copyOf(wrong);
    }

    /// Whether class `caller` must not call this method.
    static boolean isForbiddenMethod(String caller, String className, String method) {
        String called = className + "." + method;
        return FORBIDDEN_METHODS.contains(called) || (isPlayed(caller) && OUTSIDE_METHODS.contains(called));
    }

    private static boolean isPlayed(String name) {
        return PLAYED.stream().anyMatch(name::startsWith);
    }

    /// Packages of ours that use each other, in a circle.
    private static List<String> cycles(Collection<Use> uses) {
        Map<String, Set<String>> arrows = new TreeMap<>();
        for (Use use : uses) {
            String from = packageOf(use.from());
            String to = packageOf(use.to());
            if (to.startsWith(ROOT) && !to.equals(from) && !DOORS.contains(outermost(use.from()))) {
                arrows.computeIfAbsent(from, _ -> new TreeSet<>()).add(to);
            }
        }
        List<String> found = new ArrayList<>();
        for (String start : arrows.keySet()) {
            if (reaches(arrows, start, start)) {
                found.add("packages must not use each other in a circle: " + start + " uses "
                        + arrows.get(start).stream()
                                .filter(next -> reaches(arrows, next, start))
                                .toList());
            }
        }
        return found;
    }

    private static boolean reaches(Map<String, Set<String>> arrows, String from, String to) {
        Set<String> seen = new HashSet<>();
        Deque<String> open = new ArrayDeque<>(arrows.getOrDefault(from, Set.of()));
        while (!open.isEmpty()) {
            String next = open.pop();
            if (next.equals(to)) {
                return true;
            }
            if (seen.add(next)) {
                open.addAll(arrows.getOrDefault(next, Set.of()));
            }
        }
        return false;
    }

    private static boolean isOfJdk(String name) {
        return name.startsWith("java.")
                || name.startsWith("javax.")
                || name.startsWith("jdk.")
                || name.startsWith("com.sun.management.")
                || name.startsWith("sun.");
    }

    private static String moduleOf(String name) {
        String rest = name.substring(ROOT.length());
        int dot = rest.indexOf('.');
        return dot < 0 ? rest : rest.substring(0, dot);
    }

    private static String packageOf(String name) {
        int dot = name.lastIndexOf('.');
        return dot < 0 ? "" : name.substring(0, dot);
    }

    private static String outermost(String name) {
        int nested = name.indexOf('$');
        return nested < 0 ? name : name.substring(0, nested);
    }
}
