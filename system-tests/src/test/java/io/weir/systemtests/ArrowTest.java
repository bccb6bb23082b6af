package io.weir.systemtests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.weir.systemtests.HouseRules.Use;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.constantpool.MemberRefEntry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The class files keep to the house's rules: what `jdeps` finds in each module's `target/classes`.
class ArrowTest {
    /// A line such as `   io.weir.wire.Checksum   -> java.nio.ByteBuffer   java.base`.
    private static final Pattern ARROW = Pattern.compile("\\s+(\\S+)\\s+->\\s+(\\S+)\\s.*");

    private static final String GENERATED = "jmh_generated";

    @Test
    void everyArrowIsAllowed() throws IOException {
        List<Use> uses = new ArrayList<>();
        for (String module : new TreeSet<>(HouseRules.MODULES.keySet())) {
            uses.addAll(uses(module, Project.classes(module)));
        }
        assertThat(HouseRules.violations(uses)).isEmpty();
    }

    @Test
    void nobodyFindsClassesByName() throws IOException {
        Set<String> found = new TreeSet<>();
        for (String module : HouseRules.MODULES.keySet()) {
            found.addAll(forbiddenCalls(Project.classes(module)));
        }
        assertThat(found).isEmpty();
    }

    /// The tests above see what they look for.
    @Test
    void findsWhatIsPlanted(@TempDir Path folder) throws IOException {
        Path source = folder.resolve("Planted.java");
        Files.writeString(source, """
                package io.weir.shard;
                class Planted {
                    static Object of(java.io.ObjectInputStream in, io.weir.client.Weir weir) throws Exception {
                        return weir == null ? in.readObject() : Class.forName("x" + System.nanoTime());
                    }
                }
                """);
        Path classes = folder.resolve("classes");
        String classPath = Project.classes("client") + File.pathSeparator + Project.classes("model");
        int exitCode = ToolProvider.findFirst("javac")
                .orElseThrow()
                .run(System.out, System.err, "-cp", classPath, "-d", classes.toString(), source.toString());
        assertThat(exitCode).isZero();
        assertThat(HouseRules.violations(uses("shard", classes)))
                .containsExactlyInAnyOrder(
                        "module shard must not use module client: io.weir.shard.Planted -> io.weir.client.Weir",
                        "nobody may turn data into objects or code, or reach into the JDK: "
                                + "io.weir.shard.Planted -> java.io.ObjectInputStream",
                        "what a simulation plays has no threads, clocks, sockets, files or randomness: "
                                + "io.weir.shard.Planted -> java.io.ObjectInputStream");
        assertThat(forbiddenCalls(classes))
                .containsExactly(
                        "io/weir/shard/Planted calls java.lang.Class.forName",
                        "io/weir/shard/Planted calls java.lang.System.nanoTime");
    }

    private static Set<String> forbiddenCalls(Path classes) throws IOException {
        Set<String> found = new TreeSet<>();
        for (Path file : classFiles(classes)) {
            ClassModel model = ClassFile.of().parse(file);
            model.constantPool().forEach(entry -> {
                if (entry instanceof MemberRefEntry member) {
                    String owner = member.owner().asInternalName().replace('/', '.');
                    String name = member.name().stringValue();
                    String caller = model.thisClass().asInternalName().replace('/', '.');
                    if (HouseRules.isForbiddenMethod(caller, owner, name)) {
                        found.add(model.thisClass().asInternalName() + " calls " + owner + "." + name);
                    }
                }
            });
        }
        return found;
    }

    @Test
    void everyModuleOfTheBuildHasItsRule() throws IOException {
        Set<String> built = new TreeSet<>();
        Matcher module = Pattern.compile("<module>(.*)</module>")
                .matcher(Files.readString(Project.root().resolve("pom.xml")));
        while (module.find()) {
            built.add(module.group(1));
        }
        built.remove("system-tests");
        assertThat(built).isEqualTo(new TreeSet<>(HouseRules.MODULES.keySet()));
    }

    private static List<Use> uses(String module, Path classes) throws IOException {
        if (classFiles(classes).isEmpty()) {
            // Nobody uses the benchmarks, so a build of part of the house leaves them out.
            return module.equals("benchmarks")
                    ? List.of()
                    : fail("module must be built before its arrows are checked: module=" + module);
        }
        ToolProvider jdeps = ToolProvider.findFirst("jdeps").orElseThrow();
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int exitCode = jdeps.run(
                new PrintWriter(out), new PrintWriter(err), "-verbose:class", "-filter:none", classes.toString());
        assertThat(exitCode).as("jdeps on %s: %s", module, err).isZero();
        List<Use> uses = new ArrayList<>();
        for (String line : out.toString().lines().toList()) {
            Matcher arrow = ARROW.matcher(line);
            if (arrow.matches() && !arrow.group(1).contains(GENERATED)) {
                uses.add(new Use(module, arrow.group(1), arrow.group(2)));
            }
        }
        assertThat(uses).as("uses in %s", module).isNotEmpty();
        return uses;
    }

    /// The class files of a module, without those that describe a package or that the benchmarks' library generated.
    private static List<Path> classFiles(Path classes) throws IOException {
        if (!Files.isDirectory(classes)) {
            return List.of();
        }
        try (Stream<Path> files = Files.walk(classes)) {
            return files.filter(file -> file.toString().endsWith(".class")
                            && !file.endsWith("package-info.class")
                            && !file.toString().contains(GENERATED))
                    .toList();
        }
    }
}
