package io.weir.train;

import io.weir.client.DenseTable;
import io.weir.model.VectorOperation;
import io.weir.train.WolfeLineSearch.Point;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// L-BFGS whose vectors are dense tables: the coordinator gives orders and sees scalars. Confined.
///
/// **L2.** The direction is `d = −H g`, with `H` the inverse curvature that the last `m` pairs `s = w' − w`,
/// `y = g' − g` tell, by the recursion in two loops (Nocedal and Wright, *Numerical Optimization*, second edition,
/// algorithm 7.4), each of whose lines is an order to the shards. The step is [WolfeLineSearch]'s. Where features
/// depend on each other, as those of one-hot codes do, many pairs save many passes over the data, and the recursion
/// costs little beside one.
///
/// **L1** is OWL-QN (Andrew and Gao, *Scalable Training of L1-Regularized Log-Linear Models*, ICML 2007): the
/// pseudo-gradient in place of the gradient, but for `y`; a point that stays in the orthant into which the steepest
/// descent leads; and a line search that halves the step. One thing differs: the recursion sees only the weights that
/// are not 0, and those that are 0 take the steepest descent, so that no component of the direction has to be dropped.
/// That is PSS-gb of Schmidt, *Graphical Model Structure Learning with L1-Regularization* (2010), section 2.3, and
/// takes a fraction of the passes.
///
/// Vectors are 32-bit floats, each element computed in doubles and rounded once; dot products and objective are
/// doubles, added in a fixed order. So the same gradients and losses lead to the same bits, whatever the shards
/// and workers.
final class Lbfgs {
    private static final int SEARCH_EVALUATIONS = 20;

    /// A pair whose `s · y` is less than this part of `y · y` says nothing of the curvature.
    private static final double LEAST_CURVATURE = 1e-10;

    /// Vectors that are masked at a time.
    private static final int MASKED = 8;

    private static final double SUFFICIENT_DECREASE = 1e-4;

    private final LbfgsConfig config;
    private final Objective objective;
    private final DenseTable w;
    private final DenseTable g;
    private final DenseTable lastW;
    private final DenseTable lastG;
    private final DenseTable direction;

    /// Pseudo-gradient and orthant, only with L1; the gradient itself without.
    private final DenseTable steepest;

    private final DenseTable orthant;
    /// Only with L1: 1 where a weight is not 0, and otherwise 0; the pseudo-gradient there, and elsewhere; room for
    /// vectors while they are masked.
    private final DenseTable mask;

    private final DenseTable free;
    private final DenseTable rest;
    private final DenseTable[] masked;

    private final DenseTable[] s;
    private final DenseTable[] y;

    /// `s · y` and `y · y` of the pairs, by place: of the weights that the recursion sees.
    private final double[] sy;

    private final double[] yy;

    /// Places of the pairs, oldest first.
    private final List<Integer> pairs = new ArrayList<>();

    private int passes;
    private int iterations;

    /// The sum of the losses, where `w` is.
    interface Objective {
        /// Computes losses and gradients at `w`, and puts the sum of the gradients into `g`.
        ///
        /// @return the sum of the losses
        double evaluate(DenseTable w, DenseTable g);
    }

    /// What came of it.
    ///
    /// @param gradientNorm of the gradient, or with L1 of the pseudo-gradient
    /// @param passes evaluations
    /// @param converged whether the tolerance was met
    record Outcome(double objective, double gradientNorm, int passes, int iterations, boolean converged) {}

    /// @param vectors makes a dense table of a name, all of one length and placement
    Lbfgs(LbfgsConfig config, Function<String, DenseTable> vectors, Objective objective) {
        this.config = config;
        this.objective = objective;
        this.w = vectors.apply("w");
        this.g = vectors.apply("g");
        this.lastW = vectors.apply("last-w");
        this.lastG = vectors.apply("last-g");
        this.direction = vectors.apply("d");
        this.steepest = config.l1() ? vectors.apply("pseudo") : g;
        this.orthant = config.l1() ? vectors.apply("orthant") : g;
        this.mask = config.l1() ? vectors.apply("mask") : g;
        this.free = config.l1() ? vectors.apply("free") : g;
        this.rest = config.l1() ? vectors.apply("rest") : g;
        this.masked = new DenseTable[config.l1() ? MASKED : 0];
        for (int i = 0; i < masked.length; i++) {
            masked[i] = vectors.apply("masked" + i);
        }
        int m = config.historyOf(w.length());
        this.s = new DenseTable[m];
        this.y = new DenseTable[m];
        for (int i = 0; i < m; i++) {
            s[i] = vectors.apply("s" + i);
            y[i] = vectors.apply("y" + i);
        }
        this.sy = new double[m];
        this.yy = new double[m];
    }

