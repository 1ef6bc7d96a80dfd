"""The methods: one typed configuration each, the registry, and the object that a training loop uses."""
