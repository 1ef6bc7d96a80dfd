"""The bridge to TextAttack: with a script in place of its environment, and with the real one where installed."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from datasets import Dataset

from conftest import tokenizer
from uegr.errors import UsageError
from uegr.evaluation.attacks.textattack import bridge
from uegr.evaluation.evaluated_model import EvaluatedModel

STAND_IN = """
import json, sys
job = json.load(open(sys.argv[1]))
assert "the" in job["stop_words"]
if job["recipe"] == "Broken":
    raise SystemExit("no such recipe")
results = [{"after": ["awful"] if i % 2 else None, "predicted": 0, "queries": 7} for i, _ in enumerate(job["examples"])]
json.dump(results, open(sys.argv[2], "w"))
"""


def test_what_the_other_side_writes_is_read_back(
    evaluated: EvaluatedModel, rows: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runner.py").write_text(STAND_IN)
    monkeypatch.setattr(bridge.runner, "__file__", str(tmp_path / "runner.py"))
    monkeypatch.setenv(bridge.PYTHON, sys.executable)
    outcomes = bridge.attack_with_recipe(evaluated, tmp_path, rows.select(range(4)), "Any")
    assert [outcome.after for outcome in outcomes] == [None, ("awful",), None, ("awful",)]
    assert [outcome.predicted for outcome in outcomes] == [0, 0, 0, 0]
    assert {outcome.queries for outcome in outcomes} == {7}
    with pytest.raises(UsageError, match=r"Broken failed in .* \(no such recipe\): correct that"):
        bridge.attack_with_recipe(evaluated, tmp_path, rows.select(range(4)), "Broken")


def test_without_the_other_environment_the_fix_is_named(
    evaluated: EvaluatedModel, rows: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(bridge.PYTHON, raising=False)
    with pytest.raises(UsageError, match=bridge.PYTHON):
        bridge.attack_with_recipe(evaluated, tmp_path, rows, "DeepWordBugGao2018")


def test_only_the_second_text_of_a_pair_may_change(monkeypatch: pytest.MonkeyPatch) -> None:
    module = SimpleNamespace(InputColumnModification=lambda columns, ignored: (columns, ignored))
    monkeypatch.setitem(sys.modules, "textattack.constraints.pre_transformation", module)  # type: ignore[arg-type]
    attack = SimpleNamespace(pre_transformation_constraints=["no stop words"])
    bridge.runner.change_last_column_only(attack, ["text0", "text1"])
    assert attack.pre_transformation_constraints == ["no stop words", (["text0", "text1"], {"text0"})]


@pytest.mark.skipif(bridge.PYTHON not in os.environ, reason=f"needs {bridge.PYTHON}, the Python of TextAttack")
def test_a_recipe_fools_a_small_model(evaluated: EvaluatedModel, rows: Dataset, tmp_path: Path) -> None:
    evaluated.model.save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    outcomes = bridge.attack_with_recipe(evaluated, tmp_path, rows.select(range(6)), "DeepWordBugGao2018")
    assert any(outcome.after for outcome in outcomes)
    assert all(outcome.queries > 1 for outcome in outcomes if outcome.correct)
    pairs = rows.select(range(6)).add_column("first", ["good film"] * 6)
    outcomes = bridge.attack_with_recipe(evaluated.reading(("first", "text")), tmp_path, pairs, "DeepWordBugGao2018")
    assert {outcome.after[0] for outcome in outcomes if outcome.after} == {"good film"}
