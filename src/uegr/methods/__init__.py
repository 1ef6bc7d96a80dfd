"""The methods: one typed configuration each, and the registry."""
