"""TextAttack's recipes behind the interface of our own attacks, from an environment of its own.

TextAttack 0.3.11 wants transformers 4 and uegr wants 5: `bridge` starts the Python of another environment on
`runner`, which attacks the plain Hugging Face checkpoint there, and reads back what it writes.
"""
