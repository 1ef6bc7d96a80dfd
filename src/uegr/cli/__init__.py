"""The command line `uegr`: each command parses its options, calls the library, and prints.

The commands import what they need when they run, so that `uegr --help` imports neither torch nor transformers.
"""
