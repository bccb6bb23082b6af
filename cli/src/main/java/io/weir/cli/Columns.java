package io.weir.cli;

import java.io.PrintStream;
import java.util.List;

/// Text in columns.
final class Columns {
    private Columns() {}

    /// Prints rows of text, the first row being the heads; columns of numbers stand to the right.
    static void print(PrintStream out, List<List<String>> lines, boolean... right) {
        int columns = lines.get(0).size();
        int[] widths = new int[columns];
        for (List<String> line : lines) {
            for (int i = 0; i < columns; i++) {
                widths[i] = Math.max(widths[i], line.get(i).length());
            }
        }
        for (List<String> line : lines) {
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < columns; i++) {
                String cell = line.get(i);
                String blanks = " ".repeat(widths[i] - cell.length());
                text.append(right[i] ? blanks + cell : cell + blanks).append("  ");
            }
            out.println(text.toString().stripTrailing());
        }
    }
}
