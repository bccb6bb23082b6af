package io.weir.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.weir.cli.LossCurve.Point;
import java.io.IOException;
import java.io.StringReader;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Set;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;
import org.xml.sax.SAXException;

class ChartTest {
    private static final int POINTS = 60;

    /// From `begin` down towards 0.33.
    private static LossCurve curve(String name, double seconds, double begin) {
        List<Point> points = new ArrayList<>();
        for (int i = 0; i < POINTS; i++) {
            double part = i / (POINTS - 1.0);
            double loss = i == 0 ? begin : 0.33 + 0.1 * Math.exp(-4 * part);
            points.add(new Point(part * seconds, (long) (part * 1_200_000), loss));
        }
        return new LossCurve(name, points);
    }

    private static Chart chart(LossCurve... curves) {
        return Chart.ofLosses("title", "subtitle", List.of(curves), OptionalDouble.empty());
    }

    private static Document parse(Chart chart) throws ParserConfigurationException, IOException, SAXException {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        return factory.newDocumentBuilder().parse(new InputSource(new StringReader(chart.svg())));
    }

    private static List<Element> elements(Document document, String tag, String style) {
        NodeList nodes = document.getElementsByTagName(tag);
        List<Element> elements = new ArrayList<>();
        for (int i = 0; i < nodes.getLength(); i++) {
            if (nodes.item(i) instanceof Element element
                    && element.getAttribute("class").equals(style)) {
                elements.add(element);
            }
        }
        return elements;
    }

    private static List<String> texts(Document document, String style) {
        return elements(document, "text", style).stream()
                .map(Element::getTextContent)
                .toList();
    }

    @Test
    void drawsOneLineForEachCurveInEachPanel() throws Exception {
        Document document = parse(chart(curve("bsp", 50, 0.6), curve("ssp:4", 20, 0.6), curve("asp", 12, 0.6)));
        assertThat(elements(document, "g", "panel")).hasSize(2).allSatisfy(panel -> {
            NodeList lines = panel.getElementsByTagName("polyline");
            assertThat(lines.getLength()).isEqualTo(3);
            for (int i = 0; i < lines.getLength(); i++) {
                assertThat(((Element) lines.item(i)).getAttribute("points").split(" ", -1))
                        .hasSize(POINTS);
            }
        });
        assertThat(texts(document, "heading")).containsExactly("loss against time", "loss against examples");
        assertThat(texts(document, "name")).containsExactly("bsp", "ssp:4", "asp");
        assertThat(texts(document, "title")).containsExactly("title");
        assertThat(texts(document, "subtitle")).containsExactly("subtitle");
    }

    @Test
    void drawsLowerLossesLower() throws Exception {
        Point begin = new Point(0, 0, 0.5);
        Document document = parse(chart(new LossCurve("asp", List.of(begin, new Point(10, 100, 0.4)))));
        String[] line = elements(document, "polyline", "curve")
                .getFirst()
                .getAttribute("points")
                .split("[ ,]", -1);
        assertThat(line).hasSize(4);
        assertThat(Double.parseDouble(line[0])).isZero();
        assertThat(Double.parseDouble(line[2])).isGreaterThan(300);
        assertThat(Double.parseDouble(line[1])).isBetween(5.0, 30.0);
        assertThat(Double.parseDouble(line[3])).isBetween(270.0, 295.0);
    }

    @Test
    void writesUnitsBesideItsAxes() throws Exception {
        Document document = parse(chart(curve("bsp", 45, 0.6)));
        assertThat(texts(document, "tick"))
                .contains("0 s", "10 s", "40 s", "0", "200 k", "1 M", "1.2 M")
                .containsSequence("0.34", "0.36", "0.38", "0.40", "0.42");
    }

