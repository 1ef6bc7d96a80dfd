from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from support.sample_runs import full_entry, sample
from uegr.errors import UsageError
from uegr.runs.model_card import BEGIN, eval_results, write_card
from uegr.runs.results_json import document

CONFIG: dict[str, Any] = {
    "method": "uegr",
    "options": {"epsilon": 0.1},
    "model": "all-MiniLM-L6-v2",
    "seed": 0,
    "epochs": 3.0,
    "learning_rate": 1e-4,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "reviews-uegr"
    path.mkdir()
    run = {"config": CONFIG, "task": "rotten_tomatoes", "train_examples": 500, "kind": "classification"}
    (path / "run.json").write_text(json.dumps({**run, "cost": {"seconds": 10.0, "flop_ratio": 2.3}}))
    return path


def measured(folder: Path, **changes: Any) -> None:
    (folder / "results.json").write_text(json.dumps(document([full_entry(**changes)])))


def test_card_after_training_describes_the_run(folder: Path) -> None:
    card = ModelCard.load(write_card(folder))
    assert card.data.library_name == "transformers"
    assert card.data.base_model == "sentence-transformers/all-MiniLM-L6-v2"
    assert card.data.eval_results is None
    assert "Not measured yet" in card.text
    assert "epsilon 0.1" in card.text
    assert "processor" not in card.text, "a run of an earlier version does not say what it ran on"


def test_card_names_the_processor(folder: Path) -> None:
    run = json.loads((folder / "run.json").read_text())
    run["cost"]["processor"] = "NVIDIA H100"
    (folder / "run.json").write_text(json.dumps(run))
    assert "| processor | NVIDIA H100 |" in ModelCard.load(write_card(folder)).text


def test_measured_robustness_stands_in_the_model_index(folder: Path) -> None:
    write_card(folder)
    measured(folder)
    card = ModelCard.load(write_card(folder))
    assert "Not measured yet" not in card.text
    assert "| 0.02 | 60.0 |" in card.text
    after_tables = re.findall(r"\|\n+([^|\n])", card.text)
    assert after_tables
    assert len(after_tables) == len(re.findall(r"\|\n\n[^|\n]", card.text)), "a table must end with a blank line"
    results = {result.metric_type: result for result in card.data.eval_results}
    assert results["accuracy"].metric_value == 0.8
    robust = results["robust_accuracy_0.02"]
    assert (robust.metric_value, robust.dataset_name) == (0.6, "rotten_tomatoes")
    assert robust.metric_args == {"epsilon": 0.02, "norm": "l2", "relative": True, "examples": 300}
    assert results["robust_area"].metric_value == pytest.approx(0.6)
    assert results["accuracy_under_synonyms"].metric_value == 0.3
    index = card.data.to_dict()["model-index"]
    assert index[0]["name"] == "reviews-uegr"


def test_the_model_index_is_that_of_the_last_measurement(folder: Path) -> None:
    measured(folder)
    write_card(folder)
    entry = full_entry()
    measured(folder, metrics={**entry["metrics"], "accuracy": 0.7})
    results = {result.metric_type: result for result in ModelCard.load(write_card(folder)).data.eval_results}
    assert results["accuracy"].metric_value == 0.7


def test_an_area_in_the_model_index_names_its_range() -> None:
    curve = {"attack": "pgd", "norm": "l2", "relative": True, "accuracy": [0.6, 0.4]}
    for start, name in ((0.0, "mean accuracy over epsilon up to 0.04"), (0.02, "over epsilon from 0.02 up to 0.04")):
        (area,) = eval_results(sample(robustness={**curve, "epsilons": [start, 0.04]}))[-1:]
        assert area.metric_type == "robust_area" and str(area.metric_name).endswith(name)


def test_an_attack_in_the_model_index_has_the_data_that_it_attacked() -> None:
    attack = {"attack": "deepwordbug", "examples": 200}
    attacks = [
        {**attack, "accuracy": 0.2, "split": "validation"},
        {**attack, "accuracy": 0.5, "split": "test", "temperature": 2.0},
        {**attack, "accuracy": 0.6, "split": "test"},
    ]
    entries = eval_results(sample(split="test", text_attacks=attacks))[-3:]
    assert [entry.dataset_split for entry in entries] == ["validation", "test", "test"]
    assert [entry.metric_type for entry in entries] == [
        "accuracy_under_deepwordbug_on_validation_data",
        "accuracy_under_deepwordbug_calibrated",
        "accuracy_under_deepwordbug",
    ]


def test_queries_that_were_not_counted_are_no_zero(folder: Path) -> None:
    attack = {"attack": "deepwordbug", "examples": 200, "accuracy": 0.5}
    measured(folder, text_attacks=[attack, {**attack, "attack": "synonyms", "queries": 7.4}])
    text = write_card(folder).read_text()
    assert "| deepwordbug | 200 | 50.0 | – | – | – |" in text and "| synonyms | 200 | 50.0 | – | – | 7 |" in text


def test_edits_of_the_training_the_size_of_the_changes_and_telling_lengths_stand_on_the_card(folder: Path) -> None:
    attack = {"attack": "deepwordbug", "examples": 200, "accuracy": 0.5, "trained_on": True, "queries": 7.0}
    attack |= {"words_changed": 0.125, "similarity": 0.914, "options": {"similarity": 0.8}}
    measured(folder, text_attacks=[attack], length_baseline={"accuracy": 0.9, "auc": 0.95})
    card = ModelCard.load(write_card(folder))
    assert "| deepwordbug % | 50.0 * |" in card.text and "\n\n*: trained on such edits.\n\n" in card.text
    assert "| deepwordbug, trained on such edits | 200 | 50.0 | 12.5 | 0.91 (0.8) | 7 |" in card.text
    assert "\n\nlength alone: a classifier that sees nothing but the lengths" in card.text
    assert card.data.eval_results[-1].metric_name == "accuracy under deepwordbug, trained on such edits"
    measured(folder)
    unmarked = ModelCard.load(write_card(folder)).text
    assert "trained on such edits" not in unmarked and "length alone" not in unmarked and "\n\n\n\n" not in unmarked


def test_renewing_keeps_what_a_person_has_written(folder: Path) -> None:
    path = write_card(folder)
    path.write_text(path.read_text().replace("---\n\n", "---\n\nBy Ada.\n\n").replace("tags:", "license: mit\ntags:"))
    path.write_text(path.read_text() + "\nThanks to all.\n")
    measured(folder)
    write_card(folder)
    card = ModelCard.load(write_card(folder))
    assert card.text.strip().startswith("By Ada.")
    assert card.text.strip().endswith("Thanks to all.")
    assert card.text.count(BEGIN) == 1
    assert card.data.license == "mit"
    assert len(card.data.eval_results) == len({result.metric_type for result in card.data.eval_results})


def test_the_text_of_another_readme_is_kept(folder: Path) -> None:
    (folder / "README.md").write_text("My own words.\n")
    text = write_card(folder).read_text()
    assert "My own words." in text
    assert BEGIN in text


def test_a_header_that_cannot_be_read_is_not_overwritten(folder: Path) -> None:
    (folder / "README.md").write_text("---\ntags: [\n---\nwords\n")
    with pytest.raises(UsageError, match="header"):
        write_card(folder)
    assert "words" in (folder / "README.md").read_text()


def test_names_cannot_break_the_card(folder: Path) -> None:
    evil = "<script>|a\nb: c"
    measured(folder, task=evil, text_attacks=[{"attack": evil, "examples": 3, "accuracy": 0.5}])
    card = ModelCard.load(write_card(folder))
    assert "<script>" not in card.text
    assert card.data.eval_results[0].dataset_name == evil
