package io.weir.table;

import io.weir.kernel.RateFactor;
import io.weir.kernel.UpdateKernel;
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
            case OptimizerSpec.Sgd o -> UpdateKernel.sgd(o.rate());
            case OptimizerSpec.Momentum o -> UpdateKernel.momentum(o.rate(), o.momentum());
            case OptimizerSpec.Nesterov o -> UpdateKernel.nesterov(o.rate(), o.momentum());
            case OptimizerSpec.AdaGrad o -> UpdateKernel.adaGrad(o.rate(), o.epsilon());
            case OptimizerSpec.RowwiseAdaGrad o -> UpdateKernel.rowwiseAdaGrad(o.rate(), o.epsilon());
            case OptimizerSpec.GroupAdaGrad o -> UpdateKernel.groupAdaGrad(o.rate(), o.epsilon());
            case OptimizerSpec.AdaDelta o -> UpdateKernel.adaDelta(o.rate(), o.rho(), o.epsilon());
            case OptimizerSpec.RmsProp o ->
                UpdateKernel.rmsProp(o.rate(), o.rho(), o.epsilon(), o.momentum(), o.centered());
            case OptimizerSpec.Adam o -> UpdateKernel.adam(o.rate(), o.beta1(), o.beta2(), o.epsilon());
            case OptimizerSpec.AdamW o -> UpdateKernel.adamW(o.rate(), o.beta1(), o.beta2(), o.epsilon(), o.decay());
            case OptimizerSpec.AdaMax o -> UpdateKernel.adaMax(o.rate(), o.beta1(), o.beta2(), o.epsilon());
            case OptimizerSpec.Nadam o ->
                UpdateKernel.nadam(o.rate(), o.beta1(), o.beta2(), o.epsilon(), o.momentumDecay());
            case OptimizerSpec.AmsGrad o -> UpdateKernel.amsGrad(o.rate(), o.beta1(), o.beta2(), o.epsilon());
            case OptimizerSpec.Ftrl o -> UpdateKernel.ftrl(o.alpha(), o.beta(), o.l1(), o.l2());
            case OptimizerSpec.Ftml o -> UpdateKernel.ftml(o.rate(), o.beta1(), o.beta2(), o.epsilon());
            case OptimizerSpec.Signum o -> UpdateKernel.signum(o.rate(), o.momentum(), o.shrink());
            case OptimizerSpec.Sgld o -> UpdateKernel.sgld(o.rate(), spec.seed());
            case OptimizerSpec.Lars o -> UpdateKernel.lars(o.rate(), o.momentum(), o.eta(), o.epsilon(), o.decay());
            case OptimizerSpec.Lamb o ->
                UpdateKernel.lamb(o.rate(), o.beta1(), o.beta2(), o.epsilon(), o.decay(), o.lower(), o.upper());
            case OptimizerSpec.DcAsgd o -> UpdateKernel.dcAsgd(o.rate(), o.momentum(), o.lambda());
            case OptimizerSpec.Add _ -> UpdateKernel.add();
            case OptimizerSpec.Assign _, OptimizerSpec.Replace _ -> UpdateKernel.assign();
            case OptimizerSpec.Min _ -> UpdateKernel.min();
            case OptimizerSpec.Max _ -> UpdateKernel.max();
        };
    }
}
