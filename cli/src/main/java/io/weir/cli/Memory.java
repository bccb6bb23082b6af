package io.weir.cli;

import io.weir.server.JvmCheck;
import io.weir.server.ServerConfig;
import org.jspecify.annotations.Nullable;

/// How much memory a server may take, and whether this JVM can hold one.
final class Memory {
    private Memory() {}

    /// The configuration of a server with as much memory as `--memory` says, or half of the machine's.
    ///
    /// @throws CommandException if that is more than the machine has, or less than is useful, or the JVM is not
    /// sound
    static ServerConfig config(@Nullable String memory) {
        try {
            JvmCheck.requireSoundJvm();
        } catch (IllegalStateException e) {
            throw new CommandException(Exit.FAILURE, String.valueOf(e.getMessage()), e);
        }
        ServerConfig config = ServerConfig.defaults();
        if (memory == null) {
            return config;
        }
        long bytes = Quantities.bytes("memory", memory);
        long machine = JvmCheck.machineMemoryBytes();
        if (bytes > machine) {
            throw new CommandException(
                    Exit.FAILURE,
                    "memory must not be more than the machine has: memory=" + Quantities.ofBytes(bytes) + ", machine="
                            + Quantities.ofBytes(machine) + "; choose a smaller --memory, or use more servers");
        } else if (bytes < ServerConfig.MIN_MEMORY_BYTES) {
            throw new CommandException(
                    Exit.FAILURE,
                    "memory must be at least " + Quantities.ofBytes(ServerConfig.MIN_MEMORY_BYTES) + ": memory="
                            + Quantities.ofBytes(bytes) + "; choose a greater --memory");
        }
        return config.withMemoryCapBytes(bytes);
    }
}
