package io.weir.kernel;

/// The optimizers: formula, source, and what asynchrony does to each.
public final class UpdateKernels {
    private UpdateKernels() {}

    /// Plain gradient descent, no slots: `w ← w − rate · g`.
    ///
    /// Under asynchrony the order of pushes changes results by rounding only; a gradient of older weights is
    /// applied at full rate.
    public static UpdateKernel sgd(float rate) {
        return new SgdKernel(rate);
    }

    /// Heavy-ball momentum, slot `v` (from 0): `v ← momentum · v + g`, then `w ← w − rate · v`.
    ///
    /// A row's `v` decays once a push of that row, not once a step. Asynchrony adds momentum of its own: with
    /// many workers take a smaller one.
    /// Source: *Some methods of speeding up the convergence of iteration methods*, USSR Computational
    /// Mathematics and Mathematical Physics 4 (1964), the heavy ball, with the rate outside of `v`.
    public static UpdateKernel momentum(float rate, float momentum) {
        return new MomentumKernel(rate, momentum);
    }

    /// AdaGrad in its diagonal form, slot `a` (from 0):
    ///
    /// ```
    ///   a ← a + g · g
    ///   w ← w − (rate · g) / (√a + epsilon)
    /// ```
    ///
    /// An `epsilon` below 2⁻⁷⁵ counts as 2⁻⁷⁵, here and in Adam: the root of the smallest float above 0 is
    /// larger, so this alters no sum that matters, and a coordinate whose gradients have all been 0 keeps its
    /// weight instead of becoming 0 / 0.
    ///
    /// Sums of squares do not depend on who pushes first, save for rounding, which makes this optimizer the
    /// least sensitive one to stale gradients.
    /// Source: *Adaptive Subgradient Methods for Online Learning and Stochastic Optimization*, JMLR 12 (2011),
    /// figure 1, with `epsilon` outside of the root.
    public static UpdateKernel adaGrad(float rate, float epsilon) {
        return new AdaGradKernel(rate, epsilon);
    }

    /// Adam, slots `m` and `v` (from 0). With `t` the row's own push count, this push included:
    ///
    /// ```
    ///   m ← beta1 · m + (1 − beta1) · g
    ///   v ← beta2 · v + ((1 − beta2) · g) · g
    ///   w ← w − (rₜ · m) / (√v · sₜ + epsilon)      rₜ = rate / (1 − beta1ᵗ),  sₜ = 1 / √(1 − beta2ᵗ)
    /// ```
    ///
    /// `rₜ` and `sₜ` come from a table, worked out in double and rounded to float once. The result is algorithm
    /// 1 of the source with its two bias corrections multiplied out, not the variant with another `epsilon` of
    /// its section 2. Only pushed rows move: `m` and `v` of a row decay once a push of that row, and `t` is its
    /// own count, so a rare row is corrected as strongly as it needs to be. Stale gradients enter `m`, so
    /// asynchrony acts like a larger `beta1`.
    /// Source: *Adam: A Method for Stochastic Optimization*, ICLR 2015, algorithm 1.
    public static UpdateKernel adam(float rate, float beta1, float beta2, float epsilon) {
        return new AdamKernel(rate, beta1, beta2, epsilon);
    }

    /// FTRL-proximal by coordinate, slots `z` and `n`. With `i = 1 / alpha`, rounded once:
    ///
    /// ```
    ///   q ← n + g · g
    ///   z ← (z + g) − ((√q − √n) · i) · w
    ///   n ← q
    ///   w ← (min(max(z, −l1), l1) − z) / ((beta + √n) · i + l2)
    /// ```
    ///
    /// The weight is 0 exactly where `|z| ≤ l1`. It is stored, so a read costs nothing; the source works it out
    /// at each use. `w` on the right is the stored one, also when the gradient was computed from an older one.
    /// Source: *Ad Click Prediction: a View from the Trenches*, KDD 2013, algorithm 1.
    ///
    /// @throws IllegalArgumentException if `beta` and `l2` are both 0, which leaves a fresh weight undefined
    public static UpdateKernel ftrl(float alpha, float beta, float l1, float l2) {
        return new FtrlKernel(alpha, beta, l1, l2);
    }