    /// Minimises from where `w` is.
    ///
    /// @param maxPasses evaluations, at most
    Outcome minimize(int maxPasses) {
        double value = evaluate();
        double norm = steepest.norm();
        double wanted = config.tolerance() * norm;
        boolean restarted = false;
        while (norm > wanted && passes < maxPasses) {
            orders(List.of(
                    lastW.transformAsync(VectorOperation.COPY, 1, w),
                    lastG.transformAsync(VectorOperation.COPY, 1, g)));
            direct();
            double slope = steepest.dot(direction);
            int evaluations = Math.min(SEARCH_EVALUATIONS, maxPasses - passes);
            double first = pairs.isEmpty() ? Math.min(1, 1 / norm) : 1;
            Double found = slope < 0 ? search(value, slope, first, evaluations) : null;
            if (found == null) {
                // Back to where the line began, whose value and gradient are known.
                orders(List.of(
                        w.transformAsync(VectorOperation.COPY, 1, lastW),
                        g.transformAsync(VectorOperation.COPY, 1, lastG)));
                updateSteepest();
                if (pairs.isEmpty() || restarted) {
                    break;
                }
                pairs.clear();
                restarted = true;
                continue;
            }
            restarted = false;
            value = found;
            iterations++;
            addPair();
            norm = steepest.norm();
        }
        return new Outcome(value, norm, passes, iterations, norm <= wanted);
    }

    /// Gives orders that need not wait for one another, and waits until all are carried out.
    private static void orders(List<CompletableFuture<Void>> given) {
        CompletableFuture.allOf(given.toArray(new CompletableFuture<?>[0])).join();
    }

    // ---- the objective ----

    /// Value at `w`; its gradient is in `g` then, and with L1 the pseudo-gradient in `steepest`.
    private double evaluate() {
        double losses = objective.evaluate(w, g);
        passes++;
        List<CompletableFuture<Void>> given = new ArrayList<>();
        given.add(g.transformAsync(VectorOperation.SCALE, config.c(), null));
        if (!config.l1()) {
            given.add(g.axpyAsync(1, w));
        }
        orders(given);
        updateSteepest();
        return config.c() * losses + (config.l1() ? w.norm1() : 0.5 * w.dot(w));
    }

    private void updateSteepest() {
        if (config.l1()) {
            orders(List.of(
                    steepest.transformAsync(VectorOperation.COPY, 1, g),
                    steepest.transformAsync(VectorOperation.PSEUDO_GRADIENT, 1, w)));
        }
    }

    // ---- the direction ----

    /// Puts `−H` times the steepest ascent into `direction`.
    private void direct() {
        if (config.l1()) {
            maskZeros();
        }
        List<Integer> used =
                pairs.stream().filter(pair -> isCurved(sy[pair], yy[pair])).toList();
        orders(List.of(direction.transformAsync(VectorOperation.COPY, 1, config.l1() ? free : g)));
        double[] alpha = new double[s.length];
        for (int i = used.size() - 1; i >= 0; i--) {
            int pair = used.get(i);
            alpha[pair] = s[pair].dot(direction) / sy[pair];
            addToDirection(-alpha[pair], y[pair]);
        }
        double scale = used.isEmpty() ? 1 : sy[used.getLast()] / yy[used.getLast()];
        direction.scale(scale);
        for (int pair : used) {
            addToDirection(alpha[pair] - y[pair].dot(direction) / sy[pair], s[pair]);
        }
        direction.scale(-1);
        if (config.l1()) {
            orders(List.of(
                    rest.transformAsync(VectorOperation.COPY, 1, steepest),
                    rest.axpyAsync(-1, free),
                    direction.axpyAsync(-scale, rest),
                    orthant.transformAsync(VectorOperation.COPY, 1, w),
                    orthant.transformAsync(VectorOperation.ORTHANT, 0, steepest)));
        }
    }

    private void addToDirection(double a, DenseTable x) {
        List<CompletableFuture<Void>> given = new ArrayList<>();
        given.add(direction.axpyAsync(a, x));
        if (config.l1()) {
            given.add(direction.transformAsync(VectorOperation.MULTIPLY, 0, mask));
        }
        orders(given);
    }

