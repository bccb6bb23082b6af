package io.weir.table;

import io.weir.model.ErrorCode;
import io.weir.model.WeirException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.Locale;
import java.util.Objects;

/// A range of addresses of our own, backed by memory only where it has been touched: the one class of this
/// module that calls the operating system and makes segments out of addresses. Guarded by its owner.
///
/// Memory comes from `mmap`, anonymous, private and without swap reservation, so it reads as zeros until
/// written and never moves. `Arena.allocate` would write those zeros at once.
///
/// Why the restricted calls are safe. `mmap` returned `length` bytes at an address that nobody else has; the
/// segment made of it covers the part from the next multiple of [#ALIGNMENT_BYTES] on, which ends within
/// those bytes because `length` is the size asked for plus one alignment. Its scope is an [Arena] that
/// `close` closes before the range is unmapped, so an access after that throws instead of touching memory of
/// others. `madvise` is called with ranges that were checked against the size, and with advice that keeps
/// their contents, or makes them zeros again where the caller asks for that.
final class AddressSpace implements AutoCloseable {
    /// All addresses, for the loops over all keys of a request: to the compiler its bounds and scope are
    /// constants, so that no access pays for them. Addresses used with it are those of pages and records
    /// within a range of this class, computed from ordinals and page numbers below their counts, or were
    /// checked by [#address].
    static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    /// Segments start at multiples of this: a huge page of x86-64, and of aarch64 with pages of 4 KiB.
    static final long ALIGNMENT_BYTES = 2L << 20;

    private static final int PROT_READ_WRITE = 0x1 | 0x2;
    private static final int MAP_PRIVATE = 0x2;
    private static final long MAP_FAILED = -1;
    private static final int MADV_DONTNEED = 4;
    private static final int MADV_HUGEPAGE = 14;
    private static final int MADV_COLLAPSE = 25;

    private final Arena arena;
    private final MemorySegment segment;
    private final long mappedAddress;
    private final long mappedBytes;

    private AddressSpace(Arena arena, MemorySegment segment, long mappedAddress, long mappedBytes) {
        this.arena = arena;
        this.segment = segment;
        this.mappedAddress = mappedAddress;
        this.mappedBytes = mappedBytes;
    }

    /// Reserves `bytes` of addresses.
    ///
    /// @throws WeirException [ErrorCode#MEMORY_EXCEEDED] if the system has no such range
    /// @throws UnsupportedOperationException on systems other than Linux and macOS
    static AddressSpace reserve(long bytes) {
        if (bytes < 1 || bytes > Long.MAX_VALUE - ALIGNMENT_BYTES) {
            throw new IllegalArgumentException("address space must be at least 1 byte: bytes=" + bytes);
        }
        long mappedBytes = bytes + ALIGNMENT_BYTES;
        long address = Calls.map(mappedBytes);
        long aligned = (address + ALIGNMENT_BYTES - 1) & -ALIGNMENT_BYTES;
        Arena arena = Arena.ofShared();
        MemorySegment segment = MemorySegment.ofAddress(aligned).reinterpret(bytes, arena, null);
        return new AddressSpace(arena, segment, address, mappedBytes);
    }

    /// The address of `offset` in a segment of the caller, after checking that `bytes` from there on may be
    /// read now. The caller keeps the segment reachable and open as long as it uses the address.
    static long address(MemorySegment segment, long offset, long bytes) {
        if (!segment.isNative()) {
            throw new IllegalArgumentException("requests must lie in native memory: byteSize=" + segment.byteSize());
        }
        if (!segment.scope().isAlive() || !segment.isAccessibleBy(Thread.currentThread())) {
            throw new IllegalStateException(
                    "requests must be open, and to this thread: byteSize=" + segment.byteSize());
        }
        Objects.checkFromIndexSize(offset, bytes, segment.byteSize());
        return segment.address() + offset;
    }

    /// The whole range, to the day it is closed.
    MemorySegment segment() {
        return segment;
    }

