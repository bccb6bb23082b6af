package io.weir.model;

import java.util.Objects;

/// What the keys of a table mean. Immutable.
public sealed interface TableShape {
    /// Greatest `dim` of an embedding table.
    int MAX_DIM = 4096;

    /// Floats in a block of a dense table unless told otherwise: 64 KiB.
    int DEFAULT_BLOCK_LENGTH = 16_384;

    /// Rows of `dim` floats under any 64-bit key, created by their first push.
    record Embedding(int dim) implements TableShape {
        public Embedding {
            if (dim < 1 || dim > MAX_DIM) {
                throw new IllegalArgumentException("dim must be from 1 to " + MAX_DIM + ": dim=" + dim);
            }
        }
    }

    /// One tensor of `length` floats, kept as rows of `blockLength` floats under the keys 0, 1, 2 …; the last one is
    /// padded with floats that nobody reads.
    ///
    /// @param placement tables of the same length, block length and placement have their blocks on the same
    ///     shards, as those that take part in one vector operation must; empty for a table that is placed by its
    ///     id alone. A name as that of a table
    record Dense(long length, int blockLength, String placement) implements TableShape {
        /// Greatest block: 1 Mi floats.
        public static final int MAX_BLOCK_LENGTH = 1 << 20;

        /// Greatest tensor, 2^48 floats: block numbers times [ShardMap#MAX_SHARDS] stay far below 2^63.
        public static final long MAX_LENGTH = 1L << 48;

        public Dense {
            Objects.requireNonNull(placement, "placement");
            if (!placement.isEmpty()) {
                Names.require("placement", placement);
            }
            if (length < 1 || length > MAX_LENGTH) {
                throw new IllegalArgumentException(
                        "dense length must be from 1 to " + MAX_LENGTH + ": length=" + length);
            }
            if (blockLength < 1 || blockLength > MAX_BLOCK_LENGTH) {
                throw new IllegalArgumentException(
                        "dense block length must be from 1 to " + MAX_BLOCK_LENGTH + ": blockLength=" + blockLength);
            }
        }

        /// A table that is placed by its id alone.
        public Dense(long length, int blockLength) {
            this(length, blockLength, "");
        }

        /// Blocks in the table, the last one perhaps partly used.
        public long blockCount() {
            return (length + blockLength - 1) / blockLength;
        }

        /// First block of a stretch, from 0 to `shardCount`: the smallest `b` with `b · shardCount ≥ stretch · B`.
        public long firstBlockOf(int stretch, int shardCount) {
            return (stretch * blockCount() + shardCount - 1) / shardCount;
        }

        /// Shard of a stretch, from 0 to `shardCount - 1`: `(stretch + r) mod shardCount`, where `r` is the id of the
        /// table or, with a placement, the upper 31 bits of [Keys#ofString] of it.
        public int shardOfStretch(int stretch, int tableId, int shardCount) {
            long rotation = placement.isEmpty() ? tableId : Keys.ofString(placement) >>> PLACEMENT_SHIFT;
            return (int) ((stretch + rotation) % shardCount);
        }

        private static final int PLACEMENT_SHIFT = 33;

        /// Whether the blocks of two tables lie on the same shards, whatever their number: a table with itself, or
        /// tables with the same placement and as many blocks.
        public static boolean areTogether(Dense one, int id, Dense other, int otherId) {
            return id == otherId
                    || (!one.placement.isEmpty()
                            && one.placement.equals(other.placement)
                            && one.blockCount() == other.blockCount());
        }
    }

    /// Floats in one stored row.
    default int rowLength() {
        if (this instanceof Embedding e) {
            return e.dim();
        } else if (this instanceof Dense d) {
            return d.blockLength();
        }
        throw new IllegalStateException("no row length for " + this);
    }

    /// Shard of row `key` of the table with this id.
    ///
    /// Rows of an embedding table go by [Keys#shardOf]. Blocks of a dense table lie contiguously: block `b` of
    /// `B` is in stretch `⌊b · shardCount / B⌋`; [Dense#shardOfStretch] says where that is.
    default int shardOf(long key, int tableId, int shardCount) {
        if (this instanceof Dense d) {
            return d.shardOfStretch((int) (key * shardCount / d.blockCount()), tableId, shardCount);
        }
        return Keys.shardOf(key, shardCount);
    }
}