    /// Finds the weights that are not 0, and what the pairs tell of those.
    private void maskZeros() {
        orders(List.of(
                rest.transformAsync(VectorOperation.COPY, 1, w),
                rest.transformAsync(VectorOperation.MULTIPLY, 0, w),
                mask.transformAsync(VectorOperation.FILL, 1, null),
                mask.transformAsync(VectorOperation.ALIGN, 1, rest),
                free.transformAsync(VectorOperation.COPY, 1, steepest),
                free.transformAsync(VectorOperation.MULTIPLY, 0, mask)));
        for (int from = 0; from < pairs.size(); from += MASKED) {
            List<Integer> some = pairs.subList(from, Math.min(from + MASKED, pairs.size()));
            List<CompletableFuture<Void>> given = new ArrayList<>();
            for (int i = 0; i < some.size(); i++) {
                given.add(masked[i].transformAsync(VectorOperation.COPY, 1, y[some.get(i)]));
                given.add(masked[i].transformAsync(VectorOperation.MULTIPLY, 0, mask));
            }
            orders(given);
            List<CompletableFuture<Double>> asked = new ArrayList<>();
            for (int i = 0; i < some.size(); i++) {
                asked.add(s[some.get(i)].dotAsync(masked[i]));
                asked.add(y[some.get(i)].dotAsync(masked[i]));
            }
            for (int i = 0; i < some.size(); i++) {
                sy[some.get(i)] = asked.get(2 * i).join();
                yy[some.get(i)] = asked.get(2 * i + 1).join();
            }
        }
    }

    private static boolean isCurved(double sy, double yy) {
        return sy > LEAST_CURVATURE * yy;
    }

    /// Takes the step just made into the history, in the place of the oldest.
    private void addPair() {
        int place = pairs.size() < s.length ? freePlace() : pairs.getFirst();
        DenseTable newS = s[place];
        DenseTable newY = y[place];
        orders(List.of(
                newS.transformAsync(VectorOperation.COPY, 1, w),
                newS.axpyAsync(-1, lastW),
                newY.transformAsync(VectorOperation.COPY, 1, g),
                newY.axpyAsync(-1, lastG)));
        pairs.removeIf(pair -> pair == place);
        sy[place] = newS.dot(newY);
        yy[place] = newY.dot(newY);
        if (isCurved(sy[place], yy[place])) {
            pairs.add(place);
        }
    }

    private int freePlace() {
        int place = 0;
        while (pairs.contains(place)) {
            place++;
        }
        return place;
    }

    // ---- the step ----

    /// @return the value at the point found, where `w` then is; null if there was none
    private @Nullable Double search(double value, double slope, double first, int evaluations) {
        return config.l1() ? searchInOrthant(value, first, evaluations) : searchWolfe(value, slope, first, evaluations);
    }

    private @Nullable Double searchWolfe(double value, double slope, double first, int evaluations) {
        Point found = WolfeLineSearch.search(
                step -> {
                    go(step);
                    double there = evaluate();
                    return new Point(step, there, g.dot(direction));
                },
                new Point(0, value, slope),
                first,
                evaluations);
        return found == null ? null : found.value();
    }

    private @Nullable Double searchInOrthant(double value, double first, int evaluations) {
        double step = first;
        for (int i = 0; i < evaluations; i++) {
            // The pseudo-gradient at the beginning is overwritten by that at each point: what it promises comes first.
            go(step);
            orders(List.of(w.transformAsync(VectorOperation.ALIGN, 1, orthant)));
            double promised = promised();
            double there = evaluate();
            if (promised < 0 && there <= value + SUFFICIENT_DECREASE * promised) {
                return there;
            }
            step /= 2;
            orders(List.of(
                    steepest.transformAsync(VectorOperation.COPY, 1, lastG),
                    steepest.transformAsync(VectorOperation.PSEUDO_GRADIENT, 1, lastW)));
        }
        return null;
    }

    /// The pseudo-gradient at the beginning times the way from there.
    private double promised() {
        CompletableFuture<Double> here = steepest.dotAsync(w);
        return here.join() - steepest.dot(lastW);
    }

    private void go(double step) {
        orders(List.of(w.transformAsync(VectorOperation.COPY, 1, lastW), w.axpyAsync(step, direction)));
    }
}