    @Test
    void writesTimesAndExamplesForPeople() {
        assertThat(Chart.secondsText(new BigDecimal("0.25"))).isEqualTo("0.25 s");
        assertThat(Chart.secondsText(new BigDecimal("1200"))).isEqualTo("1,200 s");
        assertThat(Chart.secondsText(new BigDecimal("2E+3"))).isEqualTo("2,000 s");
        assertThat(Chart.examplesText(new BigDecimal("0"))).isEqualTo("0");
        assertThat(Chart.examplesText(new BigDecimal("500"))).isEqualTo("500");
        assertThat(Chart.examplesText(new BigDecimal("1E+5"))).isEqualTo("100 k");
        assertThat(Chart.examplesText(new BigDecimal("1000000"))).isEqualTo("1 M");
        assertThat(Chart.examplesText(new BigDecimal("1200000"))).isEqualTo("1.2 M");
        assertThat(Chart.examplesText(new BigDecimal("3000000000"))).isEqualTo("3 G");
        assertThat(Chart.shortest(0.34)).isEqualTo("0.34");
        assertThat(Chart.shortest(1 / 3.0)).isEqualTo("0.333333");
        assertThat(Chart.shortest(100)).isEqualTo("100");
    }

    @Test
    void takesEveryTextAsText() throws Exception {
        String name = "<b> & \"c\" 'd' ]]> ü 😀";
        Document document =
                parse(Chart.ofLosses(name, "--straggler <5x>", List.of(curve(name, 1, 1)), OptionalDouble.empty()));
        assertThat(texts(document, "title")).containsExactly(name);
        assertThat(texts(document, "subtitle")).containsExactly("--straggler <5x>");
        assertThat(texts(document, "name")).containsExactly(name);
    }

    @Test
    void replacesWhatXmlCannotHold() throws Exception {
        assertThat(Chart.escaped("a\u0000b\u001bc\ud800d\uffffe\tf")).isEqualTo("a�b�c�d�e\tf");
        assertThat(texts(parse(chart(curve("\u001b[31mred", 1, 1))), "name")).containsExactly("�[31mred");
    }

    @Test
    void drawsTheTargetInBothPanels() throws Exception {
        Chart chart = Chart.ofLosses("title", "", List.of(curve("bsp", 45, 0.6)), OptionalDouble.of(0.3));
        Document document = parse(chart);
        // The third one is in the legend.
        assertThat(elements(document, "line", "target")).hasSize(3);
        assertThat(texts(document, "name")).containsExactly("bsp", "target 0.3");
        assertThat(chart.upAxis().low()).isLessThan(0.3);
        assertThat(texts(document, "subtitle")).isEmpty();

        assertThat(elements(parse(chart(curve("bsp", 45, 0.6))), "line", "target"))
                .isEmpty();
    }

