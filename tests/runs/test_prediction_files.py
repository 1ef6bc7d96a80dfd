"""What is written of the rows of a file: its columns, several labels, and values of JSON."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from conftest import reviews
from support.command_line import run
from support.prediction import checkpoint, read
from uegr.evaluation.evaluation_data import evaluation_rows
from uegr.modeling.model_loading import load_trained
from uegr.runs import predict
from uegr.runs.open_classifier import open_model
from uegr.runs.predict import predict_file
from uegr.runs.predicted_columns import PREDICTED


def test_the_columns_of_the_file_are_kept(evaluated_run: Path, tmp_path: Path) -> None:
    frame = reviews(8).assign(id=[f"00{i}" for i in range(8)], confidence="mine", note=["", "a, b"] * 4)
    frame.to_csv(tmp_path / "texts.csv", index=False)
    predict_file(open_model(evaluated_run), tmp_path / "texts.csv", tmp_path / "out.csv")
    rows = read(tmp_path / "out.csv")
    predicted = ["label", "confidence", "p(0)", "p(1)"]
    assert list(rows[0]) == ["text", "given_label", "id", "given_confidence", "note", *predicted]
    assert [row["id"] for row in rows] == frame["id"].tolist() and {row["given_confidence"] for row in rows} == {"mine"}
    assert [row["given_label"] for row in rows] == frame["label"].astype(str).tolist()
    assert [row["note"] for row in rows] == frame["note"].tolist()


def test_values_that_json_does_not_know_are_written_as_text(evaluated_run: Path, tmp_path: Path) -> None:
    frame = reviews(2)[["text"]].assign(score=[0.5, np.nan], tags=[["a"], ["b", "c"]], numbers=[[np.inf], [1.0]])
    frame["parts"] = [{"low": -np.inf, "high": np.nan}, {"low": 0.0, "high": 1.0}]
    frame["day"] = [pd.Timestamp("2026-01-02"), pd.NaT]
    frame.to_parquet(tmp_path / "texts.parquet")
    predict_file(open_model(evaluated_run), tmp_path / "texts.parquet", tmp_path / "out.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["day"] for row in rows] == ["2026-01-02 00:00:00", None]
    assert [row["score"] for row in rows] == [0.5, None]
    assert [row["tags"] for row in rows] == [["a"], ["b", "c"]]
    assert [row["numbers"] for row in rows] == [[None], [1.0]]
    assert [row["parts"] for row in rows] == [{"low": None, "high": None}, {"low": 0.0, "high": 1.0}]


def test_a_text_column_may_be_called_as_a_prediction(evaluated_run: Path, tmp_path: Path) -> None:
    frame = reviews(4)[["text"]].rename(columns={"text": "confidence"}).assign(given_confidence="kept")
    frame.to_csv(tmp_path / "texts.csv", index=False)
    predict_file(open_model(evaluated_run, "confidence"), tmp_path / "texts.csv", tmp_path / "out.csv")
    assert list(read(tmp_path / "out.csv")[0])[:2] == ["given_given_confidence", "given_confidence"]


def test_several_labels_of_a_text_are_written_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = {0: "toxic", 1: "insult", 2: "threat"}
    folder = checkpoint(tmp_path / "model", 3, problem_type="multi_label_classification", id2label=names)
    reviews(20).to_csv(tmp_path / "a.csv", index=False)
    run(["predict", str(folder), "--file", str(tmp_path / "a.csv"), "--output", str(tmp_path / "out.csv")])
    rows = read(tmp_path / "out.csv")
    for row in rows:
        assert row["labels"] == ",".join(name for name in names.values() if float(row[f"p({name})"]) >= 0.5)
    assert "20 rows in" in capsys.readouterr().out.replace("\n", " ")


@pytest.mark.parametrize(("first", "cells"), [("toxic", "toxic,insult"), ("toxic, rude", '["toxic, rude", "insult"]')])
def test_several_labels_can_be_read_back(first: str, cells: str, tmp_path: Path) -> None:
    folder = checkpoint(
        tmp_path / "model", 2, problem_type="multi_label_classification", id2label={0: first, 1: "insult"}
    )
    model = load_trained(folder)
    torch.nn.init.zeros_(model.classifier.weight)
    model.classifier.bias.data = torch.tensor([1.0, 1.0])
    model.save_pretrained(folder)
    reviews(4)[["text"]].to_csv(tmp_path / "a.csv", index=False)
    classifier = open_model(folder, kinds=PREDICTED)
    assert predict_file(classifier, tmp_path / "a.csv", tmp_path / "out.csv") == {cells: 4}
    assert {row["labels"] for row in read(tmp_path / "out.csv")} == {cells}
    predict_file(classifier, tmp_path / "a.csv", tmp_path / "out.jsonl")
    assert json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])["labels"] == [first, "insult"]
    for name in ("out.csv", "out.jsonl"):
        rows, _, _ = evaluation_rows(classifier.evaluated.model, tmp_path / name, ["text"], "labels")
        assert rows["label"][:] == [[1.0, 1.0]] * 4


@pytest.mark.parametrize("ending", ["jsonl", "json"])
def test_from_json_to_json_values_stay_as_they_are(
    ending: str, evaluated_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict, "PIECE", 2)
    given = [
        {"text": "a good film", "meta": {"id": 5, "tags": ["x"]}, "n": 1, "label": 3},
        {"text": "a bad \ud800film", "meta": None, "n": 2.5, "label": "7"},
        {"n": "many", "text": "a film", "m\ud800": [1, "a", {"b": float("nan")}]},
    ]
    lines = [json.dumps(row) for row in given]
    (tmp_path / f"a.{ending}").write_text("\n".join(lines) if ending == "jsonl" else f"[{','.join(lines)}]")
    predict_file(open_model(evaluated_run), tmp_path / f"a.{ending}", tmp_path / "out.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["meta"] for row in rows] == [{"id": 5, "tags": ["x"]}, None, None]
    assert [(row["n"], type(row["n"])) for row in rows] == [(1, int), (2.5, float), ("many", str)]
    assert [row["given_label"] for row in rows] == [3, "7", None]
    assert [row["text"] for row in rows] == ["a good film", "a bad \ufffdfilm", "a film"]
    assert rows[2]["m\ufffd"] == [1, "a", {"b": None}]
