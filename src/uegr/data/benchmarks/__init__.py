"""The entries of the registry, one file a family of benchmarks."""
