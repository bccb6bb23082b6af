package io.weir.kvstore;

import io.weir.client.ClientConfig;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Which store to open, and as whom. Immutable.
///
/// @param type where the values are
/// @param servers all servers of the cluster, separated by commas; not looked at in a store of one process
/// @param name of the store: all its workers give the same one, and no other store on these servers
/// @param rank of this worker, from 0
/// @param workerCount workers of the store
/// @param silence a worker that gives no sign of life for so long is fenced, and the others go on without it
/// @param client how the connection behaves
public record KvConfig(
        KvType type, String servers, String name, int rank, int workerCount, Duration silence, ClientConfig client) {
    /// Environment variable with [#servers].
    public static final String SERVERS = "WEIR_SERVERS";

    /// Environment variable with [#rank].
    public static final String RANK = "WEIR_RANK";

    /// Environment variable with [#workerCount].
    public static final String WORKER_COUNT = "WEIR_WORKER_COUNT";

    /// Environment variable with [#name].
    public static final String RUN = "WEIR_RUN";

    private static final Duration SILENCE = Duration.ofSeconds(10);

    public KvConfig {
        Objects.requireNonNull(type, "type");
        Objects.requireNonNull(servers, "servers");
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(silence, "silence");
        Objects.requireNonNull(client, "client");
        if (workerCount < 1 || rank < 0 || rank >= workerCount) {
            throw new IllegalArgumentException(
                    "rank must be from 0 to workerCount - 1: rank=" + rank + ", workerCount=" + workerCount);
        }
        if (!type.isDistributed() && workerCount != 1) {
            throw new IllegalArgumentException(
                    "a store in one process has one worker: type=" + type.text() + ", workerCount=" + workerCount);
        }
    }

    /// A store in this process.
    public static KvConfig local() {
        return new KvConfig(KvType.LOCAL, "", "local", 0, 1, SILENCE, ClientConfig.defaults());
    }

    /// Worker `rank` of `workerCount` of a store on servers.
    public static KvConfig distributed(KvType type, String servers, int rank, int workerCount) {
        return new KvConfig(type, servers, "kvstore", rank, workerCount, SILENCE, ClientConfig.defaults());
    }

    /// What `weir launch` has put into the environment; nothing is needed of it for a store in one process.
    ///
    /// @throws IllegalArgumentException naming the variable that is missing or no number
    public static KvConfig ofEnvironment(KvType type, Map<String, String> environment) {
        if (!type.isDistributed()) {
            return local().withType(type);
        }
        KvConfig config = distributed(
                type,
                required(type, environment, SERVERS),
                number(type, environment, RANK),
                number(type, environment, WORKER_COUNT));
        String run = environment.get(RUN);
        return run == null || run.isEmpty() ? config : config.withName(run);
    }

    private static String required(KvType type, Map<String, String> environment, String variable) {
        @Nullable String value = environment.get(variable);
        if (value == null || value.isBlank()) {
            throw new IllegalArgumentException("a store of type " + type.text() + " needs " + SERVERS + ", " + RANK
                    + " and " + WORKER_COUNT + " in the environment, where 'weir launch' puts them: missing="
                    + variable);
        }
        return value.strip();
    }

    private static int number(KvType type, Map<String, String> environment, String variable) {
        String value = required(type, environment, variable);
        try {
            return Integer.parseInt(value);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(variable + " must be a whole number: value=" + value, e);
        }
    }

    public KvConfig withType(KvType type) {
        return new KvConfig(type, servers, name, rank, workerCount, silence, client);
    }

    public KvConfig withName(String name) {
        return new KvConfig(type, servers, name, rank, workerCount, silence, client);
    }

    public KvConfig withSilence(Duration silence) {
        return new KvConfig(type, servers, name, rank, workerCount, silence, client);
    }

    public KvConfig withClient(ClientConfig client) {
        return new KvConfig(type, servers, name, rank, workerCount, silence, client);
    }
}
