package io.weir.client.internal;

import io.weir.model.Keys;
import io.weir.wire.DataLayout;
import io.weir.wire.KeyListHash;
import io.weir.wire.Limits;
import java.nio.ByteBuffer;
import java.util.Iterator;
import java.util.LinkedHashMap;

/// Which key lists a shard keeps of one worker, counted along: what was sent to be kept, less what gave way to it
/// there. Decides for each frame whether its list goes as it is, is to be kept, or goes as its hash. Thread-safe.
///
/// A list is remembered by a few of its keys until it comes again, so those that never do cost next to nothing. As long
/// as lists come again, new ones are kept when they are first sent. Where more lists take turns than a shard keeps,
/// each would give way before it is sent again; so after some that brought nothing, those that are kept stay.
final class SentKeyLists {
    /// Shorter lists are not worth it.
    static final int MIN_KEYS = 16;

    private static final int SEEN = 1024;
    private static final int SAMPLES = 8;
    private static final int MOST_SCORE = 16;
    private static final int KEEPING_SCORE = 4;

    /// After the shard had forgotten a list, so many others must come again before one is kept.
    private static final int FORGOTTEN_SCORE = -32;

    private static final int MOST_BARREN = 64;

    private final KeyListHash asked = new KeyListHash();
    private final LinkedHashMap<KeyListHash, Integer> kept = new LinkedHashMap<>();

    /// Fingerprints of lists that were sent, each where its own bits put it.
    private long[] seen = new long[0];

    private long keptBytes;
    private int score;

    /// Lists that were kept in the place of others since one was last of use.
    private int barren;

    /// How a list is to be sent: [DataLayout#LAYOUT_KEYS], [DataLayout#LAYOUT_KEPT_KEYS], or
    /// [DataLayout#LAYOUT_KEY_HASH], and then its hash is in `hash`.
    ///
    /// @param keys buffer with `count` keys from byte `at`
    synchronized int layoutOf(ByteBuffer keys, int at, int count, KeyListHash hash) {
        int bytes = count * Long.BYTES;
        if (count < MIN_KEYS || bytes > Limits.MAX_KEPT_KEY_BYTES) {
            return DataLayout.LAYOUT_KEYS;
        }
        boolean again = isAgain(fingerprint(keys, at, count));
        score = again ? Math.min(MOST_SCORE, score + KEEPING_SCORE) : Math.max(Math.min(score, 0), score - 1);
        if (score < (again ? 0 : KEEPING_SCORE)) {
            return DataLayout.LAYOUT_KEYS;
        }
        hash.set(keys, at, count);
        if (kept.containsKey(hash)) {
            barren = 0;
            return DataLayout.LAYOUT_KEY_HASH;
        }
        boolean full = keptBytes + bytes > Limits.MAX_KEPT_KEY_BYTES || kept.size() == Limits.MAX_KEPT_KEY_LISTS;
        if (full && ++barren > MOST_BARREN) {
            return DataLayout.LAYOUT_KEYS;
        }
        while (keptBytes + bytes > Limits.MAX_KEPT_KEY_BYTES || kept.size() == Limits.MAX_KEPT_KEY_LISTS) {
            Iterator<Integer> oldest = kept.values().iterator();
            keptBytes -= oldest.next();
            oldest.remove();
        }
        kept.put(hash.copy(), bytes);
        keptBytes += bytes;
        return DataLayout.LAYOUT_KEPT_KEYS;
    }

    /// The shard does not have the list whose hash stands at `at`.
    synchronized void forgotten(ByteBuffer frame, int at) {
        asked.read(frame, at);
        Integer bytes = kept.remove(asked);
        keptBytes -= bytes == null ? 0 : bytes;
        score = FORGOTTEN_SCORE;
    }

    private boolean isAgain(long fingerprint) {
        if (seen.length == 0) {
            seen = new long[SEEN];
        }
        int place = (int) fingerprint & SEEN - 1;
        boolean again = seen[place] == fingerprint;
        seen[place] = fingerprint;
        return again;
    }

    private static long fingerprint(ByteBuffer keys, int at, int count) {
        long fingerprint = count;
        for (int i = 0; i < SAMPLES; i++) {
            int index = (int) ((long) (count - 1) * i / (SAMPLES - 1));
            fingerprint = Keys.mix(fingerprint + keys.getLong(at + index * Long.BYTES));
        }
        return fingerprint | 1;
    }
}
