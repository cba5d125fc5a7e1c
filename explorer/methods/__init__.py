"""One idea a file, written against the core protocols."""
