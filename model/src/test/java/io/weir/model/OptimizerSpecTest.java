package io.weir.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class OptimizerSpecTest {
    @Test
    void parsesEverySetting() {
        assertThat(OptimizerSpec.parse("sgd(rate=0.5)")).isEqualTo(new OptimizerSpec.Sgd(0.5f));
        assertThat(OptimizerSpec.parse("momentum(rate=0.5,momentum=0.25)"))
                .isEqualTo(new OptimizerSpec.Momentum(0.5f, 0.25f));
        assertThat(OptimizerSpec.parse("adagrad(rate=0.5,epsilon=0)")).isEqualTo(new OptimizerSpec.AdaGrad(0.5f, 0f));
        assertThat(OptimizerSpec.parse("adam(rate=0.5,beta1=0,beta2=0.25,epsilon=1e-6)"))
                .isEqualTo(new OptimizerSpec.Adam(0.5f, 0f, 0.25f, 1e-6f));
        assertThat(OptimizerSpec.parse("ftrl(alpha=0.5,beta=2,l1=3,l2=4)"))
                .isEqualTo(new OptimizerSpec.Ftrl(0.5f, 2f, 3f, 4f));
        assertThat(OptimizerSpec.parse("add")).isEqualTo(new OptimizerSpec.Add());
        assertThat(OptimizerSpec.parse(" Assign() ")).isEqualTo(new OptimizerSpec.Assign());
        assertThat(OptimizerSpec.parse("min")).isEqualTo(new OptimizerSpec.Min());
        assertThat(OptimizerSpec.parse("max( )")).isEqualTo(new OptimizerSpec.Max());
    }

    @Test
    void valuesThatAreNoGradientsFoldInTheirOwnWay() {
        assertThat(OptimizerSpec.parse("sgd").takesGradients()).isTrue();
        assertThat(OptimizerSpec.parse("sgd").fold()).isEqualTo(Fold.SUM);
        for (String name : new String[] {"add", "assign", "min", "max", "replace"}) {
            OptimizerSpec spec = OptimizerSpec.parse(name);
            assertThat(spec.takesGradients()).as(name).isFalse();
            assertThat(spec.text()).isEqualTo(name);
            assertThat(spec.slotLength(7)).as(name).isZero();
        }
        assertThat(new OptimizerSpec.Add().fold()).isEqualTo(Fold.SUM);
        assertThat(new OptimizerSpec.Replace().fold()).isEqualTo(Fold.SUM);
        assertThat(new OptimizerSpec.Assign().fold()).isEqualTo(Fold.LAST);
        assertThat(new OptimizerSpec.Min().fold()).isEqualTo(Fold.LEAST);
        assertThat(new OptimizerSpec.Max().fold()).isEqualTo(Fold.GREATEST);
    }

    @Test
    void namesItsSettingsInOrder() {
        OptimizerSpec spec = OptimizerSpec.parse("ftrl(l1=0.5)");
        assertThat(spec.name()).isEqualTo("ftrl");
        assertThat(spec.settings())
                .containsExactly(entry("alpha", 0.1f), entry("beta", 1f), entry("l1", 0.5f), entry("l2", 0f));
        assertThat(OptimizerSpec.settingNames("FTRL")).containsExactly("alpha", "beta", "l1", "l2");
        assertThat(OptimizerSpec.of("ftrl", Map.of("l1", 0.5f), Tuning.NONE)).isEqualTo(spec);
        assertThatThrownBy(() -> OptimizerSpec.of("sgd", Map.of("lr", 1f), Tuning.NONE))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("sgd has the settings rate: found=lr");
        assertThatThrownBy(() -> OptimizerSpec.settingNames("sqd"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageEndingWith(": optimizer=sqd");
    }

    @Test
    void fillsInDefaults() {
        assertThat(OptimizerSpec.parse("sgd")).isEqualTo(OptimizerSpec.parse("sgd(rate=0.05)"));
        assertThat(OptimizerSpec.parse("momentum()"))
                .isEqualTo(OptimizerSpec.parse("momentum(rate=0.05,momentum=0.9)"));
        assertThat(OptimizerSpec.parse("adagrad( )")).isEqualTo(OptimizerSpec.parse("adagrad(rate=0.1,epsilon=1e-8)"));
        assertThat(OptimizerSpec.parse("adam"))
                .isEqualTo(OptimizerSpec.parse("adam(rate=0.001,beta1=0.9,beta2=0.999,epsilon=1e-8)"));
        assertThat(OptimizerSpec.parse("ftrl(l1=2)")).isEqualTo(new OptimizerSpec.Ftrl(0.1f, 1f, 2f, 0f));
    }

    @Test
    void readsSpacesAndUpperCase() {
        assertThat(OptimizerSpec.parse("  FTRL ( L2 = 3 , alpha=0.5 ) "))
                .isEqualTo(new OptimizerSpec.Ftrl(0.5f, 1f, 0f, 3f));
    }

    @Test
    void textIsShortAndReadsBackInEveryLocale() {
        Locale before = Locale.getDefault();
        try {
            for (Locale locale : new Locale[] {Locale.ROOT, Locale.GERMANY, Locale.forLanguageTag("tr-TR")}) {
                Locale.setDefault(locale);
                assertThat(OptimizerSpec.parse("SGD").text()).isEqualTo("sgd(rate=0.05)");
                assertThat(OptimizerSpec.parse("momentum").text()).isEqualTo("momentum(rate=0.05,momentum=0.9)");
                assertThat(OptimizerSpec.parse("adagrad(rate=10)").text()).isEqualTo("adagrad(rate=10,epsilon=1e-8)");
                assertThat(OptimizerSpec.parse("adam").text())
                        .isEqualTo("adam(rate=0.001,beta1=0.9,beta2=0.999,epsilon=1e-8)");
                assertThat(OptimizerSpec.parse("FTRL").text()).isEqualTo("ftrl(alpha=0.1,beta=1,l1=0,l2=0)");
            }
        } finally {
            Locale.setDefault(before);
        }
    }

    @Test
    void everyTextReadsBackToAnEqualValue() {
        SplittableRandom random = new SplittableRandom(11);
        for (int i = 0; i < 20_000; i++) {
            float positive = Float.intBitsToFloat(random.nextInt(1, 0x7f800000));
            float fraction = Float.intBitsToFloat(random.nextInt(0, 0x3f800000));
            OptimizerSpec[] specs = {
                new OptimizerSpec.Sgd(positive),
                new OptimizerSpec.Momentum(positive, fraction),
                new OptimizerSpec.AdaGrad(positive, fraction),
                new OptimizerSpec.Adam(positive, fraction, fraction, positive),
                new OptimizerSpec.Ftrl(positive, fraction, positive, positive)
            };
            for (OptimizerSpec spec : specs) {
                assertThat(OptimizerSpec.parse(spec.text()))
                        .as("seed=11, round=%s", i)
                        .isEqualTo(spec);
            }
        }
        for (String name : OptimizerSpec.names()) {
            for (int i = 0; i < 200; i++) {
                OptimizerSpec spec = randomSettings(name, random);
                assertThat(OptimizerSpec.parse(spec.text()))
                        .as("seed=11, round=%s", i)
                        .isEqualTo(spec);
                assertThat(OptimizerSpec.of(name, spec.settings(), spec.tuning()))
                        .isEqualTo(spec);
            }
        }
        assertThat(OptimizerSpec.parse(new OptimizerSpec.AdaGrad(Float.MIN_VALUE, -0f).text()))
                .isEqualTo(new OptimizerSpec.AdaGrad(Float.MIN_VALUE, -0f));
    }

    /// Any settings that every optimizer allows.
    private static OptimizerSpec randomSettings(String name, SplittableRandom random) {
        Map<String, Float> settings = new HashMap<>();
        for (String setting : OptimizerSpec.settingNames(name)) {
            boolean flag = setting.equals("centered");
            settings.put(setting, flag ? random.nextInt(2) : (float) random.nextDouble(0.001, 0.999));
        }
        settings.computeIfPresent("upper", (setting, value) -> 1f);
        OptimizerSpec spec = OptimizerSpec.of(name, settings, Tuning.NONE);
        if (!spec.takesGradients()) {
            return spec;
        }
        float value = (float) random.nextDouble(0.001, 0.999);
        Tuning tuning = Tuning.NONE.withScale(value).withClip(2 * value).withClipNorm(3 * value);
        if (!settings.containsKey("decay")) {
            tuning = tuning.withDecay(value / 2);
        }
        if (!name.equals("ftrl")) {
            RateSchedule[] schedules = {
                new RateSchedule.Constant(),
                new RateSchedule.Step(random.nextInt(1, 1000), value, value / 3),
                new RateSchedule.Cosine(random.nextInt(1, Integer.MAX_VALUE), value),
                new RateSchedule.InverseRoot(random.nextInt(1, 1000))
            };
            tuning = tuning.withSchedule(schedules[random.nextInt(4)]).withWarmup(random.nextInt(100));
        }
        return spec.withTuning(tuning);
    }

    @Test
    void readsAWholeTuning() {
        OptimizerSpec spec = OptimizerSpec.parse("adam(scale=0.5,clip=1,clip_norm=2,decay=0.25,warmup=7,"
                + "schedule=step(every=10,factor=0.5,least=0.125),rate=1)");
        assertThat(spec)
                .isEqualTo(new OptimizerSpec.Adam(
                        1,
                        0.9f,
                        0.999f,
                        1e-8f,
                        new Tuning(0.5f, 1, 2, 0.25f, 7, new RateSchedule.Step(10, 0.5f, 0.125f))));
        assertThat(spec.text())
                .isEqualTo("adam(rate=1,beta1=0.9,beta2=0.999,epsilon=1e-8,scale=0.5,clip=1,clip_norm=2,decay=0.25,"
                        + "warmup=7,schedule=step(every=10,factor=0.5,least=0.125))");
        assertThat(OptimizerSpec.parse("sgd(scale=1,clip=0,clip_norm=0,decay=0,warmup=0,schedule=constant)"))
                .isEqualTo(OptimizerSpec.parse("sgd"));
    }

    @Test
    void knowsOtherNamesOfTheSame() {
        assertThat(OptimizerSpec.parse("nag")).isEqualTo(new OptimizerSpec.Nesterov(0.05f, 0.9f));
        assertThat(OptimizerSpec.parse("lazy_adam(rate=1)")).isEqualTo(OptimizerSpec.parse("adam(rate=1)"));
        assertThat(OptimizerSpec.names()).doesNotContain("nag", "lazy_adam").hasSize(25);
    }

    @Test
    void rejectsTuningsThatItCannotTake() {
        refuses("sgd(scale=0)", "scale must be above 0 and finite: scale=0.0");
        refuses("sgd(clip=-1)", "clip must be 0 or more and finite: clip=-1.0");
        refuses("sgd(clip_norm=NaN)", "clip_norm must be 0 or more and finite: clip_norm=NaN");
        refuses("sgd(decay=Infinity)", "decay must be 0 or more and finite: decay=Infinity");
        refuses("sgd(warmup=-1)", "warmup must be 0 or more: warmup=-1");
        refuses("sgd(warmup=1.5)", "optimizer setting must be a whole number: warmup='1.5', optimizer=sgd(warmup=1.5)");
        refuses(
                "ftrl(schedule=constant)",
                "ftrl has the settings alpha, beta, l1, l2, scale, clip, clip_norm, decay: found=schedule,"
                        + " optimizer=ftrl(schedule=constant)");
        refuses("assign(clip=1)", "assign has no settings: found=clip, optimizer=assign(clip=1)");
        refuses("rmsprop(centered=2)", "rmsprop centered must be 0 or 1: centered=2.0");
        refuses("lamb(lower=2,upper=1)", "lamb upper must be 0, or lower at least: lower=2.0, upper=1.0");
        Tuning decay = Tuning.NONE.withDecay(1);
        for (String name : new String[] {"adamw", "lars", "lamb"}) {
            OptimizerSpec spec = OptimizerSpec.parse(name);
            assertThatThrownBy(() -> spec.withTuning(decay))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage(name + " decays the weights by its own setting, not by that of the tuning: decay=1.0");
        }
        assertThatThrownBy(() -> OptimizerSpec.parse("min").withTuning(decay))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("min takes no gradients and so no tuning: tuning=");
        assertThatThrownBy(() -> OptimizerSpec.parse("ftrl").withTuning(Tuning.NONE.withWarmup(3)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("ftrl has no schedule: schedule=constant, warmup=3");
    }

    @Test
    void saysWhenItNeedsTheWholeRow() {
        for (String name : OptimizerSpec.names()) {
            boolean whole =
                    List.of("rowwise_adagrad", "group_adagrad", "lars", "lamb").contains(name);
            OptimizerSpec spec = OptimizerSpec.parse(name);
            assertThat(spec.needsWholeRow()).as(name).isEqualTo(whole);
            if (spec.takesGradients() && !whole) {
                OptimizerSpec clipped = spec.withTuning(Tuning.NONE.withClipNorm(1));
                assertThat(clipped.needsWholeRow()).as(name).isTrue();
            }
        }
    }

    @Test
    void countsItsSlots() {
        assertThat(OptimizerSpec.parse("sgd").slotCount()).isZero();
        assertThat(OptimizerSpec.parse("momentum").slotCount()).isEqualTo(1);
        assertThat(OptimizerSpec.parse("adagrad").slotCount()).isEqualTo(1);
        assertThat(OptimizerSpec.parse("adam").slotCount()).isEqualTo(2);
        assertThat(OptimizerSpec.parse("ftrl").slotCount()).isEqualTo(2);
        assertThat(OptimizerSpec.parse("rowwise_adagrad").slotLength(100)).isEqualTo(1);
        assertThat(OptimizerSpec.parse("nadam").slotLength(100)).isEqualTo(201);
        assertThat(OptimizerSpec.parse("amsgrad").slotLength(100)).isEqualTo(300);
        assertThat(OptimizerSpec.parse("rmsprop").slotLength(100)).isEqualTo(100);
        assertThat(OptimizerSpec.parse("rmsprop(centered=1,momentum=0.5)").slotLength(100))
                .isEqualTo(300);
        assertThat(OptimizerSpec.parse("signum(momentum=0)").slotLength(100)).isZero();
        assertThat(OptimizerSpec.parse("dcasgd(momentum=0.5)").slotLength(100)).isEqualTo(200);
    }

    @Test
    void rejectsTextThatIsNoOptimizer() {
        String names = "optimizer must be one of sgd, momentum, adagrad, adam, ftrl, add, assign, min, max,"
                + " nesterov, rowwise_adagrad, group_adagrad, adadelta, rmsprop, adamw, adamax, nadam, amsgrad, ftml, signum,"
                + " sgld, lars, lamb, dcasgd, replace: optimizer=";
        String tuning = ", scale, clip, clip_norm, decay, warmup, schedule";
        refuses("", names);
        refuses("rmsdrop", names + "rmsdrop");
        refuses("(rate=1)", names + "(rate=1)");
        refuses("sgd)", names + "sgd)");
        refuses("sgd(rate=1", "optimizer must end with ')': optimizer=sgd(rate=1");
        refuses("sgd(rate=1) x", "optimizer must end with ')': optimizer=sgd(rate=1) x");
        refuses("sgd(0.1)", "optimizer settings must be name=value: found='0.1', optimizer=sgd(0.1)");
        refuses("sgd(rate=1,)", "optimizer settings must be name=value: found='', optimizer=sgd(rate=1,)");
        refuses("sgd(rate=)", "optimizer setting must be a number: rate='', optimizer=sgd(rate=)");
        refuses("sgd(rate=fast)", "optimizer setting must be a number: rate='fast', optimizer=sgd(rate=fast)");
        refuses("sgd(rate=1,RATE=2)", "optimizer setting is given twice: setting=rate, optimizer=sgd(rate=1,RATE=2)");
        refuses("sgd(lr=1)", "sgd has the settings rate" + tuning + ": found=lr, optimizer=sgd(lr=1)");
        refuses(
                "adagrad(beta=1)",
                "adagrad has the settings rate, epsilon" + tuning + ": found=beta, optimizer=adagrad(beta=1)");
        refuses(
                "adam(alpha=1)",
                "adam has the settings rate, beta1, beta2, epsilon" + tuning
                        + ": found=alpha, optimizer=adam(alpha=1)");
        refuses(
                "momentum(beta=1)",
                "momentum has the settings rate, momentum" + tuning + ": found=beta, optimizer=momentum(beta=1)");
        refuses("add(rate=1)", "add has no settings: found=rate, optimizer=add(rate=1)");
        refuses(
                "ftrl(rate=1)",
                "ftrl has the settings alpha, beta, l1, l2, scale, clip, clip_norm, decay: found=rate, optimizer=ftrl(rate=1)");
    }

    @Test
    void rejectsSettingsOutOfRange() {
        for (String rate : new String[] {"0.0", "-1.0", "NaN", "Infinity"}) {
            String rule = " must be above 0 and finite: ";
            refuses("sgd(rate=" + rate + ")", "sgd rate" + rule + "rate=" + rate);
            refuses("momentum(rate=" + rate + ")", "momentum rate" + rule + "rate=" + rate);
            refuses("adagrad(rate=" + rate + ")", "adagrad rate" + rule + "rate=" + rate);
            refuses("adam(rate=" + rate + ")", "adam rate" + rule + "rate=" + rate);
            refuses("ftrl(alpha=" + rate + ")", "ftrl alpha" + rule + "alpha=" + rate);
        }
        refuses("sgd(rate=1e-60)", "sgd rate must be above 0 and finite: rate=0.0");
        for (String value : new String[] {"-1.0", "NaN", "Infinity"}) {
            String rule = " must be 0 or more and finite: ";
            refuses("adagrad(epsilon=" + value + ")", "adagrad epsilon" + rule + "epsilon=" + value);
            refuses("adam(epsilon=" + value + ")", "adam epsilon" + rule + "epsilon=" + value);
            refuses("ftrl(beta=" + value + ")", "ftrl beta" + rule + "beta=" + value);
            refuses("ftrl(l1=" + value + ")", "ftrl l1" + rule + "l1=" + value);
            refuses("ftrl(l2=" + value + ")", "ftrl l2" + rule + "l2=" + value);
        }
        for (String value : new String[] {"1.0", "-0.5", "NaN", "Infinity"}) {
            String rule = " must be at least 0 and below 1: ";
            refuses("momentum(momentum=" + value + ")", "momentum momentum" + rule + "momentum=" + value);
            refuses("adam(beta1=" + value + ")", "adam beta1" + rule + "beta1=" + value);
            refuses("adam(beta2=" + value + ")", "adam beta2" + rule + "beta2=" + value);
        }
        refuses("group_adagrad(epsilon=0)", "group_adagrad epsilon must be above 0 and finite: epsilon=0.0");
        refuses("nadam(momentum_decay=-1)", "nadam momentum_decay must be 0 or more and finite: momentum_decay=-1.0");
        refuses("adadelta(rho=1)", "adadelta rho must be at least 0 and below 1: rho=1.0");
        refuses("ftrl(beta=0,l2=0)", "ftrl needs beta or l2 above 0: beta=0, l2=0");
    }

    private static void refuses(String text, String message) {
        assertThatThrownBy(() -> OptimizerSpec.parse(text))
                .as(text)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
    }
}
