"""The dropout rates of the k passes, and the options that are refused."""

from __future__ import annotations

from typing import Any

import pytest

from support.stages import stage_of
from uegr.errors import UsageError
from uegr.forward.uegr import UEGRForward
from uegr.forward.uegr_options import UEGRForwardOptions


@pytest.mark.parametrize(
    ("dropout", "passes", "rates"),
    [
        ((0.1, 0.3), 2, [0.1, 0.3]),
        ((0.1, 0.3), 3, [0.1, 0.2, 0.3]),  # the two ends of a range
        ((0.1, 0.3), 1, [0.2]),
        ((0.25,), 1, [0.25]),
        ((0.4, 0.0, 0.2), 3, [0.4, 0.0, 0.2]),  # one rate for each pass, in any order
        ((0.3, 0.1), 2, [0.3, 0.1]),
    ],
)
def test_rates_are_one_per_pass_or_a_range(dropout: tuple[float, ...], passes: int, rates: list[float]) -> None:
    assert UEGRForwardOptions(dropout=dropout, passes=passes).pass_rates() == pytest.approx(rates)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epsilon": -1.0}, "epsilon must be at least 0"),
        ({"passes": 0}, "passes must be at least 1"),
        ({"js_weight": -1.0}, "js_weight must be at least 0"),
        ({"clean_weight": -0.1}, "clean_weight must be at least 0"),
        ({"ascent_steps": 0}, "ascent_steps must be at least 1"),
        ({"norm": "l3"}, "unknown norm"),
        ({"dropout": (0.1, 1.0)}, "dropout rates must be at least 0 and below 1"),
        ({"dropout": (-0.1, 0.3)}, "dropout rates must be at least 0 and below 1"),
        ({"dropout": (0.1, 0.2, 0.3)}, "one rate for each of the 2 passes"),
        ({"dropout": (0.3, 0.1), "passes": 3}, "a range"),
        ({"dropout": ()}, "one rate for each"),
        ({"views": ("auto", "characters")}, "auto cannot be combined with others"),
        ({"views": ("auto+characters",)}, "auto cannot be combined with others"),
        ({"reuse": True, "clean_weight": 0.0}, "reuse needs"),
        ({"reuse": True, "epsilon": 0.0}, "reuse needs"),
        ({"reuse": True, "views": ("characters",), "passes": 1}, "reuse needs"),
        ({"reuse": True, "checkpoint_passes": True}, "reuse needs"),
    ],
)
def test_impossible_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        UEGRForwardOptions(**options)
    with pytest.raises(UsageError, match=message):
        stage_of(UEGRForward, **options)


def test_a_list_is_taken_as_a_tuple_and_the_options_are_frozen() -> None:
    options = UEGRForwardOptions(dropout=[0.1, 0.2])  # type: ignore[arg-type]
    assert options.dropout == (0.1, 0.2)
    with pytest.raises(AttributeError):
        options.passes = 3  # type: ignore[misc]
