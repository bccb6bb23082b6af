package io.weir.systemtests;

import static org.assertj.core.api.Assertions.assertThat;

import io.weir.client.Table;
import io.weir.client.Weir;
import io.weir.server.ServerConfig;
import io.weir.server.WeirServer;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What README shows is so.
class ReadmeTest {
    private static final Pattern JAVA_BLOCK = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);
    private static final Pattern EXAMPLE_KEYS = Pattern.compile("long\\[] keys = \\{(.*?)}");

    @TempDir
    Path folder;

    @Test
    void theExampleTrainsRowsOfAServer() throws Throwable {
        String example = javaBlocks().getFirst();
        compile("Example", example);
        try (WeirServer server = WeirServer.start(ServerConfig.defaults().withPort(0))) {
            String address = "127.0.0.1:" + server.address().getPort();
            try (URLClassLoader loader =
                    new URLClassLoader(new URL[] {folder.toUri().toURL()})) {
                MethodHandles.publicLookup()
                        .findStatic(
                                loader.loadClass("Example"), "main", MethodType.methodType(void.class, String[].class))
                        .invoke(new String[] {address});
            }
            try (Weir weir = Weir.connect(address)) {
                assertThat(EXAMPLE_KEYS.matcher(example).find()).isTrue();
                Table ads = weir.table("ads");
                // Adagrad's first step has the length of its rate, whatever the gradient.
                assertThat(ads.pull(new long[] {42, -7, Long.MAX_VALUE}))
                        .hasSize(3 * 16)
                        .containsOnly(-0.05f);
                assertThat(weir.describe("ads").orElseThrow().rowCount()).isEqualTo(3);
            }
        }
    }

    @Test
    void theExampleIsShort() throws IOException {
        List<String> lines = javaBlocks()
                .getFirst()
                .lines()
                .filter(line -> line.startsWith("        "))
                .toList();
        assertThat(lines).hasSizeLessThanOrEqualTo(11);
        assertThat(lines).allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(120));
    }

    @Test
    void theLineForOneProcessCompilesInItsPlace() throws IOException {
        List<String> blocks = javaBlocks();
        String connection = "try (Weir weir = Weir.connect(args[0])) { // localhost:7700, or several servers:"
                + " host:port,host:port\n";
        assertThat(blocks.getFirst()).contains(connection);
        String embedded = "import io.weir.embedded.EmbeddedServer;\nimport io.weir.server.ServerConfig;\n"
                + blocks.getFirst().replace(connection, blocks.get(1));
        compile("Example", embedded);
    }

    @Test
    void everyPageItNamesIsThere() throws IOException {
        Pattern link = Pattern.compile("]\\((?!https?:|#)([^)#]+)(?:#[^)]*)?\\)");
        List<String> missing = new ArrayList<>();
        for (Path page : pages()) {
            Matcher target = link.matcher(Files.readString(page));
            while (target.find()) {
                if (!Files.exists(page.resolveSibling(target.group(1)))) {
                    missing.add(page + " -> " + target.group(1));
                }
            }
        }
        assertThat(missing).isEmpty();
    }

    /// README and everything below `docs`.
    static List<Path> pages() throws IOException {
        Path root = Project.root();
        List<Path> pages = new ArrayList<>(
                List.of(root.resolve("README.md"), root.resolve("CONTRIBUTING.md"), root.resolve("SECURITY.md")));
        try (var below = Files.walk(root.resolve("docs"))) {
            pages.addAll(below.filter(file -> file.toString().endsWith(".md")).toList());
        }
        return pages;
    }

    private static List<String> javaBlocks() throws IOException {
        return JAVA_BLOCK
                .matcher(Files.readString(Project.root().resolve("README.md")))
                .results()
                .map(block -> block.group(1))
                .collect(Collectors.toList());
    }

    private void compile(String name, String source) throws IOException {
        Path file = Files.writeString(folder.resolve(name + ".java"), source);
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        DiagnosticCollector<JavaFileObject> diagnostics = new DiagnosticCollector<>();
        try (StandardJavaFileManager files = compiler.getStandardFileManager(diagnostics, null, null)) {
            boolean compiled = compiler.getTask(
                            null,
                            files,
                            diagnostics,
                            List.of("-d", folder.toString(), "-cp", System.getProperty("java.class.path")),
                            null,
                            files.getJavaFileObjects(file))
                    .call();
            assertThat(compiled)
                    .as(diagnostics.getDiagnostics().stream()
                            .map(Diagnostic::toString)
                            .collect(Collectors.joining("\n")))
                    .isTrue();
        }
    }
}