    /// Nesterov's accelerated gradient, slot `v` (from 0): `v ← momentum · v + g`, then `w ← w − (g + momentum ·
    /// v) · rate`.
    ///
    /// As with [#momentum], `v` decays once a push of the row, and asynchrony adds momentum of its own. The
    /// gradient is expected at `w`; the look ahead of the source is in the step.
    /// Source: *On the importance of initialization and momentum in deep learning*, ICML 2013, equations 3 and
    /// 4, in the variables of *Advances in Optimizing Recurrent Networks*, ICASSP 2013, with the rate outside of
    /// `v`.
    public static UpdateKernel nesterov(float rate, float momentum) {
        return new NesterovKernel(rate, momentum);
    }

    /// AdaGrad with one accumulator for a row, row slot `a` (from 0), for a fraction of the memory:
    ///
    /// ```
    ///   a ← a + mean(g²)                      in double, rounded once
    ///   w ← w − g · (rate / (√a + epsilon))
    /// ```
    ///
    /// All coordinates of a row share one rate. An `epsilon` below 2⁻⁷⁵ counts as 2⁻⁷⁵. As with [#adaGrad], the
    /// sum does not depend on who pushes first, save for rounding.
    /// Source: *Deep Learning Recommendation Model for Personalization and Recommendation Systems*, arXiv
    /// 1906.00091 (2019), whose implementation keeps the mean of the squares of a row.
    public static UpdateKernel rowwiseAdaGrad(float rate, float epsilon) {
        return new GroupAdaGradKernel(rate, epsilon, false);
    }

    /// As [#rowwiseAdaGrad], with `epsilon`, above 0, below the root: `w ← w − g · (rate / √(a + epsilon))`.
    /// Source: the group AdaGrad of Apache MXNet 1.9, `contrib.optimizer.GroupAdaGrad`.
    public static UpdateKernel groupAdaGrad(float rate, float epsilon) {
        return new GroupAdaGradKernel(rate, epsilon, true);
    }

    /// AdaDelta, slots `a` (of gradients) and `d` (of steps), from 0:
    ///
    /// ```
    ///   a ← rho · a + ((1 − rho) · g) · g
    ///   s ← √(d + epsilon) / √(a + epsilon) · g
    ///   d ← rho · d + ((1 − rho) · s) · s
    ///   w ← w − rate · s
    /// ```
    ///
    /// Both averages forget once a push of the row, not once a step. A burst of stale gradients in one direction
    /// makes `d` grow, and the steps after it long.
    /// Source: *ADADELTA: An Adaptive Learning Rate Method*, arXiv 1212.5701 (2012), algorithm 1; its rate is 1.
    public static UpdateKernel adaDelta(float rate, float rho, float epsilon) {
        return new AdaDeltaKernel(rate, rho, epsilon);
    }

    /// RMSProp, slot `a`; slot `n` if `centered`; then slot `v` if `momentum` is above 0; all from 0:
    ///
    /// ```
    ///   a ← rho · a + ((1 − rho) · g) · g
    ///   n ← rho · n + (1 − rho) · g             if centered; otherwise n is 0
    ///   s ← (rate · g) / √(max(a − n², 0) + epsilon)
    ///   v ← momentum · v + s                    without momentum v is s
    ///   w ← w − v
    /// ```
    ///
    /// The averages forget once a push of the row. Like Adam's they take stale gradients for fresh ones;
    /// asynchrony acts like a larger `rho` and adds momentum.
    /// Source: Tieleman and Hinton, *Lecture 6.5: rmsprop*, Coursera (2012); centered: *Generating Sequences
    /// With Recurrent Neural Networks*, arXiv 1308.0850 (2013), equations 38 to 41. `max` keeps rounding from a
    /// root below 0.
    public static UpdateKernel rmsProp(float rate, float rho, float epsilon, float momentum, boolean centered) {
        return new RmsPropKernel(rate, rho, epsilon, momentum, centered);
    }

    /// Adam with decoupled weight decay, slots `m` and `v` as in [#adam]:
    ///
    /// ```
    ///   w ← (w − (rate · decay) · w) − (rₜ · m) / (√v · sₜ + epsilon)
    /// ```
    ///
    /// A schedule multiplies both parts. A row decays when it is pushed: a rare one keeps its weights, and with
    /// `n` workers that push without waiting a row decays `n` times as fast as with one.
    /// Source: *Decoupled Weight Decay Regularization*, ICLR 2019, algorithm 2, where `decay` stands for `λ /
    /// α`.
    public static UpdateKernel adamW(float rate, float beta1, float beta2, float epsilon, float decay) {
        return new AdamWKernel(rate, beta1, beta2, epsilon, decay);
    }

