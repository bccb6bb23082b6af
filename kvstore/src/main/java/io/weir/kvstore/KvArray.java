package io.weir.kvstore;

import java.util.Arrays;

/// A tensor of floats of any length, also beyond what one array of Java holds. Its elements are in row-major order.
/// Confined: whoever hands it to an asynchronous call leaves it alone until the result completes.
public final class KvArray {
    /// Floats in a segment of a tensor that is made here: 1 GiB.
    static final int SEGMENT_LENGTH = 1 << 28;

    /// Bits of the exponent, all of which a float has that is not finite.
    private static final int EXPONENT = 0x7f800000;

    private final long[] shape;
    private final long length;
    private final int segmentLength;
    private final float[][] segments;

    private KvArray(long[] shape, int segmentLength, float[][] segments) {
        this.shape = shape;
        this.length = lengthOf(shape);
        this.segmentLength = segmentLength;
        this.segments = segments;
    }

    /// A vector that shares `values`.
    public static KvArray of(float... values) {
        return of(new long[] {values.length}, values);
    }

    /// A tensor that shares `values`, in row-major order.
    ///
    /// @throws IllegalArgumentException if their number does not fit the shape
    public static KvArray of(long[] shape, float[] values) {
        if (lengthOf(shape) != values.length) {
            throw new IllegalArgumentException("values must fill the shape: shape=" + Arrays.toString(shape)
                    + ", expected=" + lengthOf(shape) + ", actual=" + values.length);
        }
        return new KvArray(shape.clone(), Integer.MAX_VALUE, new float[][] {values});
    }

    /// A tensor of zeros.
    public static KvArray zeros(long... shape) {
        return segmented(SEGMENT_LENGTH, shape);
    }

    /// A tensor with the same value everywhere.
    public static KvArray full(float value, long... shape) {
        KvArray array = zeros(shape);
        array.fill(value);
        return array;
    }

    static KvArray segmented(int segmentLength, long... shape) {
        long length = lengthOf(shape);
        float[][] segments = new float[(int) ((length + segmentLength - 1) / segmentLength)][];
        for (int i = 0; i < segments.length; i++) {
            segments[i] = new float[(int) Math.min(segmentLength, length - (long) i * segmentLength)];
        }
        return new KvArray(shape.clone(), segmentLength, segments);
    }

    private static long lengthOf(long[] shape) {
        long length = 1;
        for (long size : shape) {
            if (size < 1) {
                throw new IllegalArgumentException("sizes must be at least 1: shape=" + Arrays.toString(shape));
            }
            length = Math.multiplyExact(length, size);
        }
        return length;
    }

    /// Its sizes; one of a scalar is empty.
    public long[] shape() {
        return shape.clone();
    }

    boolean hasShapeOf(KvArray other) {
        return Arrays.equals(shape, other.shape);
    }

    String shapeText() {
        return Arrays.toString(shape);
    }

    /// Number of elements.
    public long length() {
        return length;
    }

    /// The element at a place in row-major order.
    public float get(long index) {
        return segments[(int) (index / segmentLength)][(int) (index % segmentLength)];
    }

    /// Changes the element at a place in row-major order.
    public void set(long index, float value) {
        segments[(int) (index / segmentLength)][(int) (index % segmentLength)] = value;
    }

    /// Makes all elements the same.
    public void fill(float value) {
        for (float[] segment : segments) {
            Arrays.fill(segment, value);
        }
    }

    /// Adds another tensor of the same shape, element by element.
    public void add(KvArray other) {
        requireShapeOf(other);
        forEachPiece(other, (to, toFrom, from, fromFrom, count) -> {
            for (int i = 0; i < count; i++) {
                to[toFrom + i] += from[fromFrom + i];
            }
        });
    }

    /// Takes the elements of another tensor of the same shape.
    public void copyFrom(KvArray other) {
        requireShapeOf(other);
        forEachPiece(other, (to, toFrom, from, fromFrom, count) -> System.arraycopy(from, fromFrom, to, toFrom, count));
    }

    /// The first element that is NaN or infinite, -1 if none is.
    long firstNotFinite() {
        for (long at = 0; at < length; at += contiguous(at)) {
            float[] segment = segmentAt(at);
            int greatest = 0;
            for (float value : segment) {
                greatest = Math.max(greatest, Float.floatToRawIntBits(value) & EXPONENT);
            }
            if (greatest == EXPONENT) {
                for (int i = 0; i < segment.length; i++) {
                    if (!Float.isFinite(segment[i])) {
                        return at + i;
                    }
                }
            }
        }
        return -1;
    }

    /// Copies `count` elements from `index` on.
    void copyTo(long index, float[] into, int from, int count) {
        for (int done = 0; done < count; ) {
            int piece = Math.min(contiguous(index + done), count - done);
            System.arraycopy(segmentAt(index + done), placeIn(index + done), into, from + done, piece);
            done += piece;
        }
    }

    /// A tensor of its own with the same shape and elements.
    public KvArray copy() {
        KvArray copy = zeros(shape);
        copy.copyFrom(this);
        return copy;
    }

    /// The elements in an array of their own.
    ///
    /// @throws ArithmeticException if they are too many for one
    public float[] toArray() {
        float[] values = new float[Math.toIntExact(length)];
        of(shape, values).copyFrom(this);
        return values;
    }

    private void requireShapeOf(KvArray other) {
        if (!hasShapeOf(other)) {
            throw new IllegalArgumentException(
                    "shapes must be the same: here=" + shapeText() + ", there=" + other.shapeText());
        }
    }

    private interface Piece {
        void apply(float[] to, int toFrom, float[] from, int fromFrom, int count);
    }

    private void forEachPiece(KvArray other, Piece piece) {
        for (long at = 0; at < length; ) {
            int count = Math.min(contiguous(at), other.contiguous(at));
            piece.apply(segmentAt(at), placeIn(at), other.segmentAt(at), other.placeIn(at), count);
            at += count;
        }
    }

    /// The array in which an element is.
    float[] segmentAt(long index) {
        return segments[(int) (index / segmentLength)];
    }

    /// Its place there.
    int placeIn(long index) {
        return (int) (index % segmentLength);
    }

    /// Elements from here to the end of the segment.
    int contiguous(long index) {
        return segmentAt(index).length - placeIn(index);
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("KvArray").append(shapeText()).append(" {");
        for (long i = 0; i < Math.min(length, 8); i++) {
            text.append(i == 0 ? "" : ", ").append(get(i));
        }
        return text.append(length > 8 ? ", …}" : "}").toString();
    }
}
