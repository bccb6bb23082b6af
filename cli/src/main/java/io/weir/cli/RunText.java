package io.weir.cli;

import io.weir.client.RunStatus;
import io.weir.client.RunStatus.State;
import io.weir.client.RunStatus.Wait;
import io.weir.client.RunStatus.Worker;
import io.weir.model.RunSpec;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeSet;
import java.util.stream.Collectors;

/// How a run stands, for people and for programs. Immutable.
///
/// @param waits each thing that somebody waits for once, whatever number of shards know of it
record RunText(RunStatus status, List<Wait> waits) {
    /// Workers that are named when somebody waits for many.
    private static final int NAMED = 3;

    RunText {
        waits = List.copyOf(waits);
    }

    static RunText of(RunStatus status) {
        record Place(int worker, RunStatus.Kind kind, long clock) {}
        Map<Place, TreeSet<Integer>> byPlace = new LinkedHashMap<>();
        for (Wait wait : status.waits()) {
            byPlace.computeIfAbsent(new Place(wait.worker(), wait.kind(), wait.clock()), _ -> new TreeSet<>())
                    .addAll(wait.waitsFor());
        }
        List<Wait> waits = new ArrayList<>();
        byPlace.forEach((place, waitsFor) ->
                waits.add(new Wait(place.worker(), place.kind(), place.clock(), List.copyOf(waitsFor))));
        return new RunText(status, waits);
    }

    /// Clocks that a worker is ahead of the slowest active one; empty if it is not active.
    OptionalLong staleness(Worker worker) {
        OptionalLong slowest = status.workers().stream()
                .filter(other -> other.state() == State.ACTIVE)
                .mapToLong(Worker::clock)
                .min();
        return worker.state() == State.ACTIVE && slowest.isPresent()
                ? OptionalLong.of(worker.clock() - slowest.getAsLong())
                : OptionalLong.empty();
    }

    /// `worker 1 waits at clock 7 for worker 2, which is at clock 5 and silent for 3.2 s`.
    String text(Wait wait) {
        String waits = "worker " + wait.worker() + " waits "
                + switch (wait.kind()) {
                    case PULL -> "at clock " + wait.clock();
                    case STEP -> "at step " + wait.clock();
                    case BARRIER -> "at barrier " + wait.clock();
                    case PORTION -> "for a portion";
                };
        List<String> whom =
                wait.waitsFor().stream().limit(NAMED).map(this::whom).toList();
        if (whom.isEmpty()) {
            return waits;
        }
        int more = wait.waitsFor().size() - whom.size();
        return waits
                + (wait.kind() == RunStatus.Kind.PORTION ? " from " : " for ")
                + String.join("; for ", whom)
                + (more == 0 ? "" : "; and for " + Quantities.plural(more, "other worker"));
    }

    private String whom(int index) {
        String name = "worker " + index + ", which ";
        if (index < 0 || index >= status.workers().size()) {
            return name + "is not known";
        }
        Worker worker = status.workers().get(index);
        return name
                + switch (worker.state()) {
                    case MISSING -> "never joined";
                    case ACTIVE -> "is at clock " + worker.clock() + " and silent for " + seconds(worker.silentMs());
                    case LEFT -> "left";
                    case FINISHED -> "has finished";
                    case FENCED -> "is fenced, silent for " + seconds(worker.silentMs());
                };
    }

    private static String seconds(int milliseconds) {
        return String.format(Locale.ROOT, "%.1f s", milliseconds / 1e3);
    }

    void print(PrintStream out) {
        RunSpec spec = status.spec();
        List<String> facts = new ArrayList<>();
        facts.add(spec.consistency().text());
        facts.add(Quantities.plural(status.workers().size(), "worker"));
        if (spec.backupWorkers() > 0) {
            facts.add(spec.backupWorkers() + " of them backup");
        }
        if (spec.isBsp()) {
            facts.add(Quantities.ofCount(status.closedSteps()) + " steps closed");
        }
        if (spec.portionCount() > 0) {
            facts.add("portions " + status.portionsDone() + " done, " + status.portionsHeld() + " held, of "
                    + spec.portionCount());
        }
        if (status.isFinished()) {
            facts.add("finished");
        }
        out.println("run " + status.name() + ": " + String.join(", ", facts));
        List<List<String>> lines = new ArrayList<>();
        lines.add(List.of("WORKER", "STATE", "GENERATION", "CLOCK", "AHEAD", "SILENT", "PORTION"));
        for (Worker worker : status.workers()) {
            OptionalLong staleness = staleness(worker);
            lines.add(List.of(
                    Integer.toString(worker.index()),
                    name(worker.state()),
                    Integer.toString(worker.generation()),
                    Long.toString(worker.clock()),
                    staleness.isPresent() ? Long.toString(staleness.getAsLong()) : "-",
                    worker.state() == State.ACTIVE ? seconds(worker.silentMs()) : "-",
                    worker.portion() < 0 ? "-" : Integer.toString(worker.portion())));
        }
        Columns.print(out, lines, true, false, true, true, true, true, true);
        waits.forEach(wait -> out.println(text(wait)));
    }

    private static String name(Enum<?> choice) {
        return choice.name().toLowerCase(Locale.ROOT);
    }

    Json json() {
        RunSpec spec = status.spec();
        return new Json()
                .put("name", status.name())
                .put("consistency", spec.consistency().text())
                .put("workerCount", spec.workerCount())
                .put("backupWorkers", spec.backupWorkers())
                .put("silenceMs", spec.silenceMs())
                .put("finished", status.isFinished())
                .put("closedSteps", status.closedSteps())
                .put(
                        "portions",
                        new Json()
                                .put("count", spec.portionCount())
                                .put("done", status.portionsDone())
                                .put("held", status.portionsHeld()))
                .put("workers", status.workers().stream().map(this::json).collect(Collectors.toList()))
                .put("waits", waits.stream().map(this::json).collect(Collectors.toList()));
    }

    private Json json(Worker worker) {
        OptionalLong staleness = staleness(worker);
        return new Json()
                .put("worker", worker.index())
                .put("state", name(worker.state()))
                .put("generation", worker.generation())
                .put("number", worker.number())
                .put("clock", worker.clock())
                .put("staleness", staleness.isPresent() ? (Long) staleness.getAsLong() : null)
                .put("silentMs", worker.silentMs())
                .put("portion", worker.portion() < 0 ? null : (Integer) worker.portion());
    }

    private Json json(Wait wait) {
        return new Json()
                .put("worker", wait.worker())
                .put("kind", name(wait.kind()))
                .put("clock", wait.clock())
                .put("waitsFor", wait.waitsFor())
                .put("text", text(wait));
    }
}
