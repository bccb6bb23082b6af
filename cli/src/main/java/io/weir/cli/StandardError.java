package io.weir.cli;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/// The process's standard error. A JVM announces incubating modules there before any code of ours runs; so the script
/// `weir` starts it on a pipe whose reader drops that one line, and keeps the real one on another descriptor, which a
/// property names.
final class StandardError {
    private static final String PROPERTY = "weir.stderr";
    private static final int STANDARD_ERROR = 2;

    private StandardError() {}

    /// Makes the real standard error descriptor 2 again, as if there had been no pipe. If that fails, the pipe stays:
    /// then it is no terminal, but nothing is lost.
    static void restore() {
        Integer descriptor = Integer.getInteger(PROPERTY);
        if (descriptor == null) {
            return;
        }
        Linker linker = Linker.nativeLinker();
        FunctionDescriptor type =
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT);
        try {
            // int dup2(int from, int to): reads no memory of ours.
            MethodHandle dup2 = linker.downcallHandle(linker.defaultLookup().findOrThrow("dup2"), type);
            int result = (int) dup2.invokeExact((int) descriptor, STANDARD_ERROR);
            if (result != STANDARD_ERROR) {
                System.clearProperty(PROPERTY);
            }
        } catch (Throwable e) {
            // A call from outside Java declares everything; this one throws nothing.
            throw new IllegalStateException("standard error cannot be restored: descriptor=" + descriptor, e);
        }
    }
}
