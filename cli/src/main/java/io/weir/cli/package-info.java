/// The command line: `weir …`. Options come in, library calls go out; data is printed to standard output, progress
/// and errors to standard error.
@NullMarked
package io.weir.cli;

import org.jspecify.annotations.NullMarked;
