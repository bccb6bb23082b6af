package io.weir.model;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// The name of an optimizer, its settings with their ranges and defaults, and its way from and to them: what the text
/// form, the wire and the checks all go by. One line of [#ALL] is all that they need to know of an optimizer.
final class OptimizerForm<T extends OptimizerSpec> {
    private static final List<OptimizerForm<?>> ALL = List.of(
            form(
                            "sgd",
                            OptimizerSpec.Sgd.class,
                            (v, tuning) -> new OptimizerSpec.Sgd(v[0], tuning),
                            o -> values(o.rate()))
                    .with("rate", Range.POSITIVE, 0.05f),
            form(
                            "momentum",
                            OptimizerSpec.Momentum.class,
                            (v, tuning) -> new OptimizerSpec.Momentum(v[0], v[1], tuning),
                            o -> values(o.rate(), o.momentum()))
                    .with("rate", Range.POSITIVE, 0.05f)
                    .with("momentum", Range.FRACTION, 0.9f),
            form(
                            "adagrad",
                            OptimizerSpec.AdaGrad.class,
                            (v, tuning) -> new OptimizerSpec.AdaGrad(v[0], v[1], tuning),
                            o -> values(o.rate(), o.epsilon()))
                    .with("rate", Range.POSITIVE, 0.1f)
                    .with("epsilon", Range.NON_NEGATIVE, 1e-8f),
            form(
                            "adam",
                            OptimizerSpec.Adam.class,
                            (v, tuning) -> new OptimizerSpec.Adam(v[0], v[1], v[2], v[3], tuning),
                            o -> values(o.rate(), o.beta1(), o.beta2(), o.epsilon()))
                    .with("rate", Range.POSITIVE, 0.001f)
                    .with("beta1", Range.FRACTION, 0.9f)
                    .with("beta2", Range.FRACTION, 0.999f)
                    .with("epsilon", Range.NON_NEGATIVE, 1e-8f)
                    .alias("lazy_adam"),
            form(
                            "ftrl",
                            OptimizerSpec.Ftrl.class,
                            (v, tuning) -> new OptimizerSpec.Ftrl(v[0], v[1], v[2], v[3], tuning),
                            o -> values(o.alpha(), o.beta(), o.l1(), o.l2()))
                    .with("alpha", Range.POSITIVE, 0.1f)
                    .with("beta", Range.NON_NEGATIVE, 1f)
                    .with("l1", Range.NON_NEGATIVE, 0f)
                    .with("l2", Range.NON_NEGATIVE, 0f)
                    .withoutSchedule(),
            form("add", OptimizerSpec.Add.class, (v, tuning) -> new OptimizerSpec.Add(), o -> values()),
            form("assign", OptimizerSpec.Assign.class, (v, tuning) -> new OptimizerSpec.Assign(), o -> values()),
            form("min", OptimizerSpec.Min.class, (v, tuning) -> new OptimizerSpec.Min(), o -> values()),
            form("max", OptimizerSpec.Max.class, (v, tuning) -> new OptimizerSpec.Max(), o -> values()),
            form(
                            "nesterov",
                            OptimizerSpec.Nesterov.class,
                            (v, tuning) -> new OptimizerSpec.Nesterov(v[0], v[1], tuning),
                            o -> values(o.rate(), o.momentum()))
                    .with("rate", Range.POSITIVE, 0.05f)
                    .with("momentum", Range.FRACTION, 0.9f)
                    .alias("nag"),
            form(
                            "rowwise_adagrad",
                            OptimizerSpec.RowwiseAdaGrad.class,
                            (v, tuning) -> new OptimizerSpec.RowwiseAdaGrad(v[0], v[1], tuning),
                            o -> values(o.rate(), o.epsilon()))
                    .with("rate", Range.POSITIVE, 0.1f)
                    .with("epsilon", Range.NON_NEGATIVE, 1e-8f),
            form(
                            "group_adagrad",
                            OptimizerSpec.GroupAdaGrad.class,
                            (v, tuning) -> new OptimizerSpec.GroupAdaGrad(v[0], v[1], tuning),
                            o -> values(o.rate(), o.epsilon()))
                    .with("rate", Range.POSITIVE, 0.1f)
                    .with("epsilon", Range.POSITIVE, 1e-5f),
            form(
                            "adadelta",
                            OptimizerSpec.AdaDelta.class,
                            (v, tuning) -> new OptimizerSpec.AdaDelta(v[0], v[1], v[2], tuning),
                            o -> values(o.rate(), o.rho(), o.epsilon()))
                    .with("rate", Range.POSITIVE, 1f)
                    .with("rho", Range.FRACTION, 0.9f)
                    .with("epsilon", Range.POSITIVE, 1e-5f),
            form(
                            "rmsprop",
                            OptimizerSpec.RmsProp.class,
                            (v, tuning) -> new OptimizerSpec.RmsProp(v[0], v[1], v[2], v[3], v[4] == 1, tuning),
                            o -> values(o.rate(), o.rho(), o.epsilon(), o.momentum(), o.centered() ? 1 : 0))
                    .with("rate", Range.POSITIVE, 0.001f)
                    .with("rho", Range.FRACTION, 0.9f)
                    .with("epsilon", Range.POSITIVE, 1e-8f)
                    .with("momentum", Range.FRACTION, 0f)
                    .with("centered", Range.FLAG, 0f),
            form(
                            "adamw",
                            OptimizerSpec.AdamW.class,
                            (v, tuning) -> new OptimizerSpec.AdamW(v[0], v[1], v[2], v[3], v[4], tuning),
                            o -> values(o.rate(), o.beta1(), o.beta2(), o.epsilon(), o.decay()))
                    .with("rate", Range.POSITIVE, 0.001f)
                    .with("beta1", Range.FRACTION, 0.9f)
                    .with("beta2", Range.FRACTION, 0.999f)
                    .with("epsilon", Range.NON_NEGATIVE, 1e-8f)
                    .with("decay", Range.NON_NEGATIVE, 0.01f),
            form(
                            "adamax",
                            OptimizerSpec.AdaMax.class,
                            (v, tuning) -> new OptimizerSpec.AdaMax(v[0], v[1], v[2], v[3], tuning),
                            o -> values(o.rate(), o.beta1(), o.beta2(), o.epsilon()))
                    .with("rate", Range.POSITIVE, 0.002f)
                    .with("beta1", Range.FRACTION, 0.9f)
                    .with("beta2", Range.FRACTION, 0.999f)
                    .with("epsilon", Range.NON_NEGATIVE, 1e-8f),
            form(
                            "nadam",
                            OptimizerSpec.Nadam.class,
                            (v, tuning) -> new OptimizerSpec.Nadam(v[0], v[1], v[2], v[3], v[4], tuning),
                            o -> values(o.rate(), o.beta1(), o.beta2(), o.epsilon(), o.momentumDecay()))
                    .with("rate", Range.POSITIVE, 0.001f)
                    .with("beta1", Range.FRACTION, 0.9f)
                    .with("beta2", Range.FRACTION, 0.999f)
                    .with("epsilon", Range.NON_NEGATIVE, 1e-8f)
                    .with("momentum_decay", Range.NON_NEGATIVE, 0.004f),
            form(
                            "amsgrad",
                            OptimizerSpec.AmsGrad.class,
                            (v, tuning) -> new OptimizerSpec.AmsGrad(v[0], v[1], v[2], v[3], tuning),
                            o -> values(o.rate(), o.beta1(), o.beta2(), o.epsilon()))
                    .with("rate", Range.POSITIVE, 0.001f)
                    .with("beta1", Range.FRACTION, 0.9f)
                    .with("beta2", Range.FRACTION, 0.999f)
                    .with("epsilon", Range.NON_NEGATIVE, 1e-8f),
            form(
                            "ftml",
                            OptimizerSpec.Ftml.class,
                            (v, tuning) -> new OptimizerSpec.Ftml(v[0], v[1], v[2], v[3], tuning),
                            o -> values(o.rate(), o.beta1(), o.beta2(), o.epsilon()))
                    .with("rate", Range.POSITIVE, 0.0025f)
                    .with("beta1", Range.FRACTION, 0.6f)
                    .with("beta2", Range.FRACTION, 0.999f)
                    .with("epsilon", Range.NON_NEGATIVE, 1e-8f),
            form(
                            "signum",
                            OptimizerSpec.Signum.class,
                            (v, tuning) -> new OptimizerSpec.Signum(v[0], v[1], v[2], tuning),
                            o -> values(o.rate(), o.momentum(), o.shrink()))
                    .with("rate", Range.POSITIVE, 0.01f)
                    .with("momentum", Range.FRACTION, 0.9f)
                    .with("shrink", Range.NON_NEGATIVE, 0f),
            form(
                            "sgld",
                            OptimizerSpec.Sgld.class,
                            (v, tuning) -> new OptimizerSpec.Sgld(v[0], tuning),
                            o -> values(o.rate()))
                    .with("rate", Range.POSITIVE, 0.01f),
            form(
                            "lars",
                            OptimizerSpec.Lars.class,
                            (v, tuning) -> new OptimizerSpec.Lars(v[0], v[1], v[2], v[3], v[4], tuning),
                            o -> values(o.rate(), o.momentum(), o.eta(), o.epsilon(), o.decay()))
                    .with("rate", Range.POSITIVE, 0.1f)
                    .with("momentum", Range.FRACTION, 0.9f)
                    .with("eta", Range.POSITIVE, 0.001f)
                    .with("epsilon", Range.NON_NEGATIVE, 1e-8f)
                    .with("decay", Range.NON_NEGATIVE, 0f),
            form(
                            "lamb",
                            OptimizerSpec.Lamb.class,
                            (v, tuning) -> new OptimizerSpec.Lamb(v[0], v[1], v[2], v[3], v[4], v[5], v[6], tuning),
                            o -> values(o.rate(), o.beta1(), o.beta2(), o.epsilon(), o.decay(), o.lower(), o.upper()))
                    .with("rate", Range.POSITIVE, 0.001f)
                    .with("beta1", Range.FRACTION, 0.9f)
                    .with("beta2", Range.FRACTION, 0.999f)
                    .with("epsilon", Range.NON_NEGATIVE, 1e-6f)
                    .with("decay", Range.NON_NEGATIVE, 0f)
                    .with("lower", Range.NON_NEGATIVE, 0f)
                    .with("upper", Range.NON_NEGATIVE, 0f),
            form(
                            "dcasgd",
                            OptimizerSpec.DcAsgd.class,
                            (v, tuning) -> new OptimizerSpec.DcAsgd(v[0], v[1], v[2], tuning),
                            o -> values(o.rate(), o.momentum(), o.lambda()))
                    .with("rate", Range.POSITIVE, 0.01f)
                    .with("momentum", Range.FRACTION, 0f)
                    .with("lambda", Range.NON_NEGATIVE, 0.04f),
            form("replace", OptimizerSpec.Replace.class, (v, tuning) -> new OptimizerSpec.Replace(), o -> values()));

