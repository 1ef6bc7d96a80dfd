"""Which edits the weights of a run were trained on, however many trainings ago."""

import json
from pathlib import Path
from typing import Any

import pytest

from uegr.errors import UsageError
from uegr.runs.trained_edits import earlier_training, is_trained_on

HARDENING = {"edits": "ocr:0.1", "texts": 5, "seconds": 1.0}


def record(views: list[str] | None = None, options: dict[str, Any] | None = None, **others: Any) -> dict[str, Any]:
    """The parts of a run.json that say what was read."""
    named = {} if views is None else {"views": views}
    return {"config": {"method": "plain", "options": options or {}}, **named, **others}


def folder_with(folder: Path, file: str, content: dict[str, Any]) -> str:
    folder.mkdir()
    (folder / file).write_text(json.dumps(content))
    return str(folder)


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (record(["adversarial", "characters:0.2"]), {"deepwordbug": True, "ocr": False, "deletion": False}),
        (record([], hardening=HARDENING), {"deepwordbug": False, "ocr": True}),  # a run of version 2.1
        (record([], earlier_views=["mask", None]), {"deletion": True, "ocr": None}),
        (record(options={"views": ["ocr:0.2"]}), {"ocr": True, "deepwordbug": False}),
        (record(options={"views": "adversarial,ocr:0.2"}), {"ocr": True, "deepwordbug": False}),
        (record(["clean"], model_folder={"runs/first": "a1"}), {"ocr": None}),
        (record(["clean"], model_folder={"runs/first": "a1"}, earlier_views=[]), {"ocr": False}),
        (record(["no_longer_there", "mask"]), {"ocr": None, "deletion": True}),
        (record(), {"ocr": None}),  # today's default need not be that of its version
    ],
)
def test_the_attacks_that_a_run_was_trained_on(run: dict[str, Any], expected: dict[str, bool | None]) -> None:
    assert {attack: is_trained_on(attack, run) for attack in expected} == expected


def test_what_the_weights_read_before_travels_from_training_to_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hardened = {"finished": True, "config": {"edits": "ocr:0.1"}, "cost": {"texts": 5, "seconds": 1.0}}
    folder_with(tmp_path / "first", "hardening.json", hardened)
    monkeypatch.setenv("HARDENED", str(tmp_path))
    first = earlier_training("$HARDENED/first")
    assert first == {"hardening": HARDENING, "earlier_views": ["ocr:0.1"]}
    second = earlier_training(folder_with(tmp_path / "second", "run.json", record(["mask"], **first)))
    assert second == {"hardening": HARDENING, "earlier_views": ["mask", "ocr:0.1"]}
    third = earlier_training(folder_with(tmp_path / "third", "run.json", record(["slips:0.2"], **second)))
    assert third["earlier_views"] == ["slips:0.2", "mask", "ocr:0.1"]
    again = earlier_training(folder_with(tmp_path / "again", "hardening.json", hardened | third))
    assert again["earlier_views"] == ["ocr:0.1", "slips:0.2", "mask", "ocr:0.1"]
    for name in ("org/model", "", str(tmp_path)):
        assert earlier_training(name) == {"earlier_views": []}
    assert earlier_training(folder_with(tmp_path / "other", "run.json", {"a": 1})) == {"earlier_views": [None]}


def test_a_hardening_that_is_not_finished_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not hardened yet: finish with uegr harden"):
        earlier_training(folder_with(tmp_path / "begun", "hardening.json", {"config": {"edits": "ocr:0.1"}}))
    broken = {"finished": True, "config": {}}
    with pytest.raises(UsageError, match="lacks config.edits or cost: harden again with --overwrite"):
        earlier_training(folder_with(tmp_path / "broken", "hardening.json", broken))