    /// Asks for huge pages in a range, where the system has them, also for what has been touched already: that part
    /// is copied now, which takes some hundred microseconds for each. Advice only: nothing depends on its success.
    void preferHugePages(long offset, long bytes) {
        Objects.checkFromIndexSize(offset, bytes, segment.byteSize());
        if (Calls.IS_LINUX) {
            Calls.advise(segment.address() + offset, bytes, MADV_HUGEPAGE);
            Calls.advise(segment.address() + offset, bytes, MADV_COLLAPSE);
        }
    }

    /// Gives the memory behind a range back to the system. On Linux it reads as zeros after that; elsewhere nothing
    /// happens, so it is for ranges that were never written.
    void discard(long offset, long bytes) {
        Objects.checkFromIndexSize(offset, bytes, segment.byteSize());
        if (Calls.IS_LINUX) {
            Calls.advise(segment.address() + offset, bytes, MADV_DONTNEED);
        }
    }

    @Override
    public void close() {
        arena.close();
        Calls.unmap(mappedAddress, mappedBytes);
    }

    /// The three system calls, bound when the first range is reserved.
    private static final class Calls {
        static final boolean IS_LINUX = systemName().startsWith("linux");
        static final boolean IS_MAC = systemName().startsWith("mac");

        private static final Linker LINKER = Linker.nativeLinker();
        private static final MemoryLayout STATE_LAYOUT = Linker.Option.captureStateLayout();
        private static final VarHandle ERRNO = STATE_LAYOUT.varHandle(MemoryLayout.PathElement.groupElement("errno"));
        private static final MethodHandle MMAP = LINKER.downcallHandle(
                LINKER.defaultLookup().findOrThrow("mmap"),
                FunctionDescriptor.of(
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_LONG),
                Linker.Option.captureCallState("errno"));
        private static final MethodHandle MUNMAP = LINKER.downcallHandle(
                LINKER.defaultLookup().findOrThrow("munmap"),
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
        private static final MethodHandle MADVISE = LINKER.downcallHandle(
                LINKER.defaultLookup().findOrThrow("madvise"),
                FunctionDescriptor.of(
                        ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));

        private Calls() {}

        static long map(long bytes) {
            int anonymous;
            int noReserve;
            if (IS_LINUX) {
                anonymous = 0x20;
                noReserve = 0x4000;
            } else if (IS_MAC) {
                anonymous = 0x1000;
                noReserve = 0x40;
            } else {
                throw new UnsupportedOperationException(
                        "rows are kept in mapped memory, which needs Linux or macOS: os.name=" + systemName());
            }
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment state = arena.allocate(STATE_LAYOUT);
                long address = (long) MMAP.invokeExact(
                        state, 0L, bytes, PROT_READ_WRITE, MAP_PRIVATE | anonymous | noReserve, -1, 0L);
                if (address == MAP_FAILED) {
                    throw new WeirException(
                            ErrorCode.MEMORY_EXCEEDED,
                            "the system refused address space for rows (see ulimit -v, vm.overcommit_memory): bytes="
                                    + bytes + ", errno=" + (int) ERRNO.get(state, 0L));
                }
                return address;
            } catch (RuntimeException | Error e) {
                throw e;
            } catch (Throwable e) {
                throw new IllegalStateException("mmap could not be called: bytes=" + bytes, e);
            }
        }

        static void unmap(long address, long bytes) {
            try {
                int result = (int) MUNMAP.invokeExact(address, bytes);
                if (result != 0) {
                    throw new IllegalStateException("munmap must succeed: bytes=" + bytes + ", result=" + result);
                }
            } catch (RuntimeException | Error e) {
                throw e;
            } catch (Throwable e) {
                throw new IllegalStateException("munmap could not be called: bytes=" + bytes, e);
            }
        }

        static void advise(long address, long bytes, int advice) {
            try {
                int ignored = (int) MADVISE.invokeExact(address, bytes, advice);
            } catch (RuntimeException | Error e) {
                throw e;
            } catch (Throwable e) {
                throw new IllegalStateException("madvise could not be called: bytes=" + bytes, e);
            }
        }

        private static String systemName() {
            return System.getProperty("os.name", "unknown").toLowerCase(Locale.ROOT);
        }
    }
}
