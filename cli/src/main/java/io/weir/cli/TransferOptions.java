package io.weir.cli;

import io.weir.model.Compression;
import io.weir.train.TrainingConfig.Transfer;
import java.util.List;
import picocli.CommandLine.Option;

/// How a training's gradients and parameters travel.
final class TransferOptions {
    @Option(
            names = "--compression",
            paramLabel = "<c>",
            description =
                    "Push gradients in fewer bits: bf16, fp16, int8, 2bit(THRESHOLD), 1bit, 1bit-compat(THRESHOLD), "
                            + "topk(FRACTION) or randomk(FRACTION,SEED). Each worker keeps what the last five leave out for its next "
                            + "pushes; if it dies that is lost. Default: none.")
    String compression = "none";

    @Option(
            names = "--pull-compression",
            paramLabel = "<c>",
            description = "Pull parameters in fewer bits: bf16, fp16 or int8. Default: none.")
    String pullCompression = "none";

    Transfer choose() {
        return new Transfer(Compression.parse(compression), Compression.parse(pullCompression));
    }

    /// The options that choose `transfer`, for another process.
    static List<String> describe(Transfer transfer) {
        return List.of(
                "--compression",
                transfer.pushes().text(),
                "--pull-compression",
                transfer.pulls().text());
    }

    /// The same for a report.
    static void putFacts(Transfer transfer, Json json) {
        json.put("compression", transfer.pushes().text())
                .put("pullCompression", transfer.pulls().text());
    }
}
