package io.weir.model;

import java.util.ArrayList;
import java.util.List;

/// The text form of optimizers: a name, then settings in parentheses.
final class OptimizerText {
    private OptimizerText() {}

    static String format(OptimizerSpec spec) {
        List<String> settings = new ArrayList<>();
        spec.settings().forEach((name, value) -> settings.add(name + "=" + TextForm.number(value)));
        Tuning tuning = spec.tuning();
        Tuning none = Tuning.NONE;
        add(settings, "scale", tuning.scale(), none.scale());
        add(settings, "clip", tuning.clip(), none.clip());
        add(settings, "clip_norm", tuning.clipNorm(), none.clipNorm());
        add(settings, "decay", tuning.decay(), none.decay());
        if (tuning.warmup() != none.warmup()) {
            settings.add("warmup=" + tuning.warmup());
        }
        if (!tuning.schedule().equals(none.schedule())) {
            settings.add("schedule=" + tuning.schedule().text());
        }
        return settings.isEmpty() ? spec.name() : spec.name() + "(" + String.join(",", settings) + ")";
    }

    private static void add(List<String> settings, String name, float value, float neutral) {
        if (Float.compare(value, neutral) != 0) {
            settings.add(name + "=" + TextForm.number(value));
        }
    }

    static OptimizerSpec parse(String text) {
        TextForm form = TextForm.parse("optimizer", text);
        OptimizerForm<?> known = OptimizerForm.find(form.name());
        if (known == null) {
            throw OptimizerForm.unknown(text);
        }
        return known.create(form);
    }
}
