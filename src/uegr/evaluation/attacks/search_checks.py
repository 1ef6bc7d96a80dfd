"""Name what is wrong with the search of a user's own attack on the text."""

from collections.abc import Generator
from typing import Any

from uegr.errors import UsageError, shown
from uegr.evaluation.attacks.attack_results import Texts
from uegr.evaluation.attacks.text_search import Request, Search, SimilarityRequest


def checked_search(attack: str, search: Any, texts: Texts, label: int) -> Search:
    """The same search, which ends where it does something else than `TextAttack.search` says.

    Args:
        attack: the class of the attack, for the error.
        search: what its `search` has returned.
        texts, label: the example.

    Raises:
        UsageError: it is not a generator, or yields or returns what it must not.
    """
    if not isinstance(search, Generator):
        raise UsageError(f"{attack}.search() must be a generator: yield Request(candidates), and return texts or None.")
    answer, fooling = None, set[Texts]()
    while True:
        try:
            request = next(search) if answer is None else search.send(answer)
        except StopIteration as end:
            result: Texts | None = end.value
            if result is None:
                return None
            _check_texts(attack, result, texts)
            if result not in fooling:
                raise UsageError(
                    f"{attack}.search() has returned a text that it has not seen to fool the model: return a candidate "
                    "of a Request whose largest probability is not that of the label, or None."
                ) from None
            return result
        if not isinstance(request, Request | SimilarityRequest):
            raise UsageError(f"{attack}.search() must yield a Request or a SimilarityRequest, not {shown(request)}.")
        for candidate in request.candidates:
            _check_texts(attack, candidate, texts)
        answer = yield request
        if isinstance(request, Request):
            wrong = answer.argmax(axis=1) != label if request.candidates else []
            fooling |= {candidate for candidate, fools in zip(request.candidates, wrong, strict=True) if fools}


def _check_texts(attack: str, candidate: Any, texts: Texts) -> None:
    is_texts = isinstance(candidate, tuple) and all(isinstance(text, str) for text in candidate)
    if not is_texts or len(candidate) != len(texts):
        given = f"a tuple of {len(candidate)}" if is_texts else shown(candidate)
        raise UsageError(
            f"{attack}.search() must give each candidate as it gets the texts, a tuple of {len(texts)} strings, not "
            f"{given}: write (*texts[:-1], changed)."
        )
