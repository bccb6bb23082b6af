package io.weir.model;

/// What values a setting takes.
enum Range {
    POSITIVE("above 0 and finite") {
        @Override
        boolean contains(float value) {
            return value > 0 && value < Float.POSITIVE_INFINITY;
        }
    },
    NON_NEGATIVE("0 or more and finite") {
        @Override
        boolean contains(float value) {
            return value >= 0 && value < Float.POSITIVE_INFINITY;
        }
    },
    FRACTION("at least 0 and below 1") {
        @Override
        boolean contains(float value) {
            return value >= 0 && value < 1;
        }
    },
    FLAG("0 or 1") {
        @Override
        boolean contains(float value) {
            return Float.floatToRawIntBits(value) == 0 || value == 1;
        }
    };

    private final String rule;

    Range(String rule) {
        this.rule = rule;
    }

    abstract boolean contains(float value);

    /// @throws IllegalArgumentException if `value` is not in this range, naming it as the setting `name` of `owner`
    void check(String owner, String name, float value) {
        if (!contains(value)) {
            throw new IllegalArgumentException(owner + " " + name + " must be " + rule + ": " + name + "=" + value);
        }
    }

    /// As [#check(String, String, float)], of what needs no owner.
    void check(String name, float value) {
        if (!contains(value)) {
            throw new IllegalArgumentException(name + " must be " + rule + ": " + name + "=" + value);
        }
    }
}
