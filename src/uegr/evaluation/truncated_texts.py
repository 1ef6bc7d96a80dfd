"""Where a model stops reading a text that is cut to its maximum number of tokens."""

from bisect import bisect_left
from collections.abc import Sequence

import regex
from transformers import PreTrainedTokenizerBase

from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.perturb.words import WORD

_WORD_END = regex.compile(r"(?:(?<=[\p{L}\p{M}])[\p{L}\p{M}\u200c\u200d]*)?")


def read_and_rest(evaluated: EvaluatedModel, texts: Sequence[tuple[str, ...]]) -> list[tuple[tuple[str, ...], str]]:
    """Each text up to the last word that the model reads, and the rest of it; for pairs, the second text is cut."""
    tokenizer, max_length = evaluated.tokenizer, evaluated.max_length
    if tokenizer.truncation_side != "right":
        return [(row, "") for row in texts]
    if not tokenizer.is_fast:
        ends = [_end_without_offsets(tokenizer, max_length, row) for row in texts]
        return [((*fixed, text[:end]), text[end:]) for (*fixed, text), end in zip(texts, ends, strict=True)]
    columns = [list(column) for column in zip(*texts, strict=True)]
    encoded = tokenizer(*columns, truncation=True, max_length=max_length, return_offsets_mapping=True)
    parts = []
    for i, (*fixed, text) in enumerate(texts):
        spans = zip(encoded.sequence_ids(i), encoded["offset_mapping"][i], strict=True)
        end = max((stop for part, (_, stop) in spans if part == len(fixed)), default=0)
        following = _WORD_END.match(text, end)
        end = following.end() if encoded[i].overflowing and following else len(text)
        parts.append(((*fixed, text[:end]), text[end:]))
    return parts


def _end_without_offsets(tokenizer: PreTrainedTokenizerBase, max_length: int, texts: tuple[str, ...]) -> int:
    """Where the model stops reading the last text: at the end of the shortest part with the tokens that it reads.

    Slow tokenizers do not say where in the text a token is.
    """
    *_, text = texts
    token_ids = [_token_ids(tokenizer, part) for part in texts]
    surplus = sum(map(len, token_ids)) + tokenizer.num_special_tokens_to_add(pair=len(texts) > 1) - max_length
    if surplus <= 0:
        return len(text)
    read = tokenizer.truncate_sequences(*token_ids, num_tokens_to_remove=surplus)[len(texts) - 1]
    places: list[int] = sorted({0, len(text), *(place for word in WORD.finditer(text) for place in word.span())})
    return places[bisect_left(places, True, key=lambda end: _token_ids(tokenizer, text[:end])[: len(read)] == read)]


def _token_ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    token_ids: list[int] = tokenizer(text, add_special_tokens=False, truncation=False)["input_ids"]
    return token_ids
