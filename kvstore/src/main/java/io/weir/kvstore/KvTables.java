package io.weir.kvstore;

import io.weir.client.DenseTable;
import io.weir.client.RowBatch;
import io.weir.client.TableInfo;
import io.weir.client.Weir;
import io.weir.model.ErrorCode;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableShape;
import io.weir.model.TableSpec;
import io.weir.model.WeirException;
import java.util.Arrays;
import java.util.Collection;
import org.jspecify.annotations.Nullable;

/// The tables of a store: one for each key and version, where the version counts the changes of the optimizer. A table
/// is *ready* when its initial value is there whole: a dense one has all its blocks, one of rows has a row under
/// [#READY_ROW]. Thread-safe.
final class KvTables {
    /// Beyond all rows: says that the initial rows are there.
    static final long READY_ROW = -1;

    /// Floats that are taken to the servers at a time: 4 MiB.
    private static final int LOAD_LENGTH = 1 << 20;

    private final Weir weir;
    private final String base;

    /// A key and the value that it is to have.
    ///
    /// @param dense value, or null if it is one of rows
    /// @param rows that are not zeros, or null if it is dense
    @SuppressWarnings("ArrayRecordComponent") // Its own, and never changed.
    record Initial(
            KvKey key,
            long[] shape,
            @Nullable KvArray dense,
            @Nullable KvRows rows) {
        static Initial of(KvKey key, KvArray value) {
            return new Initial(key, value.shape(), value, null);
        }

        static Initial of(KvKey key, KvRows value) {
            return new Initial(key, new long[] {value.rowCount(), value.rowLength()}, null, value);
        }

        TableSpec spec(String name, OptimizerSpec optimizer) {
            KvArray array = dense;
            if (array != null) {
                return TableSpec.dense(name, array.length(), optimizer);
            }
            return TableSpec.embedding(name, (int) shape[1], optimizer);
        }
    }

    /// @param base of the names of its tables
    KvTables(Weir weir, String base) {
        this.weir = weir;
        this.base = base;
    }

    /// @throws IllegalArgumentException if the key is so long that its tables can have no name
    void requireName(KvKey key) {
        String longest = name(key, Integer.MAX_VALUE);
        if (longest.length() > TableSpec.MAX_NAME_LENGTH) {
            throw new IllegalArgumentException("key is too long: tableName=" + longest + ", length=" + longest.length()
                    + ", most=" + TableSpec.MAX_NAME_LENGTH);
        }
    }

    private String name(KvKey key, int version) {
        return base + "/" + key.path() + "/" + version;
    }

    /// Makes the table of a key and takes its initial value there.
    void create(Initial initial, int version, OptimizerSpec optimizer) {
        TableSpec spec = initial.spec(name(initial.key(), version), optimizer);
        make(spec);
        RowBatch batch = batch(spec);
        KvArray dense = initial.dense();
        KvRows rows = initial.rows();
        if (dense != null) {
            loadBlocks(spec, batch, dense.length(), dense::copyTo);
        } else if (rows != null) {
            KvRows once = rows.distinct();
            for (int i = 0; i < once.ids().length; i++) {
                int row = room(spec, batch);
                batch.keys()[row] = once.ids()[i];
                System.arraycopy(
                        once.values(),
                        i * once.rowLength(),
                        batch.values(),
                        row * batch.valueLength(),
                        once.rowLength());
            }
        }
        flush(spec, batch);
        setReady(spec, batch);
    }

    /// Where the floats of a tensor come from.
    private interface Floats {
        /// Copies `count` of them from `index` on.
        void copyTo(long index, float[] into, int from, int count);
    }

    private void loadBlocks(TableSpec spec, RowBatch batch, long length, Floats source) {
        int blockLength = spec.rowLength();
        for (long block = 0; block * blockLength < length; block++) {
            int row = room(spec, batch);
            batch.keys()[row] = block;
            int from = row * batch.valueLength();
            int count = (int) Math.min(blockLength, length - block * blockLength);
            source.copyTo(block * blockLength, batch.values(), from, count);
            Arrays.fill(batch.values(), from + count, from + blockLength, 0);
        }
    }

    /// Makes a table, in the place of one that never became ready.
    private void make(TableSpec spec) {
        TableInfo left = weir.describe(spec.name()).orElse(null);
        if (left != null && isReady(left)) {
            throw new WeirException(
                    ErrorCode.TABLE_MISMATCH,
                    "the table of this key is there from another store: table=" + spec.name()
                            + "; give the store another name");
        }
        if (left != null) {
            weir.drop(spec.name());
        }
        TableInfo unused = weir.create(spec);
    }

