from __future__ import annotations

import copy
from typing import Any

import pytest

from support.sample_runs import ANALYSIS, sample
from uegr.errors import UsageError


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("calibration", "examples"), "many", "'many' as analysis.calibration.examples"),
        (("calibration", "bins"), [], "analysis.calibration: bins"),
        (("calibration", "bins", 1, "accuracy"), None, "the means of the examples in analysis.calibration.bins"),
        (("calibration", "bins"), ANALYSIS["calibration"]["bins"][:1], "the means of the examples"),
        (("selective", "risk"), [0.1], "analysis.selective: coverage, risk"),
        (("similarity", "drift"), [], "analysis.similarity: layers, cka, cosine, drift"),
        (("saliency", "parameters"), [], "analysis.saliency: parameters"),
        (("landscape", "sharpness", "rho"), [0.1], "analysis.landscape.sharpness: rho, increase"),
        (("landscape", "slice_2d", "betas"), [0.0], "a loss for each beta"),
        (("gradient_masking", "cost"), 5, "holds 5 as analysis.gradient_masking.cost"),
        (("of_a_later_version",), 5, "holds 5 as analysis.of_a_later_version"),
    ],
)
def test_an_analysis_that_cannot_be_drawn_is_named(place: tuple[Any, ...], value: Any, message: str) -> None:
    analysis = copy.deepcopy(ANALYSIS)
    part: Any = analysis
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    with pytest.raises(UsageError, match=message):
        sample(analysis=analysis)


def test_parts_of_a_later_version_are_kept() -> None:
    assert sample(analysis={"later": {"value": 1}}).analysis == {"later": {"value": 1}}
