package io.weir.table;

import io.weir.kernel.UpdateKernel;
import io.weir.model.OptimizerSpec;
import io.weir.model.TableSpec;

/// The one place where an optimizer of a specification becomes the loop that does it.
final class OptimizerKernels {
    private OptimizerKernels() {}

    static UpdateKernel of(TableSpec spec) {
        return switch (spec.optimizer()) {
            case OptimizerSpec.Sgd o -> UpdateKernel.sgd(o.rate());
            case OptimizerSpec.Momentum o -> UpdateKernel.momentum(o.rate(), o.momentum());
            case OptimizerSpec.AdaGrad o -> UpdateKernel.adaGrad(o.rate(), o.epsilon());
            case OptimizerSpec.Adam o -> UpdateKernel.adam(o.rate(), o.beta1(), o.beta2(), o.epsilon());
            case OptimizerSpec.Ftrl o -> UpdateKernel.ftrl(o.alpha(), o.beta(), o.l1(), o.l2());
            case OptimizerSpec.Add _ -> UpdateKernel.add();
            case OptimizerSpec.Assign _ -> UpdateKernel.assign();
            case OptimizerSpec.Min _ -> UpdateKernel.min();
            case OptimizerSpec.Max _ -> UpdateKernel.max();
        };
    }
}
