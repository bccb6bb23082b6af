package io.weir.train;

import io.weir.client.Portion;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// See [Algorithm.Stepwise].
final class StepwiseLoop implements PortionLoop {
    private final Workplace place;
    private final Ledger ledger;
    private final @Nullable ReplicaExchange exchange;
    private final Learner learner;
    private final List<ParameterLink> ofRun;
    private final UsualTime usualTime = new UsualTime();
    private ExampleBatch batch = new ExampleBatch();
    private ExampleBatch following = new ExampleBatch();

    /// What the last batch took. The pull, which may have waited for other workers, counts as the push did.
    private long workNs;

    private long pullNs;

    /// @param exchange with the other slices of the replica, if there are any
    StepwiseLoop(Workplace place, @Nullable ReplicaExchange exchange) {
        this.place = place;
        this.ledger = place.ledger();
        this.exchange = exchange;
        String source = place.source().name();
        this.learner = exchange == null ? place.model().learner(source) : exchange.learner(source);
        this.ofRun = place.links();
    }

    @Override
    public void begin() {}

    /// Reads one batch ahead, to know of each whether it is the last.
    @Override
    public void train(Portion portion) {
        List<ParameterLink> links =
                ofRun.stream().map(table -> table.within(portion)).toList();
        int pass = place.plan().passOf(portion.index());
        int batchSize = place.config().batch();
        long first = exchange == null ? portion.position() : exchange.begin(portion);
        try (ExampleReader reader = place.plan().open(place.source(), portion.index())) {
            for (long done = 0; done < portion.position() && reader.next(batch, batchSize); done++) {
                // Somebody has trained on it, but perhaps not every slice.
                if (done >= first) {
                    double _ = compute(links, portion.index(), done);
                }
            }
            boolean more = reader.next(batch, batchSize);
            if (!more) {
                while (!portion.tick(true) && !ledger.isStopped()) {
                    // A synchronous step was closed without this worker.
                }
            }
            while (more && !ledger.isStopped()) {
                more = reader.next(following, batchSize);
                double loss = step(links, portion);
                ledger.pause(workNs);
                while (!portion.tick(!more)) {
                    if (ledger.isStopped()) {
                        return;
                    }
                    // A synchronous step was closed without this worker: the batch belongs to the next one.
                    loss = step(links, portion);
                    ledger.pause(workNs);
                }
                Tally tally = new Tally();
                tally.add(batch, loss);
                ledger.trained(pass, tally);
                ExampleBatch learned = batch;
                batch = following;
                following = learned;
            }
        }
    }

    /// Learns from one batch and returns the sum of its losses.
    private double step(List<ParameterLink> links, Portion portion) {
        long start = System.nanoTime();
        double loss = compute(links, portion.index(), portion.position());
        long computed = System.nanoTime();
        ParameterLink.push(place.run(), links, learner.parameters());
        long pushed = System.nanoTime();
        ledger.pushed(pushed - computed);
        workNs = usualTime.believed(pushed - start - pullNs + (pushed - computed));
        return loss;
    }

    /// Pulls what the batch needs, computes its gradients and returns the sum of its losses.
    private double compute(List<ParameterLink> links, int portion, long position) {
        if (exchange != null) {
            exchange.begin(position);
        }
        learner.select(batch);
        List<Parameters> parameters = learner.parameters();
        long start = System.nanoTime();
        ParameterLink.pull(place.run(), links, parameters);
        pullNs = System.nanoTime() - start;
        ledger.pulled(pullNs);
        return learner.lossAndGradients(place.scale(batch), Mixer.of(portion, position));
    }
}
