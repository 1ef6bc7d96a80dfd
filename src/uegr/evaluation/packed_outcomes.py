"""Which examples a model classifies correctly, as a compact text in results.json: paired tests need every example.

One bit per example, packed and written as base64, so that a thousand examples at five epsilons take a kilobyte.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uegr.errors import UsageError

Hits = NDArray[np.bool_]


def pack_outcomes(clean: Hits, robust: Hits, typos: Hits) -> dict[str, Any]:
    """The "outcomes" part of results.json.

    Args:
        clean: whether each test example is correctly classified, shape (N,).
        robust: whether each attacked example is correctly classified at each epsilon, shape (epsilons, M); the M
            attacked examples are the same fixed choice of the N in every run.
        typos: whether each test example is correctly classified with typing errors in it, shape (N,).

    Returns:
        {"examples": N, "clean": text, "typos": text, "robust": [one text per epsilon]}
    """
    one_each = {"clean": pack_bits(clean), "typos": pack_bits(typos)}
    return {"examples": len(clean), **one_each, "robust": [pack_bits(row) for row in robust]}


def unpack_outcomes(outcomes: Mapping[str, Any] | None, attacked: int | None) -> tuple[Hits, Hits] | None:
    """`clean` (N,) and `robust` (epsilons, M) of the "outcomes" part of results.json, or None where there is none.

    Args:
        outcomes: the part.
        attacked: M, the number of attacked examples; None where all N were attacked.
    """
    if outcomes is None:
        return None
    attacked = outcomes["examples"] if attacked is None else attacked
    robust = [unpack_bits(text, attacked) for text in outcomes["robust"]]
    return unpack_bits(outcomes["clean"], outcomes["examples"]), np.array(robust, dtype=bool).reshape(-1, attacked)


def pack_bits(hits: Hits) -> str:
    """Whether each of N examples was correctly classified, shape (N,), as text."""
    return b64encode(np.packbits(hits).tobytes()).decode("ascii")


def unpack_bits(text: str, count: int) -> Hits:
    """What `pack_bits` was given; `count` is N.

    Raises:
        UsageError: the text is damaged.
    """
    try:
        packed = np.frombuffer(b64decode(text, validate=True), dtype=np.uint8)
    except ValueError:
        packed = np.empty(0, dtype=np.uint8)
    if len(packed) != -(-count // 8):
        raise UsageError(f"the outcomes of {count} examples are damaged: measure the run again.")
    return np.unpackbits(packed, count=count).astype(bool)
