"""The result of a gate: its lines, the texts that it names, and the files that it writes."""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from uegr.atomic_files import write_json, write_text
from uegr.runs.result_parts import TRAINED_ON

WRITTEN = ("gate.json", "gate.xml")
"""The files of a result."""
SHOWN = 3
"""Number of look-alike texts that are printed."""
LONGEST = 100
"""Number of characters of such a text that are printed."""


@dataclass(frozen=True)
class GateLine:
    """One limit of the policy and what was measured."""

    name: str
    value: float
    limit: float
    is_minimum: bool
    passed: bool

    def texts(self, decimals: int) -> tuple[str, str]:
        """The value and the exact limit as text, with more decimals where these do not show which is larger."""

        def sides(value: float) -> tuple[bool, bool]:
            return value < self.limit, value > self.limit

        limit = _shortest(self.limit, decimals, lambda rounded: rounded == self.limit)
        decimals = max(decimals, len(limit.partition(".")[2]))
        value = _shortest(self.value, decimals, lambda rounded: sides(rounded) == sides(self.value))
        return value, f"{'at least' if self.is_minimum else 'at most'} {limit}"


@dataclass(frozen=True)
class GateResult:
    """The verdict of a gate.

    Args:
        model: path of the model.
        examples, perturbed: number of texts, and of those that were perturbed.
        lines: one per limit.
        slices: the weakest parts of the data, weakest first: name, number of examples, accuracy.
        flips: texts whose prediction changes: before, after, perturbation, label and both predictions.
        unchanged: perturbation -> number of texts that it leaves as they are, such as Chinese texts by homoglyphs.
        look_alikes: number of texts that only look perturbed; 0 if the policy has no such file.
        mistaken: those of them with a wrong prediction: text, label, predicted.
        trained_on: the limited perturbations that make the same kind of edits as the training of the run.
        not_known: those of which a run of an earlier version does not say whether its training had them.
        normalize: the steps that were put before the model's own normalizer.
    """

    model: str
    examples: int
    perturbed: int
    lines: list[GateLine]
    slices: list[dict[str, Any]]
    flips: list[dict[str, str]]
    unchanged: dict[str, int] = field(default_factory=dict)
    look_alikes: int = 0
    mistaken: list[dict[str, str]] = field(default_factory=list)
    trained_on: list[str] = field(default_factory=list)
    not_known: list[str] = field(default_factory=list)
    normalize: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return all(line.passed for line in self.lines)

    def notes(self) -> list[str]:
        """Sentences about what was measured, to be read with the lines."""
        unchanged = [
            f"{name} changes nothing in {count:,} of {self.perturbed:,} texts: no prediction flips."
            for name, count in self.unchanged.items()
            if count
        ]
        notes = [f"steps before the model's own normalizer: {', '.join(self.normalize)}"] if self.normalize else []
        notes += [f"{TRAINED_ON}: {', '.join(self.trained_on)}"] if self.trained_on else []
        notes += [f"not known whether {TRAINED_ON}: {', '.join(self.not_known)}"] if self.not_known else []
        notes += unchanged
        if self.look_alikes:
            notes.append(f"harmless accuracy is that of {self.look_alikes:,} texts that only look perturbed.")
            notes += [
                f"wrong: {row['label']} predicted as {row['predicted']}: {_shortened(row['text'])}"
                for row in self.mistaken[:SHOWN]
            ]
        return notes

    def write(self, folder: Path) -> None:
        """Write gate.json and gate.xml (JUnit's format, which CI services read)."""
        json_file, xml_file = WRITTEN
        write_json(folder / json_file, {"passed": self.passed, **asdict(self)})
        suite = ElementTree.Element("testsuite", name=_printable(f"uegr gate {self.model}"), tests=str(len(self.lines)))
        ElementTree.SubElement(suite, "system-out").text = _printable("\n".join(self.notes()))
        suite.set("failures", str(sum(not line.passed for line in self.lines)))
        for line in self.lines:
            case = ElementTree.SubElement(suite, "testcase", classname="uegr.gate", name=_printable(line.name))
            if not line.passed:
                message = "{} is {} and must be {}".format(_printable(line.name), *line.texts(decimals=4))
                ElementTree.SubElement(case, "failure", message=message).text = message
        write_text(folder / xml_file, ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n")


def _shortest(number: float, decimals: int, is_enough: Callable[[float], bool]) -> str:
    """The number with the fewest decimals, from this many on, that are enough."""
    texts = (f"{number:.{count}f}" for count in range(decimals, 17))
    return next((text for text in texts if is_enough(float(text))), repr(number))


def _shortened(text: str) -> str:
    """A text on one line, cut to `LONGEST` characters."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "\u2026"


def _printable(text: str) -> str:
    """Replace the characters that XML cannot hold."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)
