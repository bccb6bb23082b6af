package io.weir.train;

import io.weir.client.Portion;
import java.util.List;

/// See [Algorithm.Stepwise].
final class StepwiseLoop implements PortionLoop {
    private final Workplace place;
    private final Ledger ledger;
    private final Learner learner;
    private final List<ParameterLink> ofRun;
    private final UsualTime usualTime = new UsualTime();
    private ExampleBatch batch = new ExampleBatch();
    private ExampleBatch following = new ExampleBatch();

    /// What the last batch took. The pull, which may have waited for other workers, counts as the push did.
    private long workNs;

    StepwiseLoop(Workplace place) {
        this.place = place;
        this.ledger = place.ledger();
        this.learner = place.model().learner(place.source().name());
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
        try (ExampleReader reader = place.plan().open(place.source(), portion.index())) {
            for (long done = portion.position(); done > 0 && reader.next(batch, batchSize); done--) {
                // Somebody has trained on it.
            }
            boolean more = reader.next(batch, batchSize);
            if (!more) {
                while (!portion.tick(true) && !ledger.isStopped()) {
                    // A synchronous step was closed without this worker.
                }
            }
            while (more && !ledger.isStopped()) {
                more = reader.next(following, batchSize);
                long draw = Mixer.of(portion.index(), portion.position());
                double loss = step(links, draw);
                ledger.pause(workNs);
                while (!portion.tick(!more)) {
                    if (ledger.isStopped()) {
                        return;
                    }
                    // A synchronous step was closed without this worker: the batch belongs to the next one.
                    loss = step(links, draw);
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
    private double step(List<ParameterLink> links, long draw) {
        learner.select(batch);
        List<Parameters> parameters = learner.parameters();
        long start = System.nanoTime();
        ParameterLink.pull(place.run(), links, parameters);
        long pulled = System.nanoTime();
        double loss = learner.lossAndGradients(place.scale(batch), draw);
        long computed = System.nanoTime();
        ParameterLink.push(place.run(), links, parameters);
        long pushed = System.nanoTime();
        ledger.pushed(pushed - computed);
        ledger.pulled(pulled - start);
        workNs = usualTime.believed(pushed - pulled + (pushed - computed));
        return loss;
    }
}
