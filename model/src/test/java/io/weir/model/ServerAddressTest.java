package io.weir.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class ServerAddressTest {
    @Test
    void readsEverySpelling() {
        assertReads("example.org", "example.org", 7700);
        assertReads("example.org:1", "example.org", 1);
        assertReads("  weir://Example.ORG:65535 ", "example.org", 65_535);
        assertReads("localhost", "127.0.0.1", 7700);
        assertReads("LOCALHOST:80", "127.0.0.1", 80);
        assertReads("[::1]", "::1", 7700);
        assertReads("[FE80::1%eth0]:80", "fe80::1%eth0", 80);
        assertReads("weir://[::1]:80", "::1", 80);
        assertReads("10.0.0.1:080", "10.0.0.1", 80);
    }

    @Test
    void textReadsBack() {
        for (String text : List.of("example.org:1", "127.0.0.1:7700", "[::1]:80", "a_b-c.d:9")) {
            assertThat(ServerAddress.parse(text)).hasToString(text);
        }
    }

    @Test
    void rejectsWhatIsNoAddress() {
        String rule = "host must be letters, digits, '.', '_', '-', ':' or '%': host='";
        refuses("", rule + "'");
        refuses(":80", rule + "'");
        refuses("[]:80", rule + "'");
        refuses("a b:80", rule + "a b'");
        refuses("a;b=1:80", rule + "a;b=1'");
        refuses("a/b", rule + "a/b'");
        refuses("ä:80", rule + "ä'");
        refuses("[::1", "server address has '[' without ']': address=[::1");
        refuses("[::1]x:80", "server address has text between ']' and ':': address=[::1]x:80");
        refuses("[::1]80", "server address has text between ']' and ':': address=[::1]80");
        refuses("a:", "server address must be host:port: address=a:");
        refuses("a:b:80", "server address must be host:port: address=a:b:80");
        refuses("::1", "server address must be host:port: address=::1");
        refuses("a:80x", "server address must be host:port: address=a:80x");
        refuses("a:99999999999", "server address must be host:port: address=a:99999999999");
        refuses("a:0", "port must be from 1 to 65535: port=0, host=a");
        refuses("a:-1", "port must be from 1 to 65535: port=-1, host=a");
        refuses("a:65536", "port must be from 1 to 65535: port=65536, host=a");
    }

    @Test
    void isOrderedByHostThenPort() {
        List<String> sorted = List.of("10.0.0.10:7700", "10.0.0.9:80", "10.0.0.9:7700", "[::1]:80", "a:9", "b:1");
        for (int i = 1; i < sorted.size(); i++) {
            assertThat(ServerAddress.parse(sorted.get(i - 1))).isLessThan(ServerAddress.parse(sorted.get(i)));
        }
    }

    private static void assertReads(String text, String host, int port) {
        assertThat(ServerAddress.parse(text)).isEqualTo(new ServerAddress(host, port));
        assertThat(ServerAddress.parse(text).host()).isEqualTo(host);
    }

    private static void refuses(String text, String message) {
        assertThatThrownBy(() -> ServerAddress.parse(text))
                .as(text)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
    }
}
