package io.weir.kvstore;

import io.weir.model.OptimizerSpec;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Optimizers under the names and with the parameters that users of MXNet know. What crosses the network is the typed
/// specification that comes of them, never code.
///
/// Every one takes `learning_rate`, `wd`, `rescale_grad`, `clip_gradient` and `lr_scheduler` as well; the last one is a
/// schedule of ours as text, such as `step(every=1000,factor=0.1)`. Ours differ in where some add `epsilon`, and count
/// time by pushes of a row; each says so where its formula stands, with the kernels.
public final class KvOptimizer {
    private static final Map<String, KvOptimizer> BY_NAME = new TreeMap<>();

    private static final String MOMENTUM = "momentum";
    private static final String SCHEDULE = "lr_scheduler";

    private final String name;
    private final Map<String, Setting> settings = new LinkedHashMap<>();

    /// A parameter there, a setting here, and what it is there when nothing is said; left out here if that is not a
    /// number.
    private record Setting(String setting, double otherwise) {}

    static {
        of("sgd", "sgd", 0.01);
        of("sgd with momentum", "momentum", 0.01).with(MOMENTUM, MOMENTUM, 0);
        of("nag", "nesterov", 0.1).with(MOMENTUM, MOMENTUM, 0.9);
        of("adam", "adam", 0.001).moments(0.9, 0.999, 1e-8);
        of("adamw", "adamw", 0.001).moments(0.9, 0.999, 1e-6).with("wd", "decay", 0);
        of("adamax", "adamax", 0.002).moments(0.9, 0.999, Double.NaN);
        of("nadam", "nadam", 0.001).moments(0.9, 0.999, 1e-8).with("schedule_decay", "momentum_decay", 0.004);
        of("adagrad", "adagrad", 0.01).with("eps", "epsilon", 1e-7);
        of("groupadagrad", "group_adagrad", 0.01).with("eps", "epsilon", 1e-5);
        of("adadelta", "adadelta", 1).with("rho", "rho", 0.9).with("epsilon", "epsilon", 1e-5);
        of("rmsprop", "rmsprop", 0.001).with("gamma1", "rho", 0.9).with("epsilon", "epsilon", 1e-8);
        of("centered rmsprop", "rmsprop", 0.001)
                .with("gamma1", "rho", 0.9)
                .with("gamma2", MOMENTUM, 0.9)
                .with("epsilon", "epsilon", 1e-8)
                .with("centered", "centered", 1);
        of("ftml", "ftml", 0.0025).moments(0.6, 0.999, 1e-8);
        of("signum", "signum", 0.01).with(MOMENTUM, MOMENTUM, 0.9).with("wd_lh", "shrink", 0);
        of("sgld", "sgld", 0.01);
        of("lars", "lars", 0.1)
                .with(MOMENTUM, MOMENTUM, 0)
                .with("eta", "eta", 0.001)
                .with("epsilon", "epsilon", 1e-8)
                .with("wd", "decay", 0);
        of("lamb", "lamb", 0.001)
                .moments(0.9, 0.999, 1e-6)
                .with("lower_bound", "lower", 0)
                .with("upper_bound", "upper", 0)
                .with("wd", "decay", 0);
        of("dcasgd", "dcasgd", 0.01).with(MOMENTUM, MOMENTUM, 0).with("lamda", "lambda", 0.04);
        KvOptimizer ftrl = of("ftrl", "ftrl", Double.NaN);
        ftrl.settings.remove("learning_rate");
        ftrl.settings.remove(SCHEDULE);
        ftrl.with("learning_rate", "alpha", 0.1)
                .with("beta", "beta", 1)
                .with("lamda1", "l1", 0.01)
                .with("wd", "l2", 0);
    }

    private KvOptimizer(String name) {
        this.name = name;
    }

    private static KvOptimizer of(String theirs, String ours, double rate) {
        KvOptimizer optimizer = new KvOptimizer(ours)
                .with("learning_rate", "rate", rate)
                .with("wd", "decay", Double.NaN)
                .with("rescale_grad", "scale", Double.NaN)
                .with("clip_gradient", "clip", Double.NaN)
                .with(SCHEDULE, "schedule", Double.NaN);
        BY_NAME.put(theirs, optimizer);
        return optimizer;
    }

    private KvOptimizer with(String parameter, String setting, double otherwise) {
        settings.put(parameter, new Setting(setting, otherwise));
        return this;
    }

    private KvOptimizer moments(double beta1, double beta2, double epsilon) {
        return with("beta1", "beta1", beta1).with("beta2", "beta2", beta2).with("epsilon", "epsilon", epsilon);
    }

    /// The optimizer with this name and these parameters; those that are left out are what they are in MXNet. With
    /// `momentum`, `sgd` is the one that has it.
    ///
    /// @param parameters numbers and truths by name, and a text for `lr_scheduler`
    /// @throws IllegalArgumentException naming the optimizer, the parameter, and what is allowed
    public static OptimizerSpec create(String name, Map<String, ?> parameters) {
        String wanted = name.toLowerCase(Locale.ROOT);
        Map<String, Object> given = new HashMap<>(parameters);
        if (wanted.equals("sgd") && number(wanted, MOMENTUM, given.getOrDefault(MOMENTUM, 0)) != 0) {
            wanted = "sgd with momentum";
        } else if (wanted.equals("sgd")) {
            given.remove(MOMENTUM);
        } else if (wanted.equals("rmsprop")) {
            if (number(wanted, "centered", given.getOrDefault("centered", false)) != 0) {
                wanted = "centered rmsprop";
            } else {
                // Neither counts there if it is not centered.
                given.remove("centered");
                given.remove("gamma2");
            }
        }
        KvOptimizer optimizer = BY_NAME.get(wanted);
        if (optimizer == null || (wanted.contains(" ") && name.contains(" "))) {
            throw new IllegalArgumentException("optimizer must be one of " + names() + ": optimizer=" + name);
        }
        for (String parameter : given.keySet()) {
            if (!optimizer.settings.containsKey(parameter)) {
                throw new IllegalArgumentException(name + " has the parameters "
                        + String.join(", ", optimizer.settings.keySet()) + ": found=" + parameter);
            }
        }
        List<String> text = new ArrayList<>();
        optimizer.settings.forEach((parameter, setting) -> {
            Object value = given.get(parameter);
            if (parameter.equals(SCHEDULE) && value != null) {
                text.add(setting.setting() + "=" + value);
            } else if (value != null || !Double.isNaN(setting.otherwise())) {
                text.add(setting.setting() + "="
                        + (float) number(name, parameter, value == null ? setting.otherwise() : value));
            }
        });
        return OptimizerSpec.parse(optimizer.name + "(" + String.join(",", text) + ")");
    }

    private static String names() {
        List<String> names = new ArrayList<>(BY_NAME.keySet());
        names.removeIf(each -> each.contains(" "));
        return String.join(", ", names);
    }

    private static double number(String optimizer, String parameter, @Nullable Object value) {
        if (value instanceof Number number) {
            return number.doubleValue();
        } else if (value instanceof Boolean truth) {
            return truth ? 1 : 0;
        }
        throw new IllegalArgumentException(
                optimizer + " " + parameter + " must be a number: " + parameter + "=" + value);
    }

    /// What a push does without an optimizer: the sum becomes the value.
    static OptimizerSpec replace() {
        return new OptimizerSpec.Replace();
    }
}
