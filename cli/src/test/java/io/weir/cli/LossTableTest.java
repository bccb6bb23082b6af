package io.weir.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.cli.LossCurve.Point;
import java.util.List;
import java.util.OptionalDouble;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class LossTableTest {
    private static LossCurve curve(String name, double seconds, double loss) {
        return new LossCurve(name, List.of(new Point(0, 0, 0.7), new Point(seconds, 1_000_000, loss)));
    }

    private static final List<LossCurve> CURVES = List.of(
            curve("bsp", 30, 0.3),
            curve("ssp:4", 12, 0.3),
            curve("asp", 45, 0.3),
            curve("bsp, again", 30, 0.3),
            curve("lost", 10, 0.5),
            new LossCurve("nothing", List.of()));

    @Test
    void alignsItsColumns() {
        assertThat(LossTable.of(CURVES, OptionalDouble.of(0.4)).text()).isEqualTo("""
                        name        seconds   examples     loss  seconds to 0.4  examples to 0.4  against bsp
                        bsp           30.00  1,000,000  0.30000           22.50          750,000  1.00x
                        ssp:4         12.00  1,000,000  0.30000            9.00          750,000  2.50x faster
                        asp           45.00  1,000,000  0.30000           33.75          750,000  1.50x slower
                        bsp, again    30.00  1,000,000  0.30000           22.50          750,000  1.00x
                        lost          10.00  1,000,000  0.50000               -                -  -
                        nothing           -          -        -               -                -  -
                        """);
    }

    @Test
    void leavesTheTargetOutWhenThereIsNone() {
        assertThat(LossTable.of(CURVES.subList(0, 1), OptionalDouble.empty()).text())
                .isEqualTo("""
                        name  seconds   examples     loss
                        bsp     30.00  1,000,000  0.30000
                        """);
    }

    @Test
    void holdsNothingAgainstAFirstRowThatDidNotReachTheTarget() {
        LossTable table = LossTable.of(List.of(curve("lost", 10, 0.5), curve("asp", 5, 0.3)), OptionalDouble.of(0.4));
        assertThat(table.rows().getLast().secondsToTarget()).hasValueCloseTo(3.75, Offset.offset(1e-9));
        assertThat(table.rows()).allSatisfy(row -> assertThat(row.speedup()).isEmpty());
    }

    @Test
    void holdsNothingAgainstATargetThatIsReachedAtOnce() {
        LossTable table = LossTable.of(CURVES, OptionalDouble.of(0.7));
        assertThat(table.rows().getFirst().secondsToTarget()).hasValue(0);
        assertThat(table.rows()).allSatisfy(row -> assertThat(row.speedup()).isEmpty());
    }

    @Test
    void showsALossThatIsNoNumber() {
        LossTable table = LossTable.of(List.of(curve("asp", 5, Double.NaN)), OptionalDouble.empty());
        assertThat(table.text()).endsWith("asp      5.00  1,000,000   NaN\n");
    }

    @Test
    void hasOnlyAHeadWithoutCurves() {
        assertThat(LossTable.of(List.of(), OptionalDouble.of(0.4)).text())
                .isEqualTo("name  seconds  examples  loss  seconds to 0.4  examples to 0.4  against\n");
    }

    @Test
    void writesTheSameAsJson() {
        String text = LossTable.of(List.of(CURVES.get(0), CURVES.get(1), CURVES.get(5)), OptionalDouble.of(0.4))
                .json()
                .text();
        FlatJson json = FlatJson.parse(text);
        assertThat(json.real("targetLoss")).isEqualTo(0.4);
        assertThat(json.text("curves.1.name")).isEqualTo("ssp:4");
        assertThat(json.real("curves.1.seconds")).isEqualTo(12);
        assertThat(json.whole("curves.1.examples")).isEqualTo(1_000_000);
        assertThat(json.real("curves.1.loss")).isEqualTo(0.3);
        assertThat(json.real("curves.1.secondsToTarget")).isCloseTo(9, Offset.offset(1e-9));
        assertThat(json.whole("curves.1.examplesToTarget")).isEqualTo(750_000);
        assertThat(json.real("curves.1.speedup")).isCloseTo(2.5, Offset.offset(1e-9));
        assertThat(text)
                .endsWith("{\"name\":\"nothing\",\"seconds\":null,\"examples\":null,\"loss\":null,"
                        + "\"secondsToTarget\":null,\"examplesToTarget\":null,\"speedup\":null}]}");
    }
}
