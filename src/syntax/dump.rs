//! Prints a tree as nested lists, one statement per line: what `vippl dump` and the tests show.
