"""Data: from the name of a task, or a user's files, to labelled texts in three splits, and to token ids.

To add a data set with a name, write an entry in one of the files of `benchmarks/`; `task_registry.py` collects them.
"""
