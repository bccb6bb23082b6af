package io.weir.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class ShardMapTest {
    /// The golden values stand in `docs/protocol.md` too: they may never change.
    @Test
    void hashHasItsGoldenValues() {
        assertThat(map("localhost", 8).hash()).isEqualTo(0xda82dda3badbec34L);
        ShardMap four = map("b.example:7700", 8, "A.example:7701", 4, "weir://[::1]:80", 1, "a.example:80", 3);
        assertThat(four.hash()).isEqualTo(0x7308e86c9dd9addbL);
        assertThat(map("localhost", 8).hash()).isEqualTo(Keys.ofString("1;127.0.0.1:7700=8"));
        assertThat(four.hash())
                .isEqualTo(Keys.ofString("1;[::1]:80=1;a.example:80=3;a.example:7701=4;b.example:7700=8"));
    }

    @Test
    void isTheSameForServersInAnyOrder() {
        ShardMap map = map("b:1", 2, "a:9", 3, "a:8", 1);
        assertThat(map).isEqualTo(map("a:8", 1, "b:1", 2, "a:9", 3));
        assertThat(map.hash()).isEqualTo(map("a:9", 3, "a:8", 1, "b:1", 2).hash());
        assertThat(map.servers().get(0).address()).isEqualTo(ServerAddress.parse("a:8"));
    }

    @Test
    void hashTellsMapsApart() {
        Set<Long> hashes = new HashSet<>();
        hashes.add(map("a:1", 2, "b:1", 2).hash());
        hashes.add(map("a:1", 2).hash());
        hashes.add(map("a:1", 2, "b:1", 3).hash());
        hashes.add(map("a:1", 3, "b:1", 2).hash());
        hashes.add(map("a:1", 2, "b:2", 2).hash());
        hashes.add(new ShardMap(2, map("a:1", 2, "b:1", 2).servers()).hash());
        assertThat(hashes).hasSize(6).doesNotContain(0L);
    }

    @Test
    void numbersShardsThrough() {
        ShardMap map = map("b:1", 2, "a:9", 3, "a:8", 1);
        assertThat(map.shardCount()).isEqualTo(6);
        assertThat(List.of(map.firstShardOf(0), map.firstShardOf(1), map.firstShardOf(2)))
                .containsExactly(0, 1, 4);
        List<Integer> servers = new ArrayList<>();
        for (int shard = 0; shard < 6; shard++) {
            servers.add(map.serverOf(shard));
        }
        assertThat(servers).containsExactly(0, 1, 1, 1, 2, 2);
        for (int shard : new int[] {-1, 6, Integer.MIN_VALUE}) {
            refuses(() -> map.serverOf(shard), "shard is not in the map: shard=" + shard + ", shards=6");
        }
    }

    @Test
    void rejectsMapsThatAreNone() {
        refuses(() -> new ShardMap(1, List.of()), "a shard map needs at least one server");
        refuses(() -> new ShardMap(0, map("a", 1).servers()), "shard map version must be at least 1: version=0");
        refuses(() -> map("a:1", 1, "A:1", 2), "a server is listed twice: server=a:1");
        refuses(() -> map("localhost", 1, "127.0.0.1", 2), "a server is listed twice: server=127.0.0.1:7700");
        for (int shards : new int[] {0, -1, 4097, Integer.MAX_VALUE}) {
            refuses(() -> map("a:1", shards), "a server has from 1 to 4096 shards: shards=" + shards + ", server=a:1");
        }
        assertThat(map("a", 4095, "b", 1).shardCount()).isEqualTo(4096);
        refuses(() -> map("a", 4096, "b", 1), "a cluster has at most 4096 shards: shards=4097");
    }

    /// A map of addresses and shard counts in turn.
    private static ShardMap map(Object... servers) {
        List<ShardMap.Server> list = new ArrayList<>();
        for (int i = 0; i < servers.length; i += 2) {
            list.add(new ShardMap.Server(ServerAddress.parse((String) servers[i]), (Integer) servers[i + 1]));
        }
        return new ShardMap(1, list);
    }

    private static void refuses(ThrowingCallable call, String message) {
        assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class).hasMessage(message);
    }
}
