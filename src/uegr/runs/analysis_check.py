"""What the shapes of the analysis in results.json leave open: lengths of lists, and numbers that go together."""

from collections.abc import Mapping
from functools import reduce
from typing import Any

from uegr.runs.json_parts import MisfitError, read_value
from uegr.runs.result_shapes import AnalysisPart

LISTS = {
    "calibration": ("bins",),
    "selective": ("coverage", "risk"),
    "similarity": ("layers", "cka", "cosine", "drift"),
    "saliency": ("parameters",),
    "landscape.sharpness": ("rho", "increase"),
    "landscape.slice_1d": ("alphas", "loss", "accuracy"),
    "landscape.slice_2d": ("alphas", "loss"),
}
"""Place in the analysis -> its lists, which are of one length and not empty."""


def check_analysis(analysis: Mapping[str, Any]) -> None:
    """Raise a MisfitError unless an analysis of the right shape can be drawn; parts of later versions are kept."""
    for name, part in analysis.items():
        read_value(part, AnalysisPart, f"analysis.{name}")
    for place, names in LISTS.items():
        part = reduce(lambda part, key: part.get(key, {}), place.split("."), analysis)
        lengths = {len(part[name]) for name in names if name in part}
        if len(lengths) > 1 or 0 in lengths:
            raise MisfitError(f"lacks values of one length in analysis.{place}: {', '.join(names)}")
    if "landscape" in analysis:
        plane = analysis["landscape"]["slice_2d"]
        if {len(row) for row in plane["loss"]} != {len(plane["betas"])}:
            raise MisfitError("lacks a loss for each beta in analysis.landscape.slice_2d")
    filled = [interval for interval in analysis.get("calibration", {}).get("bins", ()) if interval["count"]]
    if "calibration" in analysis and (not filled or any(None in interval.values() for interval in filled)):
        raise MisfitError("lacks the means of the examples in analysis.calibration.bins")