    /// The settings of a [Tuning], for all optimizers that take gradients.
    private static final List<String> TUNING = List.of("scale", "clip", "clip_norm", "decay", "warmup", "schedule");

    private static final Map<String, OptimizerForm<?>> BY_NAME = new LinkedHashMap<>();
    private static final Map<Class<?>, OptimizerForm<?>> BY_TYPE = new LinkedHashMap<>();

    static {
        for (OptimizerForm<?> form : ALL) {
            BY_NAME.put(form.name, form);
            BY_TYPE.put(form.type, form);
            if (!form.alias.isEmpty()) {
                BY_NAME.put(form.alias, form);
            }
        }
    }

    private final String name;
    private final Class<T> type;
    private final BiFunction<float[], Tuning, T> create;
    private final Function<T, float[]> values;
    private final List<String> settingNames = new ArrayList<>();
    private final List<Range> ranges = new ArrayList<>();
    private final List<Float> defaults = new ArrayList<>();
    private String alias = "";
    private boolean hasSchedule = true;

    private OptimizerForm(
            String name, Class<T> type, BiFunction<float[], Tuning, T> create, Function<T, float[]> values) {
        this.name = name;
        this.type = type;
        this.create = create;
        this.values = values;
    }

    private static <T extends OptimizerSpec> OptimizerForm<T> form(
            String name, Class<T> type, BiFunction<float[], Tuning, T> create, Function<T, float[]> values) {
        return new OptimizerForm<>(name, type, create, values);
    }

