package io.weir.client;

import java.util.ServiceLoader;

/// Makes parameter servers in this process. Who has them on the class path (module `embedded`) offers this to
/// [ServiceLoader].
public interface LocalServers {
    /// Opens servers that hold rows of their own.
    Opened open();

    /// Servers in this process. Thread-safe.
    interface Opened extends AutoCloseable {
        /// A connection to them.
        Weir connect(ClientConfig config);

        /// Frees all rows.
        @Override
        void close();
    }

    /// The one on the class path.
    ///
    /// @throws IllegalStateException if there is none
    static LocalServers find() {
        return ServiceLoader.load(LocalServers.class)
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("servers in this process need weir-embedded on the class"
                        + " path, and Java 25: none offers " + LocalServers.class.getName()));
    }
}
