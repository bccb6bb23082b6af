package io.weir.client.internal;

import io.weir.model.WeirException;
import io.weir.model.WorkerId;
import io.weir.wire.DataLayout;
import io.weir.wire.Limits;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The stream of one worker's pushes as a state machine: no threads, sockets or clock. What happens comes in as calls;
/// what is to be sent goes out through the sender. Guarded by its own lock, which [#lock] hands to whoever has to
/// number and send in one go.
///
/// Each push has one number, the same on every shard it touches. Each of its frames names the number before it on that
/// shard, so a shard sees at once when one is missing. A push stays in its lane's window until the shard has decided
/// it. When a connection is lost, or a shard refuses for load or because of a gap, nothing is forgotten: once all that
/// is in flight in that lane has been answered, its window is sent again in order, and the shard's entry for this
/// worker sees to it that nothing applies twice.
///
/// A push that is given up keeps its number: it is sent again as withdrawn, and the shard's answer says whether that
/// came in time. So an older copy that a lost connection still delivers can do no harm, however late it comes.
final class WorkerStream {
    private final WorkerId id;
    private final Lane[] lanes;
    private final Consumer<Request> sender;
    private final ReentrantLock lock;
    private final Map<Integer, Long> clocks = new HashMap<>();
    private long lastNumber;

    /// Of the first clock group: written under the lock, read without it for each frame that pulls.
    private volatile long clock;

    private int undecided;
    private volatile boolean ended;

    /// @param sender sends a frame to its shard, or keeps it until the shard can be reached; never calls back
    WorkerStream(WorkerId id, int shardCount, Consumer<Request> sender) {
        this(id, shardCount, sender, new ReentrantLock());
    }

    /// @param lock that it shares with the other streams of its transport
    WorkerStream(WorkerId id, int shardCount, Consumer<Request> sender, ReentrantLock lock) {
        this.id = id;
        this.sender = sender;
        this.lock = lock;
        this.lanes = new Lane[shardCount];
        for (int i = 0; i < shardCount; i++) {
            lanes[i] = new Lane(this);
        }
    }

    WorkerId id() {
        return id;
    }

    /// Takes the place that the shards remember of this worker, before the first push.
    ///
    /// @param number after which it goes on: its last one, or the one at its clock if it makes the pushes since
    ///     then again
    /// @param lastNumbers last number on each shard, which may be ahead
    void resume(long number, long atClock, long[] lastNumbers) {
        for (int shard = 0; shard < lanes.length; shard++) {
            lanes[shard].decided = lastNumbers[shard];
        }
        lastNumber = number;
        clock = atClock;
    }

    /// Key lists of this worker that a shard keeps.
    SentKeyLists keyLists(int shard) {
        return lanes[shard].keyLists;
    }

    ReentrantLock lock() {
        return lock;
    }

    long clock(int group) {
        if (group == 0) {
            return clock;
        }
        lock.lock();
        try {
            return clockOf(group);
        } finally {
            lock.unlock();
        }
    }

    private long clockOf(int group) {
        return group == 0 ? clock : clocks.getOrDefault(group, 0L);
    }

