package io.weir.client.internal;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/// Requests and calls that are free, requests by size class. Guarded by its own lock.
final class RequestPool {
    private static final int MIN_SHIFT = 10;
    private static final int CLASSES = 17;

    /// Most bytes of free requests that are kept in one class.
    private static final int MAX_FREE_BYTES = 16 << 20;

    private final List<ArrayDeque<Request>> free = new ArrayList<>();
    private final ArrayDeque<Call> calls = new ArrayDeque<>();

    RequestPool() {
        for (int i = 0; i < CLASSES; i++) {
            free.add(new ArrayDeque<>());
        }
    }

    /// A request with room for a frame of so many bytes.
    Request take(int bytes) {
        int sizeClass = sizeClass(bytes);
        synchronized (this) {
            Request request = free.get(sizeClass).pollLast();
            if (request != null) {
                return request;
            }
        }
        return new Request(1 << (sizeClass + MIN_SHIFT));
    }

    void give(Request request) {
        request.end();
        int capacity = request.frame().capacity();
        int sizeClass = sizeClass(capacity);
        synchronized (this) {
            ArrayDeque<Request> stack = free.get(sizeClass);
            if ((long) (stack.size() + 1) * capacity <= Math.max(MAX_FREE_BYTES, capacity)) {
                stack.addLast(request);
            }
        }
    }

    Call takeCall() {
        synchronized (this) {
            Call call = calls.pollLast();
            return call == null ? new Call() : call;
        }
    }

    /// Takes back a call that is done and whose requests all came back.
    void give(Call call) {
        synchronized (this) {
            if (calls.size() < 256) {
                calls.addLast(call);
            }
        }
    }

    private static int sizeClass(int bytes) {
        int shift = Integer.SIZE - Integer.numberOfLeadingZeros(Math.max(1, bytes - 1));
        return Math.max(0, shift - MIN_SHIFT);
    }
}
