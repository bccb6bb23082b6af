package io.weir.kernel;

import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/// The vector shapes of this machine that kernels use.
///
/// All are constants, and each loop names the shape it uses: a shape that reached a loop as an argument would
/// be a constant to the compiler only where that call happens to be inlined.
final class Lanes {
    /// Order of floats in records and frames.
    static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

    /// 128 bits, 4 floats.
    static final VectorSpecies<Float> NARROW = FloatVector.SPECIES_128;

    /// 256 bits where the machine has them.
    static final VectorSpecies<Float> MIDDLE =
            FloatVector.SPECIES_PREFERRED.length() >= 8 ? FloatVector.SPECIES_256 : FloatVector.SPECIES_128;

    /// The widest shape the machine handles well, at most 512 bits: a row of dim 16 is then one vector.
    static final VectorSpecies<Float> WIDE =
            FloatVector.SPECIES_PREFERRED.length() >= 16 ? FloatVector.SPECIES_512 : MIDDLE;

    private Lanes() {}
}
