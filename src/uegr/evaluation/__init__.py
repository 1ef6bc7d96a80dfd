"""What is measured on a model in memory: its metrics, and how easily it is fooled."""
