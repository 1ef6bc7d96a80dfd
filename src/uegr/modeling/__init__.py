"""Models: loading them; their embeddings, dropout, head and layers; the kinds of task."""
