package io.weir.cli;

import java.io.StringWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/// A JSON object, built field by field in the order they are to stand in. Confined.
final class Json {
    private final Map<String, @Nullable Object> fields = new LinkedHashMap<>();

    /// Adds a field. Values are text, numbers, booleans, objects, lists of these, or null; a number that is NaN or
    /// infinite becomes null.
    Json put(String name, @Nullable Object value) {
        fields.put(name, value);
        return this;
    }

    /// The object on one line.
    String text() {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = new JsonFactory().createGenerator(ObjectWriteContext.empty(), text)) {
            write(json, this);
        }
        return text.toString();
    }

    private static void write(JsonGenerator json, @Nullable Object value) {
        switch (value) {
            case null -> json.writeNull();
            case Json object -> {
                json.writeStartObject();
                object.fields.forEach((name, field) -> {
                    json.writeName(name);
                    write(json, field);
                });
                json.writeEndObject();
            }
            case List<?> list -> {
                json.writeStartArray();
                list.forEach(element -> write(json, element));
                json.writeEndArray();
            }
            case Boolean truth -> json.writeBoolean(truth);
            case Float number when Float.isFinite(number) -> json.writeNumber(number);
            case Double number when Double.isFinite(number) -> json.writeNumber(number);
            case Float _, Double _ -> json.writeNull();
            case Number number -> json.writeNumber(number.longValue());
            default -> json.writeString(value.toString());
        }
    }
}