    private static float[] values(float... values) {
        return values;
    }

    private OptimizerForm<T> with(String setting, Range range, float otherwise) {
        settingNames.add(setting);
        ranges.add(range);
        defaults.add(otherwise);
        return this;
    }

    private OptimizerForm<T> alias(String other) {
        alias = other;
        return this;
    }

    private OptimizerForm<T> withoutSchedule() {
        hasSchedule = false;
        return this;
    }

    static OptimizerForm<?> of(OptimizerSpec spec) {
        return Objects.requireNonNull(BY_TYPE.get(spec.getClass()), "every optimizer has a form");
    }

    /// @throws IllegalArgumentException if there is none
    static OptimizerForm<?> named(String name) {
        OptimizerForm<?> form = find(name);
        if (form == null) {
            throw unknown(name);
        }
        return form;
    }

    static @Nullable OptimizerForm<?> find(String name) {
        return BY_NAME.get(name.toLowerCase(Locale.ROOT));
    }

    static IllegalArgumentException unknown(String text) {
        return new IllegalArgumentException(
                "optimizer must be one of " + String.join(", ", names()) + ": optimizer=" + text);
    }

    static List<String> names() {
        return ALL.stream().<String>map(form -> form.name).toList();
    }

    String name() {
        return name;
    }

    List<String> settingNames() {
        return Collections.unmodifiableList(settingNames);
    }

