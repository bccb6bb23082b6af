package io.weir.model;

import java.util.Comparator;
import java.util.Locale;
import java.util.Objects;
import java.util.regex.Pattern;

/// Where a server listens. Two spellings of one address are two addresses, but for `localhost`, upper case and a
/// missing port, which are made equal. Immutable, ordered by host, then port.
///
/// @param host name or literal address in lower case, IPv6 without brackets: letters, digits and `. _ - : %`
/// @param port 1 to 65535
public record ServerAddress(String host, int port) implements Comparable<ServerAddress> {
    /// The port when none is named.
    public static final int DEFAULT_PORT = 7700;

    private static final Pattern HOST = Pattern.compile("[0-9a-z._:%-]+");

    private static final Comparator<ServerAddress> ORDER =
            Comparator.comparing(ServerAddress::host).thenComparingInt(ServerAddress::port);

    public ServerAddress {
        Objects.requireNonNull(host, "host");
        host = host.toLowerCase(Locale.ROOT);
        host = host.equals("localhost") ? "127.0.0.1" : host;
        if (!HOST.matcher(host).matches()) {
            throw new IllegalArgumentException(
                    "host must be letters, digits, '.', '_', '-', ':' or '%': host='" + host + "'");
        }
        if (port < 1 || port > 65_535) {
            throw new IllegalArgumentException("port must be from 1 to 65535: port=" + port + ", host=" + host);
        }
    }

    /// Reads `host`, `host:port`, `[ipv6]:port`, each perhaps after `weir://`.
    public static ServerAddress parse(String text) {
        Objects.requireNonNull(text, "text");
        String rest = text.strip();
        if (rest.startsWith("weir://")) {
            rest = rest.substring("weir://".length());
        }
        int close = rest.startsWith("[") ? rest.indexOf(']') : -1;
        int colon = rest.indexOf(':', Math.max(0, close));
        if (rest.startsWith("[") && close < 0) {
            throw new IllegalArgumentException("server address has '[' without ']': address=" + text);
        }
        if (close >= 0 && close + 1 < rest.length() && rest.charAt(close + 1) != ':') {
            throw new IllegalArgumentException("server address has text between ']' and ':': address=" + text);
        }
        String host = close >= 0 ? rest.substring(1, close) : colon >= 0 ? rest.substring(0, colon) : rest;
        if (colon < 0) {
            return new ServerAddress(host, DEFAULT_PORT);
        }
        try {
            return new ServerAddress(host, Integer.parseInt(rest.substring(colon + 1)));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("server address must be host:port: address=" + text, e);
        }
    }

    @Override
    public int compareTo(ServerAddress other) {
        return ORDER.compare(this, other);
    }

    @Override
    public String toString() {
        return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
    }
}
