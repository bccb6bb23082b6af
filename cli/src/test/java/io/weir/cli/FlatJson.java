package io.weir.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/// One JSON object as a flat map: `progressive.logloss`, `tables.0.name`. A null is there as the text `null`.
record FlatJson(Map<String, Object> fields) {
    /// The field's number.
    double real(String name) {
        return (double) field(name);
    }

    /// The field's whole number.
    long whole(String name) {
        return (long) field(name);
    }

    /// The field's text.
    String text(String name) {
        return (String) field(name);
    }

    private Object field(String name) {
        Object value = fields.get(name);
        if (value == null) {
            throw new AssertionError("expected a field: name=" + name + ", fields=" + fields);
        }
        return value;
    }

    static FlatJson parse(String text) {
        Map<String, Object> fields = new LinkedHashMap<>();
        try (JsonParser parser = new JsonFactory().createParser(ObjectReadContext.empty(), text)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw new AssertionError("expected an object: " + text);
            }
            readObject(parser, "", fields);
            if (parser.nextToken() != null) {
                throw new AssertionError("expected nothing after the object: " + text);
            }
        }
        return new FlatJson(fields);
    }

    private static void readObject(JsonParser parser, String prefix, Map<String, Object> fields) {
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String name = parser.currentName();
            parser.nextToken();
            readValue(parser, prefix + name, fields);
        }
    }

    private static void readValue(JsonParser parser, String name, Map<String, Object> fields) {
        switch (parser.currentToken()) {
            case START_OBJECT -> readObject(parser, name + ".", fields);
            case START_ARRAY -> {
                int index = 0;
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    readValue(parser, name + "." + index++, fields);
                }
            }
            case VALUE_NUMBER_INT -> fields.put(name, parser.getLongValue());
            case VALUE_NUMBER_FLOAT -> fields.put(name, parser.getDoubleValue());
            case VALUE_TRUE -> fields.put(name, true);
            case VALUE_FALSE -> fields.put(name, false);
            default -> fields.put(name, parser.getString());
        }
    }
}
