package io.weir.server;

import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.util.List;

/// What a server must know of the JVM it runs on.
public final class JvmCheck {
    private JvmCheck() {}

    /// Refuses JDKs that corrupt data: 25.0.0 to 25.0.2 with the G1 collector (JDK-8377811).
    ///
    /// @throws IllegalStateException saying what to do
    public static void requireSoundJvm() {
        List<String> collectors = ManagementFactory.getGarbageCollectorMXBeans().stream()
                .map(GarbageCollectorMXBean::getName)
                .toList();
        requireSound(Runtime.version(), collectors);
    }

    static void requireSound(Runtime.Version version, List<String> collectors) {
        if (version.feature() < 25) {
            throw new IllegalStateException(
                    "a Weir server needs Java 25 or later: java=" + version + "; install a JDK 25, 25.0.3 or later");
        }
        boolean affected = version.feature() == 25 && version.interim() == 0 && version.update() < 3;
        boolean g1 = collectors.stream().anyMatch(name -> name.startsWith("G1"));
        if (affected && g1) {
            throw new IllegalStateException("Java " + version
                    + " can corrupt data with the G1 collector (JDK-8377811); install 25.0.3 or later, or start with"
                    + " -XX:+UseParallelGC");
        }
    }

    /// Physical memory of the machine, or of the container.
    public static long machineMemoryBytes() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean system
                ? system.getTotalMemorySize()
                : Runtime.getRuntime().maxMemory();
    }
}
