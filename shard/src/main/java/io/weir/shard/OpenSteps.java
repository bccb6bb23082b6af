package io.weir.shard;

import io.weir.model.ErrorCode;
import io.weir.model.WeirException;
import io.weir.table.CheckResult;
import io.weir.table.MemoryBudget;
import io.weir.wire.DataLayout;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/// Pushes of synchronous steps that are not closed yet: kept in memory that the server's budget pays for, until the
/// record of their step comes. Confined to the thread inside the shard.
final class OpenSteps {
    /// Copies are kept to be used again up to so many bytes, 16 MiB: a round of a tensor in slices finds them all.
    private static final int MAX_FREE_BYTES = 16 << 20;

    private final int shard;
    private final MemoryBudget budget;
    private final IntFunction<@Nullable ShardTable> tables;
    private final @Nullable PlantedBug bug;
    private final StepFold fold = new StepFold();
    private final List<HeldPush> freeHeld = new ArrayList<>();
    private long freeBytes;

    /// @param shard index of the shard
    /// @param tables by id, null for one that is not there
    OpenSteps(int shard, MemoryBudget budget, IntFunction<@Nullable ShardTable> tables, @Nullable PlantedBug bug) {
        this.shard = shard;
        this.budget = budget;
        this.tables = tables;
        this.bug = bug;
    }

    /// Rows that were left out so far because their sum was not finite.
    long skippedRows() {
        return fold.skippedRows();
    }

    /// Keeps a push of a synchronous step, as floats, until the step is closed.
    ///
    /// @param content in which the frame is open
    CheckResult hold(RunState run, ShardTable table, FrameContent content, ByteBuffer frame, int at) {
        long heldBytes = StepFold.bytes(FrameContent.plainBytes(frame, at));
        if (!budget.tryReserve(heldBytes)) {
            return CheckResult.OUT_OF_MEMORY;
        }
        CheckResult result = content.hold(table, frame, at);
        if (result != CheckResult.OK) {
            budget.release(heldBytes);
            return result;
        }
        HeldPush held = freeHeld.isEmpty() ? new HeldPush() : freeHeld.removeLast();
        freeBytes -= held.capacity();
        held.take(frame, at, content, table.store().lastHeldRows());
        run.group(DataLayout.clockGroup(frame, at)).held.add(held);
        return result;
    }

    /// Gives up a push that was held.
    void release(HeldPush held) {
        budget.release(StepFold.bytes(held.length()));
        ShardTable table = tables.apply(held.tableId);
        if (table != null) {
            table.store().release(held.heldRows);
        }
        if (freeBytes + held.capacity() <= MAX_FREE_BYTES) {
            freeBytes += held.capacity();
            freeHeld.add(held);
        }
    }

    /// The worker begins anew: what an earlier life left in open steps is nobody's, in whatever clock group. Steps in
    /// which that life counted are closed here by now, for the records came first.
    void drop(RunState run, int worker) {
        for (RunState.Group group : run.groups()) {
            group.held.removeIf(held -> {
                boolean dropped = held.worker == worker;
                if (dropped) {
                    release(held);
                }
                return dropped;
            });
        }
    }

    /// Folds the gradients of the contributors, and forgets what others left.
    ///
    /// @return false if the step is closed already
    /// @throws WeirException if it is not the open one
    boolean close(RunState run, int groupIndex, long step, List<Integer> contributors) {
        RunState.Group group = run.group(groupIndex);
        if (step < group.closed) {
            return false;
        }
        if (step > group.closed) {
            throw new WeirException(
                    ErrorCode.INVALID_ARGUMENT,
                    "steps are closed one by one: run=" + run.spec().name() + ", step=" + step + ", open="
                            + group.closed + ", shard=" + shard);
        }
        Map<Integer, List<HeldPush>> byTable = new TreeMap<>();
        Set<Integer> who = new HashSet<>(contributors);
        List<HeldPush> rest = new ArrayList<>();
        List<HeldPush> ended = new ArrayList<>();
        for (HeldPush held : group.held) {
            if (held.step > step) {
                rest.add(held);
                continue;
            }
            ended.add(held);
            if (who.contains(held.worker) || bug == PlantedBug.OWN_CONTRIBUTORS) {
                byTable.computeIfAbsent(held.tableId, table -> new ArrayList<>())
                        .add(held);
            }
        }
        for (HeldPush held : ended) {
            ShardTable table = tables.apply(held.tableId);
            if (table != null) {
                table.store().release(held.heldRows);
                held.heldRows = 0;
            }
        }
        byTable.forEach((tableId, pushes) -> {
            ShardTable table = tables.apply(tableId);
            if (table != null) {
                fold.apply(
                        table,
                        pushes,
                        contributors.size() / run.spec().slices(),
                        run.spec().mean(),
                        bug != PlantedBug.ARRIVAL_ORDER);
            }
        });
        ended.forEach(this::release);
        group.held.clear();
        group.held.addAll(rest);
        group.closed++;
        return true;
    }
}