    @Test
    void refusesATargetThatIsNoNumber() {
        assertThatThrownBy(() -> Chart.ofLosses("title", "", List.of(), OptionalDouble.of(Double.NaN)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("target must be a number: target=NaN");
    }

    @Test
    void drawsWithoutCurvesAndWithoutPoints() throws Exception {
        assertThat(elements(parse(chart()), "g", "panel")).hasSize(2);
        Document document =
                parse(chart(new LossCurve("empty", List.of()), new LossCurve("one", List.of(new Point(0, 0, 0)))));
        assertThat(texts(document, "name")).containsExactly("empty (no points)", "one");
        assertThat(document.getElementsByTagName("circle").getLength()).isEqualTo(2);
        assertThat(chart(new LossCurve("one", List.of(new Point(0, 0, 0.5))))
                        .upAxis()
                        .at(0.5))
                .isBetween(0.1, 0.9);
    }

    @Test
    void drawsOnlyLossesThatAreNumbers() throws Exception {
        Document document = parse(chart(new LossCurve(
                "asp",
                List.of(
                        new Point(0, 0, 0.7),
                        new Point(1, 10, 0.5),
                        new Point(2, 20, Double.NaN),
                        new Point(3, 30, Double.POSITIVE_INFINITY),
                        new Point(4, 40, Double.MAX_VALUE)))));
        assertThat(elements(document, "polyline", "curve"))
                .hasSize(2)
                .allSatisfy(line ->
                        assertThat(line.getAttribute("points").split(" ", -1)).hasSize(2));
    }

    @Test
    void cutsOffHighBeginnings() {
        ChartAxis axis = chart(curve("bsp", 45, 8), curve("asp", 10, 9)).upAxis();
        assertThat(axis.low()).isBetween(0.32, 0.332);
        assertThat(axis.high()).isBetween(0.42, 0.44);
    }

    @Test
    void showsBeginningsThatTakeLittleRoom() {
        assertThat(chart(curve("bsp", 45, 0.45)).upAxis().high()).isBetween(0.45, 0.47);
        LossCurve few =
                new LossCurve("bsp", List.of(new Point(0, 0, 0.69), new Point(1, 1, 0.5), new Point(2, 2, 0.4)));
        assertThat(chart(few).upAxis().high()).isLessThan(0.55);
    }

    @Test
    void cutsOffACurveThatRunsAway() {
        List<Point> points = new ArrayList<>();
        for (int i = 0; i < POINTS; i++) {
            points.add(new Point(i, i, 0.69 * Math.exp(i)));
        }
        ChartAxis axis =
                chart(curve("bsp", 45, 0.69), new LossCurve("asp", points)).upAxis();
        assertThat(axis.low()).isBetween(0.3, 0.332);
        assertThat(axis.high()).isBetween(0.42, 0.75);
    }

    @Test
    void saysWhichCurvesEndOutside() throws Exception {
        LossCurve lost = new LossCurve("lost", List.of(new Point(0, 0, 0.4), new Point(1, 1, Double.NaN)));
        LossCurve high = new LossCurve("high", List.of(new Point(0, 0, 0.69), new Point(1, 1, 50)));
        Document document = parse(chart(curve("bsp", 45, 0.69), lost, high));
        assertThat(texts(document, "name")).containsExactly("bsp", "lost (ends outside)", "high (ends outside)");
    }

    @Test
    void showsACurveThatOnlyRises() {
        LossCurve rising = new LossCurve("asp", List.of(new Point(0, 0, 0.3), new Point(1, 1, 5), new Point(2, 2, 9)));
        assertThat(chart(rising).upAxis().high()).isGreaterThan(8.5);
    }

    @Test
    void givesEachCurveAPairOfColourAndDashes() throws Exception {
        LossCurve[] curves = new LossCurve[42];
        for (int i = 0; i < curves.length; i++) {
            curves[i] = curve("curve " + i, 10, 0.6);
        }
        Set<String> styles = new HashSet<>();
        for (Element line : elements(parse(chart(curves)), "polyline", "curve")) {
            styles.add(line.getAttribute("stroke") + " " + line.getAttribute("stroke-dasharray"));
        }
        assertThat(styles).hasSize(42);
    }

    @Test
    void leavesOutPointsThatNobodyWouldSee() throws Exception {
        List<Point> points = new ArrayList<>();
        for (int i = 0; i <= 100_000; i++) {
            points.add(new Point(i / 1000.0, i, 1.0 / (1 + i)));
        }
        Document document = parse(chart(new LossCurve("asp", points)));
        assertThat(elements(document, "polyline", "curve"))
                .allSatisfy(line -> assertThat(line.getAttribute("points").split(" ", -1).length)
                        .isBetween(400, 1000));
    }

    @Test
    void needsNothingBesideIt() throws Exception {
        Chart chart = chart(curve("bsp", 45, 0.6));
        assertThat(chart.svg())
                .contains("@media (prefers-color-scheme: dark)")
                .containsOnlyOnce("http")
                .doesNotContain("href", "url(", "@import", "<script", "<image", "<foreignObject");
        Element root = parse(chart).getDocumentElement();
        assertThat(root.getNamespaceURI()).isEqualTo("http://www.w3.org/2000/svg");
        assertThat(root.getAttribute("viewBox"))
                .isEqualTo("0 0 " + root.getAttribute("width") + " " + root.getAttribute("height"));
    }

    @Test
    void breaksLongTitlesIntoLines() throws Exception {
        String words = "workers batch adagrad ".repeat(20).strip();
        Document document = parse(Chart.ofLosses(words, words, List.of(), OptionalDouble.empty()));
        assertThat(texts(document, "title")).hasSizeGreaterThan(2);
        assertThat(String.join(" ", texts(document, "title"))).isEqualTo(words);
        assertThat(String.join(" ", texts(document, "subtitle"))).isEqualTo(words);
    }
}
