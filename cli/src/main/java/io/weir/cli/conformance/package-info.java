/// What other systems promise in numbers, and how to try that: [ConformanceRules] names all rules, a class for each
/// subject holds its own. Nothing here knows how rules are launched or printed.
@NullMarked
package io.weir.cli.conformance;

import org.jspecify.annotations.NullMarked;
