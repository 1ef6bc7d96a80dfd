"""The gate: measures by hand, a verdict, JUnit's XML, the exit code."""

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import yaml
from datasets import Dataset

from conftest import reviews, tokenizer
from support.command_line import error_of, run
from support.small_models import bert
from uegr.errors import UsageError
from uegr.evaluation.attacks.attack_results import COLUMN_MARK
from uegr.runs.gate import _class_measures, _perturbed, run_gate
from uegr.runs.gate_policy import GatePolicy, read_policy
from uegr.runs.open_classifier import open_model


def test_rates_of_a_class_by_hand() -> None:
    labels, predicted = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0]), np.array([1, 1, 1, 0, 1, 0, 0, 0, 0, 0])
    assert _class_measures(predicted, labels, 1) == {"recall": 0.75, "precision": 0.75, "false_positive_rate": 1 / 6}
    assert _class_measures(predicted, labels, 0)["recall"] == 5 / 6
    nothing = _class_measures(np.array([0, 0]), np.array([0, 0]), 1)
    assert nothing == {"recall": 1.0, "precision": 0.0, "false_positive_rate": 0.0}


def test_a_good_run_passes_easy_limits_and_fails_impossible_ones(evaluated_run: Path) -> None:
    classifier = open_model(evaluated_run)
    policy = GatePolicy(
        minimum={"accuracy": 0.5, "recall": {"0": 0.5, "1": 0.5}, "robust_accuracy": {"case": 0.0}},
        maximum={"ece": 1.0, "false_positive_rate": {"1": 0.6}, "flip_rate": {"harmless": 1.0, "spaced": 0.0}},
        rate=1.0,
    )
    result = run_gate(classifier, policy)
    assert [line.name for line in result.lines] == [
        "accuracy",
        "recall of 0",
        "recall of 1",
        "robust accuracy under case",
        "ece",
        "false positive rate of 1",
        "flip rate under harmless",
        "flip rate under spaced",
    ]
    assert [line.passed for line in result.lines[:7]] == [True] * 7
    spaced = result.lines[-1]
    assert spaced.passed == (spaced.value == 0) and result.passed == spaced.passed
    again = run_gate(classifier, policy)
    assert again == result
    for flip in result.flips:
        assert flip["before"] != flip["after"] and flip["predicted_before"] != flip["predicted_after"]


def test_a_flip_rate_is_the_share_of_predictions_that_change(evaluated_run: Path, tmp_path: Path) -> None:
    reviews(40, seed=9).to_csv(tmp_path / "a.csv", index=False)
    classifier = open_model(evaluated_run)
    policy = GatePolicy(maximum={"flip_rate": {"spaced": 1.0}}, rate=1.0, examples=1000)
    result = run_gate(classifier, policy, file=tmp_path / "a.csv")
    assert result.examples == result.perturbed == 40
    flipped = [flip for flip in result.flips if flip["perturbation"] == "spaced"]
    assert round(40 * result.lines[0].value) >= len(flipped) > 0
    assert result.slices and all(part["examples"] >= 20 for part in result.slices)
    accuracies = [part["accuracy"] for part in result.slices]
    assert accuracies == sorted(accuracies)


@pytest.mark.parametrize(
    ("policy", "label", "message"),
    [
        (GatePolicy(minimum={"recall": {"1": 0.5}}), 0, "recall of 1 cannot be measured: no text is of that class"),
        (GatePolicy(maximum={"false_positive_rate": {"0": 0.5}}), 0, "cannot be measured: all texts are of that class"),
    ],
)
def test_a_limit_on_texts_that_are_not_there_is_refused(
    policy: GatePolicy, label: int, message: str, evaluated_run: Path, tmp_path: Path
) -> None:
    reviews(20).query(f"label == {label}").to_csv(tmp_path / "one_class.csv", index=False)
    with pytest.raises(UsageError, match=message):
        run_gate(open_model(evaluated_run), policy, file=tmp_path / "one_class.csv")


