package io.weir.kvstore;

import io.weir.model.OptimizerSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/// Optimizers under the names and with the parameters that users of MXNet know. What crosses the network is the typed
/// specification that comes of them, never code.
///
/// Ours differ in where some of them add `epsilon`, and count time by pushes of a row; each says so where its formula
/// stands, with the kernels.
public final class KvOptimizer {
    private static final Map<String, KvOptimizer> BY_NAME = new TreeMap<>();

    private final String name;
    private final Map<String, Setting> settings = new LinkedHashMap<>();

    /// A parameter there, a setting here, and what it is there when nothing is said.
    private record Setting(String setting, double otherwise) {}

    static {
        of("sgd", "sgd").with("learning_rate", "rate", 0.01);
        of("adagrad", "adagrad").with("learning_rate", "rate", 0.01).with("eps", "epsilon", 1e-7);
        of("adam", "adam")
                .with("learning_rate", "rate", 0.001)
                .with("beta1", "beta1", 0.9)
                .with("beta2", "beta2", 0.999)
                .with("epsilon", "epsilon", 1e-8);
        of("ftrl", "ftrl")
                .with("learning_rate", "alpha", 0.1)
                .with("beta", "beta", 1)
                .with("lamda1", "l1", 0.01)
                .with("wd", "l2", 0);
    }

    private KvOptimizer(String name) {
        this.name = name;
    }

    private static KvOptimizer of(String theirs, String ours) {
        KvOptimizer optimizer = new KvOptimizer(ours);
        BY_NAME.put(theirs, optimizer);
        return optimizer;
    }

    private KvOptimizer with(String parameter, String setting, double otherwise) {
        settings.put(parameter, new Setting(setting, otherwise));
        return this;
    }

    /// The optimizer with this name and these parameters; those that are left out are what they are in MXNet. Momentum
    /// makes of `sgd` the one that has it.
    ///
    /// @throws IllegalArgumentException naming the optimizer, the parameter, and what is allowed
    public static OptimizerSpec create(String name, Map<String, ? extends Number> parameters) {
        String known = name.toLowerCase(Locale.ROOT);
        Map<String, Number> given = new TreeMap<>(parameters);
        Number momentum = given.get("momentum");
        if (known.equals("sgd") && momentum != null) {
            given.remove("momentum");
            OptimizerSpec plain = create("sgd", given);
            return momentum.doubleValue() == 0
                    ? plain
                    : OptimizerSpec.parse(plain.text().replaceFirst("^sgd\\(", "momentum(momentum=" + momentum + ","));
        }
        KvOptimizer optimizer = BY_NAME.get(known);
        if (optimizer == null) {
            throw new IllegalArgumentException(
                    "optimizer must be one of " + String.join(", ", BY_NAME.keySet()) + ": optimizer=" + name);
        }
        for (String parameter : given.keySet()) {
            if (!optimizer.settings.containsKey(parameter)) {
                throw new IllegalArgumentException(known + " has the parameters "
                        + String.join(", ", optimizer.settings.keySet()) + ": found=" + parameter);
            }
        }
        List<String> text = new ArrayList<>();
        optimizer.settings.forEach((parameter, setting) -> {
            Number value = given.get(parameter);
            text.add(setting.setting() + "=" + (value == null ? setting.otherwise() : value.doubleValue()));
        });
        return OptimizerSpec.parse(optimizer.name + "(" + String.join(",", text) + ")");
    }

    /// What a push does without an optimizer: the sum becomes the value.
    static OptimizerSpec replace() {
        return new OptimizerSpec.Replace();
    }
}
