package io.weir.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class RateScheduleTest {
    @Test
    void stepsDownEverySoManyPushes() {
        RateSchedule step = RateSchedule.parse("step(every=10,factor=0.5,least=0.2)");
        double[] expected = {1, 1, 0.5, 0.5, 0.25, 0.25, 0.2, 0.2};
        for (int i = 0; i < expected.length; i++) {
            long n = i / 2 * 10L + (i % 2) * 9L;
            assertThat(step.factor(n)).as("n=%s", n).isCloseTo(expected[i], within(1e-7));
        }
        assertThat(step.factor(0xffff_ffffL)).isCloseTo(0.2, within(1e-7));
        assertThat(RateSchedule.parse("step(every=1)").factor(2)).isCloseTo(0.01, within(1e-8));
    }

    @Test
    void goesDownHalfAWaveOfTheCosine() {
        RateSchedule cosine = RateSchedule.parse("cosine(pushes=100,least=0.1)");
        assertThat(cosine.factor(0)).isEqualTo(1);
        assertThat(cosine.factor(25)).isCloseTo(0.1 + 0.9 * (1 + Math.cos(Math.PI / 4)) / 2, within(1e-7));
        assertThat(cosine.factor(50)).isCloseTo(0.55, within(1e-7));
        assertThat(cosine.factor(100)).isCloseTo(0.1, within(1e-7));
        assertThat(cosine.factor(1L << 40)).isCloseTo(0.1, within(1e-7));
    }

    @Test
    void goesDownWithTheInverseRoot() {
        RateSchedule root = RateSchedule.parse("inverse_root(after=100)");
        assertThat(root.factor(0)).isEqualTo(1);
        assertThat(root.factor(300)).isEqualTo(0.5);
        assertThat(RateSchedule.parse("inverse_root").factor(8)).isCloseTo(1 / 3.0, within(1e-12));
        assertThat(new RateSchedule.InverseRoot(Integer.MAX_VALUE).factor(0xffff_ffffL))
                .isBetween(0.5, 0.6);
    }

    @Test
    void warmsUpInEqualStepsThenBegins() {
        Tuning tuning = Tuning.NONE.withWarmup(4).withSchedule(new RateSchedule.Step(2, 0.5f, 0));
        double[] expected = {0.25, 0.5, 0.75, 1, 1, 1, 0.5, 0.5, 0.25};
        for (int i = 0; i < expected.length; i++) {
            assertThat(tuning.factor(i + 1L)).as("t=%s", i + 1).isEqualTo(expected[i]);
        }
        assertThat(Tuning.NONE.factor(1)).isEqualTo(1);
        assertThat(Tuning.NONE.isSteady()).isTrue();
        assertThat(tuning.isSteady()).isFalse();
        assertThat(Tuning.NONE.withWarmup(1).isSteady()).isFalse();
    }

    @Test
    void refusesWhatIsNoSchedule() {
        refuses("", "schedule must be one of constant, step, cosine, inverse_root: schedule=");
        refuses("linear", "schedule must be one of constant, step, cosine, inverse_root: schedule=linear");
        refuses("constant(a=1)", "constant has no settings: found=a, schedule=constant(a=1)");
        refuses("step", "step every must be 1 or more: every=0");
        refuses("step(every=1,factor=0)", "step factor must be above 0 and at most 1: factor=0.0");
        refuses("step(every=1,factor=1.5)", "step factor must be above 0 and at most 1: factor=1.5");
        refuses("step(every=1,least=-1)", "step least must be from 0 to 1: least=-1.0");
        refuses("step(every=2.5)", "schedule setting must be a whole number: every='2.5', schedule=step(every=2.5)");
        refuses("cosine", "cosine pushes must be 1 or more: pushes=0");
        refuses("cosine(pushes=1,least=NaN)", "cosine least must be from 0 to 1: least=NaN");
        refuses("inverse_root(after=0)", "inverse_root after must be 1 or more: after=0");
        refuses("step(every=1", "schedule must end with ')': schedule=step(every=1");
    }

    private static void refuses(String text, String message) {
        assertThatThrownBy(() -> RateSchedule.parse(text))
                .as(text)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
    }
}
