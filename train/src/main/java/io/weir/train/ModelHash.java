package io.weir.train;

import io.weir.client.RowBatch;
import io.weir.client.Weir;
import io.weir.model.Keys;
import io.weir.model.TableSpec;
import java.util.List;

/// A 64-bit number for the rows of a model, whatever order they come in: equal models have equal hashes, and different
/// ones differ but for a chance of about 2^-64. Confined.
///
/// It is the sum, modulo 2^64, of one number a row, which is built from the key and then the bits of each float in
/// turn, weights first and then slots: `h = mix(key + c)`, then `h = mix((h ^ bits) + c)`, with [Keys#mix] and
/// `c = 0x9e3779b97f4a7c15`. How often a row was pushed does not count, nor do the names of table and optimizer. No
/// rows at all have the hash 0.
public final class ModelHash {
    private static final long STEP = 0x9e3779b97f4a7c15L;

    private long sum;

    /// The hash of every row of a table, scanned.
    public static ModelHash of(Weir weir, String table) {
        ModelHash hash = new ModelHash();
        weir.scan(table, hash::add);
        return hash;
    }

    /// The hash of a model of several tables: that of its table if there is one, otherwise the sum of `mix(h ^ mix(i))`
    /// over all tables, with the hash `h` of table `i`, counted from 1.
    public static ModelHash of(Weir weir, List<TableSpec> tables) {
        return of(tables.stream().map(table -> of(weir, table.name())).toList());
    }

    static ModelHash of(List<ModelHash> tables) {
        if (tables.size() == 1) {
            return tables.getFirst();
        }
        ModelHash all = new ModelHash();
        for (int i = 0; i < tables.size(); i++) {
            all.sum += Keys.mix(tables.get(i).sum ^ Keys.mix(i + 1));
        }
        return all;
    }

    /// Adds all rows of `rows`.
    public void add(RowBatch rows) {
        for (int i = 0; i < rows.count(); i++) {
            add(rows.keys()[i], rows.values(), i * rows.valueLength(), rows.valueLength());
        }
    }

    /// Adds the row of `key`, whose floats are `count` from `values[from]`.
    public void add(long key, float[] values, int from, int count) {
        long hash = Keys.mix(key + STEP);
        for (int i = 0; i < count; i++) {
            hash = Keys.mix((hash ^ (Float.floatToRawIntBits(values[from + i]) & 0xffffffffL)) + STEP);
        }
        sum += hash;
    }

    /// The hash of what has been added.
    public long value() {
        return sum;
    }

    /// The hash as 16 hexadecimal digits.
    @Override
    public String toString() {
        return String.format("%016x", sum);
    }
}
