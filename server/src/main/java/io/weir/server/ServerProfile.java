package io.weir.server;

import io.weir.model.ErrorCode;
import io.weir.model.WeirException;
import io.weir.wire.Message;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.ParseException;
import jdk.jfr.Configuration;
import jdk.jfr.Recording;
import org.jspecify.annotations.Nullable;

/// What this process spends its time on, recorded by the JVM's own flight recorder when somebody asks for it.
/// Files go to the folder for temporary files under names of our own; what comes over the network chooses
/// neither. Thread-safe.
final class ServerProfile implements AutoCloseable {
    /// Most bytes that a recording keeps on disk: 64 MiB.
    private static final long MAX_BYTES = 64L << 20;

    /// Most files that one server writes.
    static final int MAX_FILES = 16;

    private @Nullable Recording recording;
    private int files;

    /// Does what was asked.
    ///
    /// @return the file that was written, or an empty text
    synchronized String act(Message.Profile.Action action) {
        return switch (action) {
            case START -> start();
            case DUMP -> dump(running());
            case STOP -> {
                Recording ended = running();
                String file = dump(ended);
                recording = null;
                ended.close();
                yield file;
            }
        };
    }

    private String start() {
        if (recording == null) {
            try {
                Recording begun = new Recording(Configuration.getConfiguration("profile"));
                begun.setName("weir");
                begun.setMaxSize(MAX_BYTES);
                begun.start();
                recording = begun;
            } catch (IOException | ParseException | IllegalStateException e) {
                throw new WeirException(ErrorCode.INTERNAL, "this JVM cannot record a profile: " + e, e);
            }
        }
        return "";
    }

    private Recording running() {
        Recording present = recording;
        if (present == null) {
            throw new WeirException(ErrorCode.INVALID_ARGUMENT, "no profile is being recorded");
        }
        return present;
    }

    private String dump(Recording source) {
        if (files == MAX_FILES) {
            throw new WeirException(
                    ErrorCode.LIMIT_EXCEEDED, "a server writes at most " + MAX_FILES + " profiles: files=" + files);
        }
        try {
            Path file = Files.createTempFile("weir-profile-", ".jfr");
            source.dump(file);
            files++;
            return file.toString();
        } catch (IOException e) {
            throw new WeirException(ErrorCode.INTERNAL, "the profile cannot be written: " + e, e);
        }
    }

    @Override
    public synchronized void close() {
        Recording present = recording;
        recording = null;
        if (present != null) {
            present.close();
        }
    }
}
