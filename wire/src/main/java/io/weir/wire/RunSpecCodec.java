package io.weir.wire;

import io.weir.model.Consistency;
import io.weir.model.ErrorCode;
import io.weir.model.RunSpec;
import io.weir.model.WeirException;

/// Run specifications as bytes.
final class RunSpecCodec {
    private static final int BSP = 1;
    private static final int SSP = 2;
    private static final int ASP = 3;

    private RunSpecCodec() {}

    static void encode(RunSpec spec, FieldWriter out) {
        out.putString(spec.name());
        out.putInt(spec.workerCount());
        out.putInt(spec.backupWorkers());
        if (spec.consistency() instanceof Consistency.Ssp ssp) {
            out.putByte(SSP);
            out.putInt(ssp.staleness());
        } else {
            out.putByte(spec.isBsp() ? BSP : ASP);
            out.putInt(0);
        }
        out.putBoolean(spec.mean());
        out.putInt(spec.portionCount());
        out.putInt(spec.portionCopies());
        out.putInt(spec.silenceMs());
        out.putInt(spec.slices());
    }

    static RunSpec decode(FieldReader in) {
        String name = in.getString("name");
        int workerCount = in.getInt("workerCount");
        int backupWorkers = in.getInt("backupWorkers");
        int tag = in.getByte("consistency");
        int staleness = in.getInt("staleness");
        boolean mean = in.getBoolean("mean");
        int portionCount = in.getInt("portionCount");
        int portionCopies = in.getInt("portionCopies");
        int silenceMs = in.getInt("silenceMs");
        int slices = in.getInt("slices");
        if (tag < BSP || tag > ASP || (tag != SSP && staleness != 0)) {
            throw FieldReader.malformed("consistency must be 1, 2 or 3, with a staleness only for 2: consistency=" + tag
                    + ", staleness=" + staleness);
        }
        try {
            Consistency consistency =
                    switch (tag) {
                        case BSP -> Consistency.bsp();
                        case SSP -> Consistency.ssp(staleness);
                        default -> Consistency.asp();
                    };
            return new RunSpec(
                    name,
                    workerCount,
                    backupWorkers,
                    consistency,
                    mean,
                    portionCount,
                    portionCopies,
                    silenceMs,
                    slices);
        } catch (IllegalArgumentException e) {
            throw new WeirException(
                    ErrorCode.INVALID_ARGUMENT, "run specification must be valid: " + e.getMessage(), e);
        }
    }
}