    /// Takes the worker to a clock that the others have reached without it, if it is not there yet. Numbers that an
    /// earlier life used are for the steps that it was in, so they are left out.
    void jump(int group, long newClock) {
        lock.lock();
        try {
            if (newClock > clockOf(group)) {
                reach(group, newClock);
                for (Lane lane : lanes) {
                    lastNumber = Math.max(lastNumber, lane.decided);
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /// Takes the worker to the clock after its own tick, if it is not there yet.
    void reach(int group, long newClock) {
        lock.lock();
        try {
            if (newClock > clockOf(group)) {
                if (group == 0) {
                    clock = newClock;
                } else {
                    clocks.put(group, newClock);
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /// Whether one more number fits the window: no shard may have to remember further back than it can.
    boolean hasRoom() {
        lock.lock();
        try {
            return lastNumber - oldestUndecided() < Limits.MAX_WINDOW - 1;
        } finally {
            lock.unlock();
        }
    }

    /// Pushes that are not decided yet, counted by frames.
    int undecided() {
        lock.lock();
        try {
            return undecided;
        } finally {
            lock.unlock();
        }
    }

    private long oldestUndecided() {
        if (undecided == 0) {
            return lastNumber;
        }
        long oldest = lastNumber + 1;
        for (Lane lane : lanes) {
            Request first = lane.window.peekFirst();
            if (first != null) {
                oldest = Math.min(oldest, DataLayout.number(first.frame(), 0));
            }
        }
        return oldest - 1;
    }

    /// Gives the next number. The caller holds the lock until it has submitted all frames of that number.
    long nextNumber() {
        return ++lastNumber;
    }

    /// Writes who pulls and at which clock into a frame that changes nothing.
    void identify(ByteBuffer frame, int group) {
        DataLayout.putWorker(frame, 0, id.run(), id.worker(), id.generation());
        DataLayout.putNumber(frame, 0, 0, 0);
        DataLayout.putClock(frame, 0, clock(group), group);
    }

    /// Takes a push of this number into its lane's window, and sends it unless the lane waits to be sent again.
    ///
    /// A worker that does a step again gives numbers that a shard may have decided: of those it does not look at
    /// the one before.
    void submit(Request request, int shard, long number, int group) {
        submit(request, shard, number, clockOf(group), group);
    }

    /// As [#submit], at a given clock: that of a tick is the one it leads to.
    void submit(Request request, int shard, long number, long atClock, int group) {
        Lane lane = lanes[shard];
        ByteBuffer frame = request.frame();
        DataLayout.putWorker(frame, 0, id.run(), id.worker(), id.generation());
        Request before = lane.window.peekLast();
        long previous = before == null ? 0 : DataLayout.number(before.frame(), 0);
        DataLayout.putNumber(frame, 0, number, Math.min(number - 1, Math.max(lane.decided, previous)));
        DataLayout.putClock(frame, 0, atClock, group);
        request.setLane(lane);
        lane.window.addLast(request);
        undecided++;
        if (!lane.rewinding) {
            lane.inFlight++;
            sender.accept(request);
        }
    }

    /// A push was decided: applied, or refused in order.
    ///
    /// @return whether its lane is to be sent again now, see [#resend]
    boolean onDecided(Request request) {
        lock.lock();
        try {
            Lane lane = laneOf(request);
            lane.inFlight--;
            if (lane.window.removeFirstOccurrence(request)) {
                undecided--;
                lane.decided = Math.max(lane.decided, DataLayout.number(request.frame(), 0));
            }
            return lane.rewinding && lane.inFlight == 0;
        } finally {
            lock.unlock();
        }
    }

    /// A push did not take its place: its answer or its connection was lost, or the shard was busy, or missed the one
    /// before. It stays in the window.
    ///
    /// @return whether its lane is to be sent again now, see [#resend]
    boolean onReturned(Request request, int retryAfterMs) {
        lock.lock();
        try {
            Lane lane = laneOf(request);
            lane.inFlight--;
            lane.rewinding = true;
            lane.retryAfterMs = Math.max(lane.retryAfterMs, retryAfterMs);
            return lane.inFlight == 0;
        } finally {
            lock.unlock();
        }
    }

    /// A push did not take its place because the shard has forgotten its keys: it is sent again with them.
    ///
    /// @return whether its lane is to be sent again now, see [#resend]
    boolean onKeysForgotten(Request request) {
        lock.lock();
        try {
            request.restoreKeys();
            return onReturned(request, 0);
        } finally {
            lock.unlock();
        }
    }

    /// A push did not take its place for want of memory, and is given up: it is sent again as withdrawn.
    ///
    /// @return whether its lane is to be sent again now, see [#resend]
    boolean onRefusedForMemory(Request request, WeirException reason) {
        lock.lock();
        try {
            request.withdraw(reason);
            return onReturned(request, 0);
        } finally {
            lock.unlock();
        }
    }

    /// This worker can push no more, or not to this shard: the push is forgotten, and those behind it close up.
    ///
    /// @return whether its lane is to be sent again now, see [#resend]
    boolean onForgotten(Request request) {
        lock.lock();
        try {
            Lane lane = laneOf(request);
            lane.inFlight--;
            if (lane.window.removeFirstOccurrence(request)) {
                undecided--;
            }
            lane.rewinding = lane.rewinding || !lane.window.isEmpty();
            return lane.rewinding && lane.inFlight == 0;
        } finally {
            lock.unlock();
        }
    }

    /// How long to wait before [#resend].
    int retryAfterMs(Lane lane) {
        lock.lock();
        try {
            return lane.retryAfterMs;
        } finally {
            lock.unlock();
        }
    }

    /// Sends the window of a lane again, from its beginning.
    ///
    /// A push may be sent again although one behind it is known to be decided, for only its own answer says how it
    /// was decided. Of a number that it has decided, a shard does not look at the one before.
    void resend(Lane lane) {
        lock.lock();
        try {
            if (ended || !lane.rewinding || lane.inFlight > 0) {
                return;
            }
            lane.rewinding = false;
            lane.retryAfterMs = 0;
            long previous = lane.decided;
            for (Request request : lane.window) {
                long number = DataLayout.number(request.frame(), 0);
                DataLayout.putNumber(request.frame(), 0, number, Math.min(previous, number - 1));
                previous = Math.max(previous, number);
                lane.inFlight++;
                sender.accept(request);
            }
        } finally {
            lock.unlock();
        }
    }

    /// Sends nothing more from now on, and takes nothing on.
    void end() {
        lock.lock();
        try {
            ended = true;
        } finally {
            lock.unlock();
        }
    }

    boolean isEnded() {
        return ended;
    }

    /// After the end: takes out the pushes that wait to be sent again and never will be. Those under way are not among
    /// them before their answer, or the loss of their connection, has been told.
    List<Request> takeGivenUp() {
        lock.lock();
        try {
            List<Request> givenUp = new ArrayList<>();
            for (Lane lane : lanes) {
                if (ended && lane.inFlight == 0) {
                    givenUp.addAll(lane.window);
                    lane.window.clear();
                }
            }
            undecided -= givenUp.size();
            return givenUp;
        } finally {
            lock.unlock();
        }
    }

    private Lane laneOf(Request request) {
        @Nullable Lane lane = request.lane();
        if (lane == null) {
            throw new IllegalStateException("request has no place in a stream: type=" + request.type());
        }
        return lane;
    }
}