    /// AdaMax, slots `m` and `u` (from 0), `rₜ` as in [#adam]:
    ///
    /// ```
    ///   m ← beta1 · m + (1 − beta1) · g
    ///   u ← max(beta2 · u, |g|)
    ///   w ← w − (rₜ · m) / (u + epsilon)
    /// ```
    ///
    /// An `epsilon` of 0 counts as the least float, so that a coordinate without gradients stays where it is.
    /// One stale gradient of great size shortens the steps for some `1 / (1 − beta2)` pushes of its row.
    /// Source: *Adam: A Method for Stochastic Optimization*, ICLR 2015, algorithm 2.
    public static UpdateKernel adaMax(float rate, float beta1, float beta2, float epsilon) {
        return new AdaMaxKernel(rate, beta1, beta2, epsilon);
    }

    /// Adam with Nesterov's momentum, slots `m` and `v` as in [#adam], row slot `p` (from 1). With
    /// `μₜ = beta1 · (1 − 0.96^(t · momentumDecay) / 2)`:
    ///
    /// ```
    ///   p ← p · μₜ
    ///   w ← w − (g · (rate · (1 − μₜ) / (1 − p)) + m · (rate · μₜ₊₁ / (1 − p · μₜ₊₁))) / (√v · sₜ + epsilon)
    /// ```
    ///
    /// The factors in parentheses are worked out in double and rounded once. As with [#adam], `t` is the row's
    /// own push count, and stale gradients act like a larger `beta1`.
    /// Source: *Incorporating Nesterov Momentum into Adam*, ICLR 2016 workshop, with its schedule of `μ`.
    public static UpdateKernel nadam(float rate, float beta1, float beta2, float epsilon, float momentumDecay) {
        return new NadamKernel(rate, beta1, beta2, epsilon, momentumDecay);
    }

    /// AMSGrad, slots `m` and `v` as in [#adam], and `h` (from 0): `h ← max(h, v)`, then
    /// `w ← w − (rₜ · m) / (√h · sₜ + epsilon)`.
    ///
    /// A row's steps never grow again after one great gradient, which a stale one may be.
    /// Source: *On the Convergence of Adam and Beyond*, ICLR 2018, algorithm 2, with Adam's bias corrections.
    public static UpdateKernel amsGrad(float rate, float beta1, float beta2, float epsilon) {
        return new AmsGradKernel(rate, beta1, beta2, epsilon);
    }

    /// Follow the moving leader, slots `v`, `d` and `z` (from 0), `rₜ` and `sₜ` as in [#adam]:
    ///
    /// ```
    ///   v ← beta2 · v + ((1 − beta2) · g) · g
    ///   e ← (√v · sₜ + epsilon) · (1 / rₜ)
    ///   z ← (beta1 · z + (1 − beta1) · g) − (e − beta1 · d) · w
    ///   d ← e
    ///   w ← −z / d
    /// ```
    ///
    /// Like FTRL it works the weight out anew from its sums; `w` on the right is the stored one, also when the
    /// gradient was computed from an older one.
    /// Source: *Follow the Moving Leader in Deep Learning*, ICML 2017, algorithm 1.
    public static UpdateKernel ftml(float rate, float beta1, float beta2, float epsilon) {
        return new FtmlKernel(rate, beta1, beta2, epsilon);
    }

    /// Signum, slot `m` (from 0) if `momentum` is above 0; otherwise signSGD without slots, whose `m` is `g`:
    ///
    /// ```
    ///   m ← momentum · m + (1 − momentum) · g
    ///   w ← (w − (rate · shrink) · w) − rate · sign(m)       sign(0) is 0
    /// ```
    ///
    /// A step has one size however great the gradient, so a stale one does as much harm as a fresh one, and no
    /// more. Pushes of many workers move a row further than one push of their sum: under BSP the sum's sign
    /// counts. Source: *signSGD: Compressed Optimisation for Non-Convex Problems*, ICML 2018, algorithm 2, with
    /// decoupled decay.
    public static UpdateKernel signum(float rate, float momentum, float shrink) {
        return new SignumKernel(rate, momentum, shrink);
    }

