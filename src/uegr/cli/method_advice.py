"""Which method to use for which purpose, by our comparison: the text below the table of `uegr methods`."""

import json
from importlib.resources import files
from typing import Any

PURPOSES = {
    "clean": "accuracy on clean data",
    "ECE": "calibration",
    "embedding attacks": "robustness to embedding attacks",
    "all": "all of these together",
}
"""Group of measures of the comparison -> what a user wants."""


def advice_text() -> str:
    """A sentence on where the advice comes from, and one line per purpose."""
    advice: dict[str, Any] = json.loads(files("uegr.cli").joinpath("method_advice.json").read_text(encoding="utf-8"))
    lines = [
        f"Which method? By mean rank over {', '.join(advice['tasks'])} with {advice['model']}, uegr with "
        "views=adversarial. In brackets: methods that do not differ significantly from the first."
    ]
    for name, (first, *others) in advice["purposes"].items():
        alike = f" ({', '.join(others)})" if others else ""
        lines.append(f"- {PURPOSES[name]}: {first}{alike}")
    return "\n".join(lines)
