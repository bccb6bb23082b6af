package io.weir.cli;

import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/// How the loss of one training went down. Immutable.
///
/// @param points in the order of time; examples never become fewer
record LossCurve(String name, List<Point> points) {
    /// What was measured at one moment.
    ///
    /// @param seconds since the training began
    /// @param examples trained on until then, by all workers
    /// @param loss NaN or infinite where the training has run away
    record Point(double seconds, long examples, double loss) {
        Point {
            if (!(seconds >= 0 && seconds < Double.POSITIVE_INFINITY)) {
                throw new IllegalArgumentException("seconds must be finite and not negative: seconds=" + seconds);
            }
            if (examples < 0) {
                throw new IllegalArgumentException("examples must not be negative: examples=" + examples);
            }
        }
    }

    LossCurve {
        Objects.requireNonNull(name, "name");
        points = List.copyOf(points);
        for (int i = 1; i < points.size(); i++) {
            Point before = points.get(i - 1);
            Point point = points.get(i);
            if (point.seconds() < before.seconds() || point.examples() < before.examples()) {
                throw new IllegalArgumentException("points must be in the order of time: before=" + before + ", point="
                        + point + ", curve=" + name);
            }
        }
    }

    /// What was measured last.
    Optional<Point> last() {
        return points.isEmpty() ? Optional.empty() : Optional.of(points.getLast());
    }

    /// The first time at which the curve is at `loss` or below, empty if it never is.
    ///
    /// Between two points the curve is the straight line that joins them. Nothing joins a point to one whose
    /// loss is NaN or infinite, and before its first point there is no curve.
    OptionalDouble secondsTo(double loss) {
        int at = firstAt(loss);
        if (at < 0) {
            return OptionalDouble.empty();
        }
        double seconds = points.get(at).seconds();
        double before = at == 0 ? seconds : points.get(at - 1).seconds();
        return OptionalDouble.of(before + wayTo(loss, at) * (seconds - before));
    }

    /// The fewest examples after which the curve is at `loss` or below, found as in [#secondsTo] and rounded up.
    OptionalLong examplesTo(double loss) {
        int at = firstAt(loss);
        if (at < 0) {
            return OptionalLong.empty();
        }
        long examples = points.get(at).examples();
        long before = at == 0 ? examples : points.get(at - 1).examples();
        return OptionalLong.of(before + (long) Math.ceil(wayTo(loss, at) * (examples - before)));
    }

    /// The index of the first point at `loss` or below, -1 if there is none.
    private int firstAt(double loss) {
        for (int i = 0; i < points.size(); i++) {
            if (Double.isFinite(points.get(i).loss()) && points.get(i).loss() <= loss) {
                return i;
            }
        }
        return -1;
    }

    /// Which part of the way from the point before to the point at `index` leads down to `loss`, from 0 to 1.
    private double wayTo(double loss, int index) {
        double to = points.get(index).loss();
        double from = index == 0 ? to : points.get(index - 1).loss();
        return from > to && Double.isFinite(from) ? (from - loss) / (from - to) : 1;
    }
}
