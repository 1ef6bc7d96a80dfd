"""Outcomes come back as they were packed; damaged ones are refused and not read as wrong answers."""

from __future__ import annotations

import numpy as np
import pytest

from uegr.errors import UsageError
from uegr.evaluation.packed_outcomes import pack_bits, unpack_bits


@pytest.mark.parametrize("count", [0, 1, 8, 21])
def test_outcomes_come_back(count: int) -> None:
    hits = np.random.default_rng(0).random(count) < 0.5
    assert unpack_bits(pack_bits(hits), count).tolist() == hits.tolist()


@pytest.mark.parametrize(
    "text", [pack_bits(np.ones(8, dtype=bool)), "", "no base64!", pack_bits(np.ones(30, dtype=bool))]
)
def test_damaged_outcomes_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="the outcomes of 21 examples are damaged: measure the run again"):
        unpack_bits(text, 21)
