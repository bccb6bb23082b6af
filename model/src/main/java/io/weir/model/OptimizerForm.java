package io.weir.model;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/// The name of an optimizer, its settings and their defaults, and its way from and to them: what the text form and the
/// wire both go by. One line of [#ALL] is all that they need to know of an optimizer.
final class OptimizerForm<T extends OptimizerSpec> {
    private static final List<OptimizerForm<?>> ALL = List.of(
            form("sgd", OptimizerSpec.Sgd.class, v -> new OptimizerSpec.Sgd(v[0]), o -> values(o.rate()))
                    .with("rate", 0.05f),
            form(
                            "momentum",
                            OptimizerSpec.Momentum.class,
                            v -> new OptimizerSpec.Momentum(v[0], v[1]),
                            o -> values(o.rate(), o.momentum()))
                    .with("rate", 0.05f)
                    .with("momentum", 0.9f),
            form(
                            "adagrad",
                            OptimizerSpec.AdaGrad.class,
                            v -> new OptimizerSpec.AdaGrad(v[0], v[1]),
                            o -> values(o.rate(), o.epsilon()))
                    .with("rate", 0.1f)
                    .with("epsilon", 1e-8f),
            form(
                            "adam",
                            OptimizerSpec.Adam.class,
                            v -> new OptimizerSpec.Adam(v[0], v[1], v[2], v[3]),
                            o -> values(o.rate(), o.beta1(), o.beta2(), o.epsilon()))
                    .with("rate", 0.001f)
                    .with("beta1", 0.9f)
                    .with("beta2", 0.999f)
                    .with("epsilon", 1e-8f),
            form(
                            "ftrl",
                            OptimizerSpec.Ftrl.class,
                            v -> new OptimizerSpec.Ftrl(v[0], v[1], v[2], v[3]),
                            o -> values(o.alpha(), o.beta(), o.l1(), o.l2()))
                    .with("alpha", 0.1f)
                    .with("beta", 1f)
                    .with("l1", 0f)
                    .with("l2", 0f),
            form("add", OptimizerSpec.Add.class, v -> new OptimizerSpec.Add(), o -> values()),
            form("assign", OptimizerSpec.Assign.class, v -> new OptimizerSpec.Assign(), o -> values()),
            form("min", OptimizerSpec.Min.class, v -> new OptimizerSpec.Min(), o -> values()),
            form("max", OptimizerSpec.Max.class, v -> new OptimizerSpec.Max(), o -> values()));

    private static final Map<String, OptimizerForm<?>> BY_NAME = new LinkedHashMap<>();
    private static final Map<Class<?>, OptimizerForm<?>> BY_TYPE = new LinkedHashMap<>();

    static {
        for (OptimizerForm<?> form : ALL) {
            BY_NAME.put(form.name, form);
            BY_TYPE.put(form.type, form);
        }
    }

    private final String name;
    private final Class<T> type;
    private final Function<float[], T> create;
    private final Function<T, float[]> values;
    private final List<String> settingNames = new ArrayList<>();
    private final List<Float> defaults = new ArrayList<>();

    private OptimizerForm(String name, Class<T> type, Function<float[], T> create, Function<T, float[]> values) {
        this.name = name;
        this.type = type;
        this.create = create;
        this.values = values;
    }

    private static <T extends OptimizerSpec> OptimizerForm<T> form(
            String name, Class<T> type, Function<float[], T> create, Function<T, float[]> values) {
        return new OptimizerForm<>(name, type, create, values);
    }

    private static float[] values(float... values) {
        return values;
    }

    private OptimizerForm<T> with(String setting, float otherwise) {
        settingNames.add(setting);
        defaults.add(otherwise);
        return this;
    }

    static OptimizerForm<?> of(OptimizerSpec spec) {
        return Objects.requireNonNull(BY_TYPE.get(spec.getClass()), "every optimizer has a form");
    }

    /// @throws IllegalArgumentException if there is none
    static OptimizerForm<?> named(String name) {
        OptimizerForm<?> form = BY_NAME.get(name.toLowerCase(Locale.ROOT));
        if (form == null) {
            throw unknown(name);
        }
        return form;
    }

    static boolean isName(String name) {
        return BY_NAME.containsKey(name);
    }

    static IllegalArgumentException unknown(String text) {
        return new IllegalArgumentException(
                "optimizer must be one of " + String.join(", ", BY_NAME.keySet()) + ": optimizer=" + text);
    }

    String name() {
        return name;
    }

    List<String> settingNames() {
        return Collections.unmodifiableList(settingNames);
    }

    Map<String, Float> settings(OptimizerSpec spec) {
        float[] numbers = values.apply(type.cast(spec));
        Map<String, Float> settings = new LinkedHashMap<>();
        for (int i = 0; i < numbers.length; i++) {
            settings.put(settingNames.get(i), numbers[i]);
        }
        return Collections.unmodifiableMap(settings);
    }

    /// @param text what to name in messages
    T create(Map<String, Float> settings, String text) {
        for (String setting : settings.keySet()) {
            if (!settingNames.contains(setting)) {
                String rule = settingNames.isEmpty()
                        ? name + " has no settings"
                        : name + " has the settings " + String.join(", ", settingNames);
                throw new IllegalArgumentException(rule + ": found=" + setting + ", optimizer=" + text);
            }
        }
        float[] numbers = new float[settingNames.size()];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = settings.getOrDefault(settingNames.get(i), defaults.get(i));
        }
        return create.apply(numbers);
    }
}
