package io.weir.train;

import io.weir.client.Portion;
import io.weir.client.Run;
import io.weir.client.TableInfo;
import io.weir.client.Weir;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What a worker does in one life: portion after portion. Confined to the worker's thread.
interface PortionLoop {
    /// Waits until the worker may ask for its first portion.
    void begin();

    /// Trains on the rest of a portion and ticks it to its end, unless the training stops meanwhile. Every push has
    /// then been acknowledged.
    void train(Portion portion);

    /// The loop of an algorithm.
    ///
    /// @param exchange with the other slices of the replica, if there are any
    static PortionLoop of(Workplace place, @Nullable ReplicaExchange exchange) {
        return switch (place.config().algorithm()) {
            case Algorithm.Stepwise _ -> new StepwiseLoop(place, exchange);
            case Algorithm.Downpour downpour -> new DownpourLoop(place, downpour);
        };
    }

    /// What a worker has in one life.
    ///
    /// @param tables of the model, in its order
    record Workplace(
            Weir weir,
            Run run,
            List<TableInfo> tables,
            ExampleSource source,
            Model model,
            TrainingConfig config,
            PortionPlan plan,
            Ledger ledger) {
        /// By which a batch's gradients are scaled.
        double scale(ExampleBatch batch) {
            return model.mean() ? 1.0 / batch.exampleCount() : 1;
        }

        /// The tables of the model as this life of the worker has them, with empty residuals.
        List<ParameterLink> links() {
            return tables.stream()
                    .map(table -> ParameterLink.of(run, table, config.transfer()))
                    .toList();
        }
    }

    /// Where a worker notes what it does. Confined to the worker's thread.
    interface Ledger {
        /// Whether the training is to stop, because something has failed.
        boolean isStopped();

        /// A pull took so long.
        void pulled(long tookNs);

        /// A push took so long.
        void pushed(long tookNs);

        /// These batches of a pass count.
        void trained(int pass, Tally tally);

        /// Waits after work that took so long, if this worker is to be slow.
        void pause(long tookNs);
    }

    /// What has been trained on. Confined.
    final class Tally {
        long batches;
        long examples;
        long features;
        double loss;

        void add(ExampleBatch batch, double batchLoss) {
            batches++;
            examples += batch.exampleCount();
            features += batch.featureCount();
            loss += batchLoss;
        }
    }
}