    /// Stochastic gradient Langevin dynamics, no slots: `w ← (w − rate / 2 · g) + √rate · ξ`.
    ///
    /// `ξ` is standard normal, and a function of (`seed`, key, the row's push count, position in the row) alone,
    /// so replicas and repetitions get the same bits: *A Convenient Method for Generating Normal Variables*,
    /// SIAM Review 6 (1964), the polar method, in strict double arithmetic. That costs far more than the step.
    /// The gradient is that of the negative log posterior, scaled to the whole data. Each push adds noise of its
    /// own, so workers that push without waiting add more of it in a round than one would.
    /// Source: *Bayesian Learning via Stochastic Gradient Langevin Dynamics*, ICML 2011, equation 4, with `rate`
    /// for `ε`.
    public static UpdateKernel sgld(float rate, long seed) {
        return new SgldKernel(rate, seed);
    }

    /// Layer-wise adaptive rate scaling over momentum, slot `v` (from 0). The layer is the row. With the norms
    /// worked out in double and `λ` 1 where one of them is 0:
    ///
    /// ```
    ///   λ = eta · ‖w‖ / (‖g‖ + decay · ‖w‖ + epsilon)
    ///   v ← momentum · v + (rate · λ) · (g + decay · w)
    ///   w ← w − v
    /// ```
    ///
    /// The length of a step does not depend on that of the gradient, so a worker's sum over a long batch moves a
    /// row no further than one over a short batch, but `n` workers that push without waiting move it `n` times as
    /// far. Source: *Large Batch Training of Convolutional Networks*, arXiv 1708.03888 (2017), algorithm 1, with
    /// `epsilon`.
    public static UpdateKernel lars(float rate, float momentum, float eta, float epsilon, float decay) {
        return new LarsKernel(rate, momentum, eta, epsilon, decay);
    }

    /// Layer-wise adaptive steps over Adam, slots `m` and `v` as in [#adam] with `cₜ = 1 / (1 − beta1ᵗ)`. The
    /// layer is the row. With the norms worked out in double, `‖w‖` at least `lower` and, unless that is 0, at
    /// most `upper`, and the quotient 1 where one of them is 0:
    ///
    /// ```
    ///   r ← (cₜ · m) / (√v · sₜ + epsilon) + decay · w
    ///   w ← w − (rate · ‖w‖ / ‖r‖) · r
    /// ```
    ///
    /// As with [#lars], the length of a step does not depend on that of the gradient.
    /// Source: *Large Batch Optimization for Deep Learning: Training BERT in 76 minutes*, ICLR 2020, algorithm
    /// 2.
    public static UpdateKernel lamb(
            float rate, float beta1, float beta2, float epsilon, float decay, float lower, float upper) {
        return new LambKernel(rate, beta1, beta2, epsilon, decay, lower, upper);
    }

    /// Gradient descent with compensation for delay, slot `b` (from the initial row), and slot `v` (from 0) if
    /// `momentum` is above 0:
    ///
    /// ```
    ///   s ← rate · (g + ((lambda · g) · g) · (w − b))
    ///   b ← w
    ///   v ← momentum · v + s                    without momentum v is s
    ///   w ← w − v
    /// ```
    ///
    /// It is made for asynchrony: `g` was computed from an older `w`, and `g²` stands for the curvature that
    /// leads from there to here. `b` is the weight before the row's last update, whoever pushed it; the source
    /// keeps one for each worker, which is the same for a row that two workers push in turn.
    /// Source: *Asynchronous Stochastic Gradient Descent with Delay Compensation*, ICML 2017, equation 10; `b`
    /// as in Apache MXNet 1.9.
    public static UpdateKernel dcAsgd(float rate, float momentum, float lambda) {
        return new DcAsgdKernel(rate, momentum, lambda);
    }

    /// No optimizer, no slots: what is pushed is a delta, `w ← w + d`. The order of pushes changes results by
    /// rounding only.
    public static UpdateKernel add() {
        return new AssignmentKernel(AssignmentKernel.Operation.ADD);
    }

    /// No optimizer, no slots: `w ← d`. Under asynchrony the push that a shard applies last stays, row by row.
    public static UpdateKernel assign() {
        return new AssignmentKernel(AssignmentKernel.Operation.ASSIGN);
    }

    /// No optimizer, no slots: `w ← min(w, d)`, of `-0` and `0` the former. The order of pushes does not matter.
    public static UpdateKernel min() {
        return new AssignmentKernel(AssignmentKernel.Operation.MIN);
    }

    /// No optimizer, no slots: `w ← max(w, d)`, of `-0` and `0` the latter. The order of pushes does not matter.
    public static UpdateKernel max() {
        return new AssignmentKernel(AssignmentKernel.Operation.MAX);
    }
}
