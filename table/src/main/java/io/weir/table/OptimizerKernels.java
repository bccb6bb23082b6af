package io.weir.table;

import io.weir.kernel.RateFactor;
import io.weir.kernel.UpdateKernel;
import io.weir.kernel.UpdateKernels;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;
import io.weir.model.Tuning;

/// The one place where an optimizer of a specification becomes the loop that does it.
final class OptimizerKernels {
    private OptimizerKernels() {}

    static UpdateKernel of(TableSpec spec) {
        Tuning tuning = spec.optimizer().tuning();
        RateFactor factor = tuning.isSteady() ? null : count -> (float) tuning.factor(Integer.toUnsignedLong(count));
        return untuned(spec).tuned(tuning.scale(), tuning.clip(), tuning.clipNorm(), tuning.decay(), factor);
    }

    private static UpdateKernel untuned(TableSpec spec) {
        return switch (spec.optimizer()) {
            case OptimizerSpec.Sgd o -> UpdateKernels.sgd(o.rate());
            case OptimizerSpec.Momentum o -> UpdateKernels.momentum(o.rate(), o.momentum());
            case OptimizerSpec.Nesterov o -> UpdateKernels.nesterov(o.rate(), o.momentum());
            case OptimizerSpec.AdaGrad o -> UpdateKernels.adaGrad(o.rate(), o.epsilon());
            case OptimizerSpec.RowwiseAdaGrad o -> UpdateKernels.rowwiseAdaGrad(o.rate(), o.epsilon());
            case OptimizerSpec.GroupAdaGrad o -> UpdateKernels.groupAdaGrad(o.rate(), o.epsilon());
            case OptimizerSpec.AdaDelta o -> UpdateKernels.adaDelta(o.rate(), o.rho(), o.epsilon());
            case OptimizerSpec.RmsProp o ->
                UpdateKernels.rmsProp(o.rate(), o.rho(), o.epsilon(), o.momentum(), o.centered());
            case OptimizerSpec.Adam o -> UpdateKernels.adam(o.rate(), o.beta1(), o.beta2(), o.epsilon());
            case OptimizerSpec.AdamW o -> UpdateKernels.adamW(o.rate(), o.beta1(), o.beta2(), o.epsilon(), o.decay());
            case OptimizerSpec.AdaMax o -> UpdateKernels.adaMax(o.rate(), o.beta1(), o.beta2(), o.epsilon());
            case OptimizerSpec.Nadam o ->
                UpdateKernels.nadam(o.rate(), o.beta1(), o.beta2(), o.epsilon(), o.momentumDecay());
            case OptimizerSpec.AmsGrad o -> UpdateKernels.amsGrad(o.rate(), o.beta1(), o.beta2(), o.epsilon());
            case OptimizerSpec.Ftrl o -> UpdateKernels.ftrl(o.alpha(), o.beta(), o.l1(), o.l2());
            case OptimizerSpec.Ftml o -> UpdateKernels.ftml(o.rate(), o.beta1(), o.beta2(), o.epsilon());
            case OptimizerSpec.Signum o -> UpdateKernels.signum(o.rate(), o.momentum(), o.shrink());
            case OptimizerSpec.Sgld o -> UpdateKernels.sgld(o.rate(), spec.seed());
            case OptimizerSpec.Lars o -> UpdateKernels.lars(o.rate(), o.momentum(), o.eta(), o.epsilon(), o.decay());
            case OptimizerSpec.Lamb o ->
                UpdateKernels.lamb(o.rate(), o.beta1(), o.beta2(), o.epsilon(), o.decay(), o.lower(), o.upper());
            case OptimizerSpec.DcAsgd o -> UpdateKernels.dcAsgd(o.rate(), o.momentum(), o.lambda());
            case OptimizerSpec.Add _ -> UpdateKernels.add();
            case OptimizerSpec.Assign _, OptimizerSpec.Replace _ -> UpdateKernels.assign();
            case OptimizerSpec.Min _ -> UpdateKernels.min();
            case OptimizerSpec.Max _ -> UpdateKernels.max();
        };
    }
}
