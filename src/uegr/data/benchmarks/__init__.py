"""The named tasks: one file per family of benchmarks, one `Task` per entry."""