    /// What every optimizer checks when it is made.
    ///
    /// @param settings in the order of the form
    /// @throws IllegalArgumentException naming the optimizer, the setting, and what is allowed
    static void check(String name, Tuning tuning, float... settings) {
        named(name).check(tuning, settings);
    }

    private void check(Tuning tuning, float[] settings) {
        Objects.requireNonNull(tuning, "tuning");
        for (int i = 0; i < settings.length; i++) {
            ranges.get(i).check(name, settingNames.get(i), settings[i]);
        }
        if (decaysItself() && tuning.decay() != 0) {
            throw new IllegalArgumentException(name
                    + " decays the weights by its own setting, not by that of the tuning: decay=" + tuning.decay());
        }
        if (!hasSchedule && !tuning.isSteady()) {
            throw new IllegalArgumentException(
                    name + " has no schedule: schedule=" + tuning.schedule().text() + ", warmup=" + tuning.warmup());
        }
    }

    private boolean decaysItself() {
        return settingNames.contains("decay");
    }

    /// Its settings and those of a tuning that it takes.
    List<String> allSettingNames() {
        List<String> names = new ArrayList<>(settingNames);
        if (takesTuning()) {
            for (String setting : TUNING) {
                boolean taken = names.contains(setting);
                boolean ofSchedule = setting.equals("warmup") || setting.equals("schedule");
                if (!taken && (hasSchedule || !ofSchedule)) {
                    names.add(setting);
                }
            }
        }
        return names;
    }

    /// All that have settings have gradients.
    private boolean takesTuning() {
        return !settingNames.isEmpty();
    }

    Map<String, Float> settings(OptimizerSpec spec) {
        float[] numbers = values.apply(type.cast(spec));
        Map<String, Float> settings = new LinkedHashMap<>();
        for (int i = 0; i < numbers.length; i++) {
            settings.put(settingNames.get(i), numbers[i]);
        }
        return Collections.unmodifiableMap(settings);
    }

    T create(Map<String, Float> settings, Tuning tuning) {
        for (String setting : settings.keySet()) {
            if (!settingNames.contains(setting)) {
                throw new IllegalArgumentException(
                        name + " has the settings " + String.join(", ", settingNames) + ": found=" + setting);
            }
        }
        if (!takesTuning() && !tuning.equals(Tuning.NONE)) {
            throw new IllegalArgumentException(name + " takes no gradients and so no tuning: tuning=" + tuning);
        }
        float[] numbers = new float[settingNames.size()];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = settings.getOrDefault(settingNames.get(i), defaults.get(i));
        }
        // Before a number becomes a truth; the optimizer itself checks what it is given.
        check(tuning, numbers);
        return create.apply(numbers, tuning);
    }

    T create(TextForm text) {
        text.allow(allSettingNames());
        Map<String, Float> settings = new LinkedHashMap<>();
        for (int i = 0; i < settingNames.size(); i++) {
            settings.put(settingNames.get(i), text.number(settingNames.get(i), defaults.get(i)));
        }
        Tuning none = Tuning.NONE;
        Map<String, String> found = text.settings();
        String schedule = found.get("schedule");
        Tuning tuning = new Tuning(
                text.number("scale", none.scale()),
                text.number("clip", none.clip()),
                text.number("clip_norm", none.clipNorm()),
                decaysItself() ? 0 : text.number("decay", none.decay()),
                text.integer("warmup", none.warmup()),
                schedule == null ? none.schedule() : RateSchedule.parse(schedule));
        return create(settings, tuning);
    }
}
