package io.weir.systemtests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.weir.systemtests.HouseRules.Use;
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

/// The class files keep to the house's rules: what `jdeps` finds in each module's `target/classes`.
class ArrowTest {
    /// A line such as `   io.weir.wire.Checksum   -> java.nio.ByteBuffer   java.base`.
    private static final Pattern ARROW = Pattern.compile("\\s+(\\S+)\\s+->\\s+(\\S+)\\s.*");

    private static final String GENERATED = "jmh_generated";

    @Test
    void everyArrowIsAllowed() throws IOException {
        List<Use> uses = new ArrayList<>();
        for (String module : new TreeSet<>(HouseRules.MODULES.keySet())) {
            uses.addAll(uses(module));
        }
        assertThat(HouseRules.violations(uses)).isEmpty();
    }

    @Test
    void nobodyFindsClassesByName() throws IOException {
        Set<String> found = new TreeSet<>();
        for (String module : HouseRules.MODULES.keySet()) {
            for (Path file : classFiles(module)) {
                ClassModel model = ClassFile.of().parse(file);
                model.constantPool().forEach(entry -> {
                    if (entry instanceof MemberRefEntry member) {
                        String owner = member.owner().asInternalName().replace('/', '.');
                        String name = member.name().stringValue();
                        if (HouseRules.isForbiddenMethod(owner, name)) {
                            found.add(model.thisClass().asInternalName() + " calls " + owner + "." + name);
                        }
                    }
                });
            }
        }
        assertThat(found).isEmpty();
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

    private static List<Use> uses(String module) throws IOException {
        if (classFiles(module).isEmpty()) {
            // Nobody uses the benchmarks, so a build of part of the house leaves them out.
            return module.equals("benchmarks")
                    ? List.of()
                    : fail("module must be built before its arrows are checked: module=" + module);
        }
        ToolProvider jdeps = ToolProvider.findFirst("jdeps").orElseThrow();
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int exitCode = jdeps.run(
                new PrintWriter(out),
                new PrintWriter(err),
                "-verbose:class",
                "-filter:none",
                Project.classes(module).toString());
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
    private static List<Path> classFiles(String module) throws IOException {
        Path classes = Project.classes(module);
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
