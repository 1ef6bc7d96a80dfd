"""Scripts that are written without spaces between words, so a sentence looks like one word."""

UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
"""A character of such a script, as a regular expression."""
