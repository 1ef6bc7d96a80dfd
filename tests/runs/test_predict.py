"""Predictions on a file, by a run of ours and by anybody's checkpoint."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from datasets import Dataset
from scipy.special import softmax

from conftest import reviews, tokenizer
from support.command_line import error_of, run
from support.prediction import checkpoint, read
from support.small_models import bert
from uegr.errors import UsageError
from uegr.evaluation.temperature import fit_temperature
from uegr.modeling.model_loading import load_trained
from uegr.runs import predict
from uegr.runs.open_classifier import open_model
from uegr.runs.predict import calibrated_temperature, check_files, predict_file
from uegr.runs.predicted_columns import PREDICTED


def test_every_row_gets_a_label_and_probabilities(
    evaluated_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict, "PIECE", 7)  # several pieces
    frame = reviews(30, seed=4)
    frame.to_csv(tmp_path / "texts.csv", index=False)
    classifier = open_model(evaluated_run)
    seen: list[tuple[int, int]] = []
    counts = predict_file(
        classifier, tmp_path / "texts.csv", tmp_path / "out.csv", on_rows=lambda done, total: seen.append((done, total))
    )
    rows = read(tmp_path / "out.csv")
    assert [row["text"] for row in rows] == frame["text"].tolist()
    assert seen[-1] == (30, 30) and len(seen) == 5
    assert sum(counts.values()) == 30 and counts[""] == 0
    for row in rows:
        probabilities = {name: float(row[f"p({name})"]) for name in ("0", "1")}
        assert sum(probabilities.values()) == pytest.approx(1.0, abs=1e-5)
        assert row["label"] == max(probabilities, key=lambda name: probabilities[name])
        assert float(row["confidence"]) == max(probabilities.values())
    accuracy = np.mean([row["label"] == str(label) for row, label in zip(rows, frame["label"], strict=True)])
    assert accuracy > 0.9


def test_it_abstains_below_a_confidence(evaluated_run: Path, tmp_path: Path) -> None:
    reviews(30, seed=4).to_csv(tmp_path / "texts.csv", index=False)
    counts = predict_file(
        open_model(evaluated_run), tmp_path / "texts.csv", tmp_path / "out.jsonl", abstain_below=0.9, temperature=5.0
    )
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert counts[""] == sum(row["label"] == "" for row in rows) > 0
    assert all((row["label"] == "") == (row["confidence"] < 0.9) for row in rows)


def test_a_checkpoint_of_anybody_is_used_with_its_own_names(tmp_path: Path) -> None:
    model = bert()
    model.config.id2label, model.config.label2id = {0: "ham", 1: "spam"}, {"ham": 0, "spam": 1}
    model.save_pretrained(tmp_path / "model")
    tokenizer().save_pretrained(tmp_path / "model")
    pd.DataFrame({"message": ["good film", "bad plot"]}).to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    classifier = open_model(tmp_path / "model", "message")
    assert classifier.names == ["ham", "spam"] and classifier.run is None
    predict_file(classifier, tmp_path / "a.jsonl", tmp_path / "out.csv")
    assert {row["label"] for row in read(tmp_path / "out.csv")} <= {"ham", "spam"}
    with pytest.raises(UsageError, match="is not a run of uegr and has no data of its own: give a labelled file"):
        calibrated_temperature(classifier, None, "label")
    labelled = pd.DataFrame({"message": ["good film", "bad plot"] * 8, "kind": ["ham", "spam"] * 8})
    labelled.to_csv(tmp_path / "labelled.csv", index=False)
    assert calibrated_temperature(classifier, tmp_path / "labelled.csv", "kind") > 0


def test_every_output_of_a_regression_is_written(tmp_path: Path) -> None:
    model = bert(labels=3, problem_type="regression", id2label={0: "joy", 1: "fear", 2: "anger"})
    model.save_pretrained(tmp_path / "model")
    tokenizer().save_pretrained(tmp_path / "model")
    (tmp_path / "texts.csv").write_text("text\ngood film\nbad plot\n")
    classifier = open_model(tmp_path / "model", kinds=PREDICTED)
    assert predict_file(classifier, tmp_path / "texts.csv", tmp_path / "out.csv") == {"": 2}
    rows = read(tmp_path / "out.csv")
    written = [[float(row[f"prediction({name})"]) for name in ("joy", "fear", "anger")] for row in rows]
    np.testing.assert_allclose(written, classifier.logits(Dataset.from_list(rows)), rtol=1e-5)
    with pytest.raises(UsageError, match="is a model for regression: name a classifier"):
        open_model(tmp_path / "model")


def test_a_model_with_one_output_is_refused(tmp_path: Path) -> None:
    bert(labels=1).save_pretrained(tmp_path / "model")
    tokenizer().save_pretrained(tmp_path / "model")
    with pytest.raises(UsageError, match="has one output: name a classifier of at least two classes"):
        open_model(tmp_path / "model")


def test_the_temperature_is_the_one_that_the_logits_were_multiplied_by() -> None:
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 2, (4000, 3))
    labels = np.array([generator.choice(3, p=row) for row in softmax(logits, axis=1)])
    assert fit_temperature(logits, labels) == pytest.approx(1.0, abs=0.06)
    assert fit_temperature(3.0 * logits, labels) == pytest.approx(3.0, abs=0.2)


def test_nothing_half_written_is_left(evaluated_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reviews(8).to_csv(tmp_path / "texts.csv", index=False)
    classifier = open_model(evaluated_run)
    (tmp_path / "out.csv").write_text("former")
    monkeypatch.setattr(type(classifier), "logits", lambda self, rows: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        predict_file(classifier, tmp_path / "texts.csv", tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "former"


def test_the_command(evaluated_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reviews(12).to_csv(tmp_path / "texts.csv", index=False)
    files = ["--file", str(tmp_path / "texts.csv"), "--output", str(tmp_path / "out.csv")]
    assert run(["predict", str(evaluated_run), *files]) == 0
    assert "12 rows in" in capsys.readouterr().out.replace("\n", " ")
    assert "must be one of .csv, .jsonl" in error_of(capsys, ["predict", str(evaluated_run), *files[:3], "out.txt"])
    message = error_of(capsys, ["predict", str(evaluated_run), *files, "--text_column", "body"])
    assert re.search("has no column 'body': choose one of .*text.* with --text_column", message)
    assert "between 0 and 1" in error_of(capsys, ["predict", str(evaluated_run), *files, "--abstain_below", "2"])


def test_nothing_of_the_user_is_overwritten(evaluated_run: Path, tmp_path: Path) -> None:
    texts, classifier = tmp_path / "texts.csv", open_model(evaluated_run)
    reviews(8).to_csv(texts, index=False)
    with pytest.raises(UsageError, match="is the file of the texts: name another with --output"):
        predict_file(classifier, texts, tmp_path / "." / "texts.csv")
    with pytest.raises(UsageError, match="is the file to calibrate on: name another with --output"):
        check_files(texts, tmp_path / "labelled.csv", tmp_path / "labelled.csv")
    (tmp_path / "out.csv").mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        predict_file(classifier, texts, tmp_path / "out.csv")
    assert not list(tmp_path.glob("*partial*")) and len(read(texts)) == 8


def test_an_empty_line_of_a_single_column_is_a_row(
    evaluated_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One row without text ended the prediction of millions."""
    monkeypatch.setattr(predict, "PIECE", 2)
    (tmp_path / "texts.csv").write_text("text\na good film\n\n  \n\na bad film\n")
    files = ["--file", str(tmp_path / "texts.csv"), "--output", str(tmp_path / "out.csv")]
    assert run(["predict", str(evaluated_run), *files]) == 0
    assert ", 3 rows without text" in " ".join(capsys.readouterr().out.split())
    rows = read(tmp_path / "out.csv")
    assert [row["text"] for row in rows] == ["a good film", "", "  ", "", "a bad film"]
    assert all(
        bool(row[name]) == (i in (0, 4)) for i, row in enumerate(rows) for name in ("label", "confidence", "p(1)")
    )
    predict_file(open_model(evaluated_run), tmp_path / "texts.csv", tmp_path / "out.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert lines[1] == {"text": None, "label": None, "confidence": None, "p(0)": None, "p(1)": None}
    (tmp_path / "texts.csv").write_text("text\na good film\na bad film\n\n\n")
    predict_file(open_model(evaluated_run), tmp_path / "texts.csv", tmp_path / "out.csv")
    assert len(read(tmp_path / "out.csv")) == 2, "empty lines at the end are none"


@pytest.mark.parametrize("header", ["text", "id,text"])
def test_a_file_with_a_header_only_has_no_predictions(header: str, evaluated_run: Path, tmp_path: Path) -> None:
    (tmp_path / "texts.csv").write_text(f"{header}\n")
    files = ["--file", str(tmp_path / "texts.csv"), "--output", str(tmp_path / "out.csv")]
    assert run(["predict", str(evaluated_run), *files]) == 0
    assert (tmp_path / "out.csv").read_text() == f"{header},label,confidence,p(0),p(1)\n"


def test_of_a_pair_one_text_is_enough(tmp_path: Path) -> None:
    bert().save_pretrained(tmp_path / "model")
    tokenizer().save_pretrained(tmp_path / "model")
    (tmp_path / "texts.csv").write_text("a,b\na good film,\n,a bad film\n,\n")
    classifier = open_model(tmp_path / "model", "a", "b")
    assert predict_file(classifier, tmp_path / "texts.csv", tmp_path / "out.csv")[None] == 1
    rows = read(tmp_path / "out.csv")
    assert [bool(row["label"]) for row in rows] == [True, True, False]
    expected = softmax(classifier.evaluated.logits_of([("a good film", ""), ("", "a bad film")]), axis=1)
    np.testing.assert_allclose([float(row["p(LABEL_1)"]) for row in rows[:2]], expected[:, 1], atol=1e-6)


def test_a_run_without_its_data_predicts_and_says_that_it_is_not_calibrated(
    evaluated_run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As on another machine: "there is no file 'train.csv'" was said to a user who had given inbox.csv."""
    record = json.loads((evaluated_run / "run.json").read_text())
    record["config"]["data"]["train_file"] = "gone.csv"
    (evaluated_run / "run.json").write_text(json.dumps({**record, "files": {}}))
    reviews(20).to_csv(tmp_path / "a.csv", index=False)
    files = ["--file", str(tmp_path / "a.csv"), "--output", str(tmp_path / "out.csv")]
    assert run(["predict", str(evaluated_run), *files]) == 0
    assert caplog.messages == [
        "note: the run's own data cannot calibrate the confidences (there is no file 'gone.csv'): name a file with "
        "--calibrate_on."
    ]
    assert "(not calibrated)" in " ".join(capsys.readouterr().out.split())
    error = error_of(capsys, ["predict", str(evaluated_run), *files, "--abstain_below", "0.6"])
    assert "cannot calibrate the confidences (there is no file 'gone.csv'" in error and "--calibrate_on" in error
    error = error_of(capsys, ["predict", str(evaluated_run), *files, "--calibrate_on", "none.csv"])
    assert "there is no file 'none.csv': check the path" in error


def test_a_file_that_cannot_calibrate_is_refused(evaluated_run: Path, tmp_path: Path) -> None:
    reviews(20).query("label == 1").to_csv(tmp_path / "one_class.csv", index=False)
    with pytest.raises(UsageError, match="cannot calibrate the confidences"):
        calibrated_temperature(open_model(evaluated_run), tmp_path / "one_class.csv", "label")
    assert fit_temperature(np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([1, 0])) is None, "right on all of it"
    margins = np.array([[2.0, 0.0], [0.0, 7.0], [12.0, 0.0], [0.0, 3.0]])
    assert fit_temperature(margins, np.array([0, 1, 0, 1])) is None, "a flat likelihood stops the search anywhere"


def test_the_second_column_of_a_pair_can_be_named_alone(evaluated_run: Path, tmp_path: Path) -> None:
    bert().save_pretrained(tmp_path / "model")
    tokenizer().save_pretrained(tmp_path / "model")
    assert open_model(tmp_path / "model", text_pair_column="b").evaluated.text_columns == ("text", "b")
    with pytest.raises(UsageError, match="was trained on the columns text: name 1 columns"):
        open_model(evaluated_run, text_pair_column="b")


def test_what_was_repaired_in_the_file_is_said(
    evaluated_run: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "in.csv").write_bytes("text,n,n\na caf\u00e9,1,2\n".encode("cp1252"))
    predict_file(open_model(evaluated_run), tmp_path / "in.csv", tmp_path / "out.csv")
    assert caplog.messages == [
        "note: 1 bytes of in.csv are not UTF-8: read as cp1252.",
        "note: 1 columns of in.csv have the name of another: read as n.1.",
    ]
    assert read(tmp_path / "out.csv")[0]["text"] == "a caf\u00e9"


@pytest.mark.parametrize("problem", [None, "regression"])
def test_a_model_for_regression_writes_numbers(
    problem: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = checkpoint(tmp_path / "model", 1, problem_type=problem)
    frame = pd.DataFrame({"text": ["good film", "bad plot"], "prediction": ["x", "y"]})
    frame.to_csv(tmp_path / "a.csv", index=False)
    run(["predict", str(model), "--file", str(tmp_path / "a.csv"), "--output", str(tmp_path / "out.csv")])
    rows = read(tmp_path / "out.csv")
    assert [row["given_prediction"] for row in rows] == ["x", "y"]
    expected = open_model(model, kinds=["regression"]).evaluated.logits_of([("good film",), ("bad plot",)])[:, 0]
    np.testing.assert_allclose([float(row["prediction"]) for row in rows], expected, rtol=1e-6)
    assert capsys.readouterr().out.strip().replace("\n", "").endswith("out.csv.")


def test_a_label_of_probability_one_half_is_absent_as_in_the_metrics(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "model", 3, problem_type="multi_label_classification")
    model = load_trained(folder)
    torch.nn.init.zeros_(model.classifier.weight)
    model.classifier.bias.data = torch.tensor([0.0, 0.01, -0.01])
    model.save_pretrained(folder)
    reviews(4).to_csv(tmp_path / "a.csv", index=False)
    run(["predict", str(folder), "--file", str(tmp_path / "a.csv"), "--output", str(tmp_path / "out.csv")])
    for row in read(tmp_path / "out.csv"):
        assert (row["p(LABEL_0)"], row["labels"]) == ("0.5", "LABEL_1")


def test_texts_are_predicted_with_steps_of_the_normalizer(evaluated_run: Path, tmp_path: Path) -> None:
    plain = reviews(10)
    plain.to_csv(tmp_path / "plain.csv", index=False)
    hidden = plain.assign(text=["\u200b".join(text) for text in plain["text"]])
    hidden.to_csv(tmp_path / "hidden.csv", index=False)
    command = ["predict", str(evaluated_run), "--output", str(tmp_path / "out.csv"), "--file"]
    run([*command, str(tmp_path / "plain.csv")])
    expected = [row["p(1)"] for row in read(tmp_path / "out.csv")]
    run([*command, str(tmp_path / "hidden.csv"), "--normalize", "invisible"])
    assert [row["p(1)"] for row in read(tmp_path / "out.csv")] == expected


@pytest.mark.parametrize("option", [["--abstain_below", "0.5"], ["--calibrate_on", "a.csv"]])
def test_a_number_has_no_confidence(option: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = checkpoint(tmp_path / "model", 1)
    reviews(4).to_csv(tmp_path / "a.csv", index=False)
    files = ["--file", str(tmp_path / "a.csv"), "--output", str(tmp_path / "out.csv")]
    assert "this is a model for regression" in error_of(capsys, ["predict", str(model), *files, *option])
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("file", "output", "message"),
    [
        ("texts.csv", "out.txt", "its ending must be one of .csv, .jsonl"),
        ("nowhere.csv", "out.csv", "there is no file 'nowhere.csv'"),
        ("texts.csv", "texts.csv", "is the file of the texts"),
    ],
)
def test_files_are_checked_before_a_model_is_opened(
    file: str,
    output: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("texts.csv").write_text("text\na film\n")
    arguments = ["predict", "there-is-no-model", "--file", file, "--output", output]
    assert message in error_of(capsys, arguments)
