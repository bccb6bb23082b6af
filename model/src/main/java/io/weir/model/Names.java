package io.weir.model;

import java.util.regex.Pattern;

/// The rule that names of tables and runs follow.
final class Names {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._/-]*");

    private Names() {}

    /// @param kind what is named, for the message
    /// @throws IllegalArgumentException if the name breaks the rule
    static void require(String kind, String name) {
        if (name.length() > TableSpec.MAX_NAME_LENGTH || !NAME.matcher(name).matches()) {
            throw new IllegalArgumentException(kind + " name must be 1 to " + TableSpec.MAX_NAME_LENGTH
                    + " letters, digits, '.', '_', '-' or '/', beginning with a letter or digit: name='" + name + "'");
        }
    }
}
