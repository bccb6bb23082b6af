package io.weir.cli;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.function.UnaryOperator;

/// Listens like a server, and answers the first bytes of every connection as it is told to.
final class FakeServer implements AutoCloseable {
    private final ServerSocket listener;
    private final Thread thread;

    /// @param answer makes the bytes of the answer from those that came first; the connection is closed after
    FakeServer(UnaryOperator<byte[]> answer) throws IOException {
        listener = new ServerSocket(0, 8, InetAddress.getLoopbackAddress());
        thread = Thread.ofPlatform().daemon().start(() -> serve(answer));
    }

    private void serve(UnaryOperator<byte[]> answer) {
        while (!listener.isClosed()) {
            try (Socket socket = listener.accept()) {
                byte[] bytes = new byte[4096];
                int count = socket.getInputStream().read(bytes);
                if (count > 0) {
                    socket.getOutputStream().write(answer.apply(java.util.Arrays.copyOf(bytes, count)));
                    socket.getOutputStream().flush();
                }
            } catch (IOException e) {
                // The listener was closed, or the client has gone: the next one decides.
            }
        }
    }

    String address() {
        return "127.0.0.1:" + listener.getLocalPort();
    }

    @Override
    public void close() throws IOException {
        listener.close();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
