"""`uegr` on the command line: each command parses, calls, and prints."""