def test_texts_that_a_perturbation_cannot_change_are_counted(
    evaluated_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = reviews(12)
    rows.loc[:8, "text"] = "这部电影很好"
    rows.to_csv(tmp_path / "a.csv", index=False)
    (tmp_path / "gate.yaml").write_text("maximum: {flip_rate: {homoglyphs: 1.0, case: 1.0}}\n")
    arguments = ["gate", str(evaluated_run), "--policy", str(tmp_path / "gate.yaml"), "--file", str(tmp_path / "a.csv")]
    assert run([*arguments, "--output_dir", str(tmp_path / "gate")]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "homoglyphs changes nothing in 9 of 12 texts: no prediction flips." in printed
    assert json.loads((tmp_path / "gate" / "gate.json").read_text())["unchanged"] == {"homoglyphs": 9, "case": 9}
    rows[:9].to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(UsageError, match="limits under homoglyphs cannot be measured: it changes none of the 9 texts"):
        run_gate(open_model(evaluated_run), read_policy(tmp_path / "gate.yaml"), file=tmp_path / "a.csv")


def test_a_text_that_a_draw_leaves_as_it_is_is_drawn_again(evaluated_run: Path, tmp_path: Path) -> None:
    """At the rate 0.1 nine of ten draws leave a text with a single contraction as it is."""
    pd.DataFrame({"text": ["it isn't a good film"] * 50, "label": 1}).to_csv(tmp_path / "a.csv", index=False)
    policy = GatePolicy(maximum={"flip_rate": {"contractions": 1.0}}, rate=0.1)
    classifier = open_model(evaluated_run)
    assert run_gate(classifier, policy, file=tmp_path / "a.csv").unchanged == {"contractions": 0}
    rows = Dataset.from_dict({"text": ["it isn't a good film", "a good film"] * 25, "label": [1] * 50})
    changed, unchanged = _perturbed(rows, "text", "contractions", policy)
    assert set(changed["text"]) == {"it is not a good film", "a good film"} and unchanged == 25
    with pytest.raises(UsageError, match="it changes none of the 50 texts at the rate 1e-09; leave them out"):
        _perturbed(rows, "text", "contractions", replace(policy, rate=1e-9))


def test_of_a_pair_both_texts_are_shown_and_the_second_is_perturbed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bert().save_pretrained(tmp_path / "model")
    tokenizer().save_pretrained(tmp_path / "model")
    file = tmp_path / "a.csv"
    rows = reviews(60)
    rows.assign(first=[f"number {i}" for i in range(60)]).to_csv(file, index=False)
    classifier = open_model(tmp_path / "model", "first", "text")
    monkeypatch.setattr(type(classifier), "logits", lambda _, rows: np.eye(2)[[len(text) % 2 for text in rows["text"]]])
    limits = {"minimum": {"harmless_accuracy": 0.0}, "maximum": {"flip_rate": {"spaced": 1.0}}}
    policy = GatePolicy(harmless_file=str(file), **limits)
    result = run_gate(classifier, policy, file=file)
    assert result.flips and result.mistaken
    for flip in result.flips:
        (first, second), (same, changed) = flip["before"].split(COLUMN_MARK), flip["after"].split(COLUMN_MARK)
        assert first == same and second != changed
    pairs = {f"number {i}{COLUMN_MARK}{text}" for i, text in enumerate(rows["text"])}
    assert {row["text"] for row in result.mistaken} <= pairs


def test_a_run_is_tested_on_a_file_where_its_training_data_is_gone_and_not_on_other_data(
    evaluated_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The classes are those of the model; a changed training file would number them otherwise."""
    record = json.loads((evaluated_run / "run.json").read_text())
    own = Path(record["config"]["data"]["train_file"])
    moved = tmp_path / "elsewhere.csv"
    record["config"]["data"]["train_file"], record["files"] = str(moved), {str(moved): record["files"][str(own)]}
    (evaluated_run / "run.json").write_text(json.dumps(record))
    reviews(20).to_csv(tmp_path / "holdout.csv", index=False)
    policy = GatePolicy(minimum={"accuracy": 0.5})
    assert run_gate(open_model(evaluated_run), policy, file=tmp_path / "holdout.csv").passed
    monkeypatch.setenv("HOLDOUT", str(tmp_path))
    assert run_gate(open_model(evaluated_run), replace(policy, file="$HOLDOUT/holdout.csv")).passed
    with pytest.raises(UsageError, match="there is no file"):
        run_gate(open_model(evaluated_run), policy)
    moved.write_bytes(own.read_bytes())
    assert run_gate(open_model(evaluated_run), policy).passed
    moved.write_text(own.read_text() + "a new kind of text,advert\n")
    with pytest.raises(UsageError, match="has changed since the training began: restore it, or measure on a file"):
        run_gate(open_model(evaluated_run), policy)
    del record["files"]  # a run of an earlier version
    (evaluated_run / "run.json").write_text(json.dumps(record))
    with pytest.raises(UsageError, match="the classes of the data are now 0, 1, advert, and those of"):
        run_gate(open_model(evaluated_run), policy)


def test_texts_that_only_look_perturbed_have_a_limit_of_their_own(
    evaluated_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = reviews(20, seed=4)
    predicted = open_model(evaluated_run).logits(Dataset.from_pandas(rows[["text"]])).argmax(axis=1)
    rows["label"] = np.where(np.arange(20) < 15, predicted, 1 - predicted)  # the last five are wrong
    rows.to_csv(tmp_path / "look_alikes.csv", index=False)
    monkeypatch.setenv("FILES", str(tmp_path))
    policy = tmp_path / "gate.yaml"
    arguments = ["gate", str(evaluated_run), "--policy", str(policy), "--output_dir", str(tmp_path / "gate")]
    policy.write_text("harmless_file: $FILES/look_alikes.csv\nminimum: {harmless_accuracy: 0.75}\n")
    assert run(arguments) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "pass harmless accuracy 0.750 at least 0.750" in printed
    assert "harmless accuracy is that of 20 texts that only look perturbed." in printed
    assert printed.count("wrong: ") == 3
    result = json.loads((tmp_path / "gate" / "gate.json").read_text())
    assert result["look_alikes"] == 20
    assert {row["text"] for row in result["mistaken"]} == set(rows["text"][15:])
    assert all(row["label"] != row["predicted"] for row in result["mistaken"])
    suite = ElementTree.parse(tmp_path / "gate" / "gate.xml").getroot()
    assert "that of 20 texts" in (suite.findtext("system-out") or "")
    policy.write_text("harmless_file: $FILES/look_alikes.csv\nminimum: {harmless_accuracy: 0.8}\n")
    assert run(arguments) == 1
    suite = ElementTree.parse(tmp_path / "gate" / "gate.xml").getroot()
    assert [case.get("message") for case in suite.iter("failure")] == [
        "harmless accuracy is 0.7500 and must be at least 0.8000"
    ]


def test_a_perturbation_that_the_training_had_is_named(
    evaluated_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = GatePolicy(maximum={"flip_rate": {"homoglyphs": 1.0, "ocr": 1.0, "slips": 1.0}}, examples=4)
    assert run_gate(open_model(evaluated_run), policy).trained_on == []
    record = json.loads((evaluated_run / "run.json").read_text())
    record |= {"views": ["adversarial", "characters:0.2+mask"]}
    record |= {"earlier_views": ["ocr:0.1"]}
    (evaluated_run / "run.json").write_text(json.dumps(record))
    (tmp_path / "gate.yaml").write_text(yaml.safe_dump({"maximum": policy.maximum, "examples": 4}))
    arguments = ["gate", str(evaluated_run), "--policy", str(tmp_path / "gate.yaml"), "--output_dir", str(tmp_path)]
    assert run(arguments) == 0
    assert "trained on such edits: ocr, slips" in capsys.readouterr().out
    assert json.loads((tmp_path / "gate.json").read_text())["trained_on"] == ["ocr", "slips"]
    del record["views"]  # as of an earlier version of uegr
    (evaluated_run / "run.json").write_text(json.dumps(record))
    assert run(arguments) == 0
    printed = capsys.readouterr().out
    assert "trained on such edits: ocr" in printed and "not known whether trained on such edits: homoglyphs" in printed


def test_a_step_of_the_normalizer_is_measured_before_it_is_trained_with(
    evaluated_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The step undoes what the perturbation does, so that no prediction flips, and the folder stays as it is."""
    (tmp_path / "gate.yaml").write_text("maximum: {flip_rate: {invisible: 0.0}}\nrate: 1.0\n")
    arguments = ["gate", str(evaluated_run), "--policy", str(tmp_path / "gate.yaml"), "--output_dir", str(tmp_path)]
    former = (evaluated_run / "tokenizer.json").read_bytes()
    assert run([*arguments, "--normalize", "nfkc, invisible"]) == 0
    assert "steps before the model's own normalizer: nfkc, invisible" in capsys.readouterr().out
    assert json.loads((tmp_path / "gate.json").read_text())["normalize"] == ["nfkc", "invisible"]
    assert (evaluated_run / "tokenizer.json").read_bytes() == former
    assert run(arguments) == 1  # without the step
    assert "unknown normalizing step 'leat' (did you mean 'leet'?)" in error_of(
        capsys, [*arguments, "--normalize", "leat"]
    )
