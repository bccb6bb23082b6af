package io.weir.train;

import io.weir.kernel.Activation;
import io.weir.model.TableSpec;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What a model is beside its tables, as one line: `name(key=value,…)`.
final class ModelText {
    private static final String LOGISTIC = "logistic-regression";
    private static final String SOFTMAX = "softmax-regression";
    private static final String PERCEPTRON = "perceptron";
    private static final Pattern FORM = Pattern.compile("([a-z-]+)\\(([^()]*)\\)");
    private static final String FIRST_TABLE = "/layer1.weight";

    private ModelText() {}

    static String of(Model model) {
        return switch (model) {
            case LogisticRegression m -> LOGISTIC + "(bias=" + m.bias() + ")";
            case SoftmaxRegression m -> SOFTMAX + "(bias=" + m.bias() + ")";
            case Perceptron m ->
                PERCEPTRON + "(layers="
                        + String.join(
                                "-", m.layers().stream().map(String::valueOf).toList()) + ",activation="
                        + m.activation().text() + ",dropout=" + m.dropout() + ",seed=" + m.seed() + ")";
        };
    }

    /// The model that [#of] wrote, in these tables.
    ///
    /// @throws IllegalArgumentException if it is none, or if its tables would be others
    static Model parse(String text, List<TableSpec> tables) {
        Matcher form = FORM.matcher(text);
        if (!form.matches()) {
            throw new IllegalArgumentException("a model is name(key=value,...): found=" + text);
        }
        Map<String, String> values = new HashMap<>();
        for (String value : form.group(2).split(",", -1)) {
            String[] parts = value.split("=", 2);
            values.put(parts[0], parts.length == 2 ? parts[1] : "");
        }
        TableSpec first = tables.getFirst();
        Model model =
                switch (form.group(1)) {
                    case LOGISTIC -> new LogisticRegression(first, false, isTrue(values, "bias"));
                    case SOFTMAX -> new SoftmaxRegression(first, isTrue(values, "bias"));
                    case PERCEPTRON ->
                        new Perceptron(
                                first.name().replace(FIRST_TABLE, ""),
                                Arrays.stream(required(values, "layers").split("-", -1))
                                        .map(Integer::valueOf)
                                        .toList(),
                                Activation.parse(required(values, "activation")),
                                Double.parseDouble(required(values, "dropout")),
                                first.optimizer(),
                                Long.parseLong(required(values, "seed")));
                    default -> throw new IllegalArgumentException("no such model: found=" + text);
                };
        if (!model.tables().equals(tables)) {
            throw new IllegalArgumentException("tables must be those of the model: model=" + text + ", tables="
                    + tables.stream().map(TableSpec::name).toList());
        }
        return model;
    }

    private static boolean isTrue(Map<String, String> values, String name) {
        String value = required(values, name);
        if (!value.equals("true") && !value.equals("false")) {
            throw new IllegalArgumentException(name + " must be true or false: found=" + value);
        }
        return value.equals("true");
    }

    private static String required(Map<String, String> values, String name) {
        String value = values.get(name);
        if (value == null) {
            throw new IllegalArgumentException("model must say its " + name);
        }
        return value;
    }
}
