"""Which method to use for which purpose, by our comparisons: the text below the table of `uegr methods`."""

import json
from importlib.resources import files
from typing import Any

PURPOSES = {
    "clean": "accuracy on clean data",
    "ECE": "calibration",
    "embedding attacks": "robustness to embedding attacks",
    "synonyms": "robustness to synonyms, on which no method trained",
    "letter tricks": "robustness to look-alike and spaced letters, leetspeak and OCR, on which no method trained",
    "typing errors": "robustness to typing errors, on which uegr trains",
    "all": "all of these together",
}
"""Group of measures of a comparison -> what a user wants."""


def advice_text() -> str:
    """A sentence on how to read the advice, and for each comparison what it compared and one line per purpose."""
    advice: dict[str, Any] = json.loads(files("uegr.cli").joinpath("method_advice.json").read_text(encoding="utf-8"))
    lines = ["Which method? By mean rank; in brackets: methods that do not differ significantly from the first."]
    for comparison in advice["comparisons"]:
        lines.append(f"{', '.join(comparison['tasks'])} with {comparison['model']} ({comparison['settings']}):")
        for name, (first, *others) in comparison["purposes"].items():
            alike = f" ({', '.join(others)})" if others else ""
            lines.append(f"- {PURPOSES[name]}: {first}{alike}")
    task, first = advice["regression"]["task"], advice["regression"]["first"]
    lines.append(f"Regression ({task}), clean and under embedding attacks: {first}")
    return "\n".join(lines)
