"""The result slots of a grid: every run that it asks for, with its result once there is one.

A results file is JSON lines, one slot per line:

    {"task": ..., "model": ..., "method": ..., "seed": ..., "content": {...}, "run": {...} or null}

Tables are made from slots alone, so that a file can be summarised after the grid or the options of its methods have
changed.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from uegr.compare.cell_content import comparable
from uegr.errors import UsageError
from uegr.options import type_hints
from uegr.runs.json_parts import MisfitError, read_value
from uegr.runs.run_result import RunResult

SEED = "train.seed"
Run = dict[str, Any]
"""An entry of results.json; see `uegr.runs.run_result`."""
SlotKey = tuple[str, str, str, int]
"""Task, model, method and seed."""


@dataclass(frozen=True)
class ResultSlot:
    """One run of a grid.

    Args:
        task, model, method: their names in the grid.
        seed: seed of the run.
        content: everything that decides the numbers; see `Cell.content`.
        run: the result, as the file has it; None while it is missing.
    """

    task: str
    model: str
    method: str
    seed: int
    content: dict[str, Any]
    run: Run | None = None

    @property
    def key(self) -> SlotKey:
        """Identifies a slot within a grid."""
        return self.task, self.model, self.method, self.seed

    @cached_property
    def result(self) -> RunResult | None:
        """The run, typed; None while it is missing.

        Raises:
            MisfitError: a field of the run is missing or has another form.
        """
        return None if self.run is None else RunResult.read(self.run)


def read_slots(path: Path) -> list[ResultSlot]:
    """All lines of a results file, in their order; none if there is no file."""
    slots = []
    lines = path.read_bytes().splitlines() if path.exists() else []
    for number, line in enumerate(lines, 1):
        try:
            slots.append(_checked(ResultSlot(**json.loads(line))))
        except (ValueError, TypeError, RecursionError) as error:
            raise _refusal(path, number, error) from error
    return slots


def check_runs(slots: Iterable[ResultSlot], path: Path) -> None:
    """Raise a UsageError naming the first line of a results file whose run cannot be put into a table."""
    for number, slot in enumerate(slots, 1):
        try:
            slot.result  # noqa: B018  # reads the run
        except MisfitError as error:
            raise _refusal(path, number, error) from error


def _refusal(path: Path, number: int, error: Exception) -> UsageError:
    return UsageError(
        f"line {number} of '{path}' is not a result of uegr compare ({error}): remove the line; its run will be "
        "repeated."
    )


def _checked(slot: ResultSlot) -> ResultSlot:
    """Raise a MisfitError unless every field of a slot is of its type."""
    for name, hint in type_hints(ResultSlot).items():
        read_value(getattr(slot, name), hint, name)
    return slot


def latest_slots(path: Path) -> list[ResultSlot]:
    """The latest slots of a results file; see `latest_of`."""
    return latest_of(read_slots(path))


def latest_of(slots: Sequence[ResultSlot]) -> list[ResultSlot]:
    """One slot for each task, model, method and seed: the last of several.

    Runs of earlier settings are left out: those whose content differs, in more than the seed, from the content of the
    last run with the same task, model and method. A setting that only one of the two has is ignored: a later version
    added it. So is the path of a file or model folder of which both have a digest.
    """
    latest = {slot.key: slot for slot in slots}
    last_run = {slot.key[:3]: slot.content for slot in slots if slot.run is not None}
    return [slot for slot in latest.values() if slot.run is None or _same_settings(slot, last_run[slot.key[:3]])]


def _same_settings(slot: ResultSlot, content: dict[str, Any]) -> bool:
    own, other = comparable(slot.content, content)
    return all(own[key] == other[key] for key in own.keys() & other.keys() - {SEED})


def text_of(slots: list[ResultSlot]) -> str:
    """The content of a results file with these slots."""
    return "".join(json.dumps(asdict(slot)) + "\n" for slot in slots)


def name_of_plain(slots: list[ResultSlot]) -> str | None:
    """The grid's name for plain fine-tuning; None if the grid has no such method."""
    return next((slot.method for slot in slots if slot.content.get("method") == "plain"), None)
