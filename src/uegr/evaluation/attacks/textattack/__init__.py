"""TextAttack's recipes behind the interface of our own attacks, in a separate environment.

TextAttack 0.3.11 needs transformers 4 and uegr needs 5: `bridge` runs `runner` with the Python of the other
environment, which attacks the plain Hugging Face checkpoint there, and reads the result.
"""