    private static RowBatch batch(TableSpec spec) {
        int valueLength = spec.valueLength();
        return new RowBatch(Math.max(1, LOAD_LENGTH / valueLength), valueLength);
    }

    /// The next row of the batch, which goes to the servers when it is full.
    private int room(TableSpec spec, RowBatch batch) {
        if (batch.count() == batch.capacity()) {
            flush(spec, batch);
        }
        batch.setCount(batch.count() + 1);
        return batch.count() - 1;
    }

    private void flush(TableSpec spec, RowBatch batch) {
        if (batch.count() > 0) {
            weir.load(spec.name(), batch);
            batch.setCount(0);
        }
    }

    private void setReady(TableSpec spec, RowBatch batch) {
        if (!(spec.shape() instanceof TableShape.Dense)) {
            batch.keys()[room(spec, batch)] = READY_ROW;
            Arrays.fill(batch.values(), 0, batch.valueLength(), 0);
            batch.values()[0] = 1;
            flush(spec, batch);
        }
    }

    private boolean isReady(TableInfo info) {
        if (info.spec().shape() instanceof TableShape.Dense dense) {
            return info.rowCount() == dense.blockCount();
        }
        return weir.table(info.spec().name()).pull(new long[] {READY_ROW})[0] == 1;
    }

    /// The table of a key in a version, which must be ready.
    TableInfo require(KvKey key, int version) {
        String name = name(key, version);
        TableInfo info = weir.describe(name).orElse(null);
        if (info == null || !isReady(info)) {
            throw new WeirException(
                    ErrorCode.UNKNOWN_TABLE,
                    "the worker with rank 0 has not made this key: key=" + key + ", table=" + name);
        }
        return info;
    }

    /// As [#require(KvKey, int)]; it must also have the right shape.
    TableInfo require(Initial initial, int version) {
        TableInfo info = require(initial.key(), version);
        requireShape(initial, info);
        return info;
    }

    private static void requireShape(Initial initial, TableInfo info) {
        TableShape wanted =
                initial.spec(info.spec().name(), info.spec().optimizer()).shape();
        if (!wanted.equals(info.spec().shape())) {
            throw new IllegalArgumentException(
                    "value must have the shape that the worker with rank 0 gave it: key=" + initial.key() + ", here="
                            + wanted + ", there=" + info.spec().shape());
        }
    }

    /// The newest version of a key's table that is ready, for a worker that comes back; null if there is none.
    @Nullable
    TableInfo newest(Initial initial) {
        String prefix = base + "/" + initial.key().path() + "/";
        TableInfo newest = null;
        for (TableInfo info : weir.tables()) {
            String name = info.spec().name();
            if (name.startsWith(prefix) && isReady(info) && (newest == null || versionOf(newest) < versionOf(info))) {
                newest = info;
            }
        }
        if (newest != null) {
            requireShape(initial, newest);
        }
        return newest;
    }

    /// The last part of its name.
    static int versionOf(TableInfo info) {
        String name = info.spec().name();
        return Integer.parseInt(name.substring(name.lastIndexOf('/') + 1));
    }

    /// Makes a table with another optimizer, and takes the values of the present one there.
    void change(KvEntry entry, int version, OptimizerSpec optimizer) {
        TableSpec old = entry.info().spec();
        String name = name(entry.key(), version);
        if (old.shape() instanceof TableShape.Dense dense) {
            TableSpec spec = TableSpec.dense(name, dense.length(), optimizer);
            make(spec);
            RowBatch batch = batch(spec);
            DenseTable values = weir.denseTable(old.name());
            loadBlocks(spec, batch, dense.length(), values::pull);
            flush(spec, batch);
            return;
        }
        TableSpec spec = TableSpec.embedding(name, old.rowLength(), optimizer);
        make(spec);
        RowBatch batch = batch(spec);
        weir.scan(old.name(), rows -> {
            for (int i = 0; i < rows.count(); i++) {
                if (rows.keys()[i] != READY_ROW) {
                    int row = room(spec, batch);
                    batch.keys()[row] = rows.keys()[i];
                    System.arraycopy(
                            rows.values(),
                            i * rows.valueLength(),
                            batch.values(),
                            row * batch.valueLength(),
                            spec.rowLength());
                }
            }
        });
        flush(spec, batch);
        setReady(spec, batch);
    }

    /// Drops the tables of a version.
    void drop(int version, Collection<KvEntry> entries) {
        for (KvEntry entry : entries) {
            weir.drop(name(entry.key(), version));
        }
    }
}
