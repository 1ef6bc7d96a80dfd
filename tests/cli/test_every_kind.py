"""Every kind of task through all commands: train, evaluate, compare, report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conftest import reviews
from support.command_line import run

LABELS = {
    "regression": lambda i: i / 10,
    "multi_label": lambda i: ["", "toxic", "insult", "toxic,insult"][i % 4],
    "token": lambda i: "",  # a tag per word, below
    "seq2seq": lambda i: f"answer {i % 5}",
    "causal_lm": lambda i: "",
}


METRIC = {
    "regression": "pearson",
    "multi_label": "micro_f1",
    "token": "entity_f1",
    "seq2seq": "bleu",
    "causal_lm": "perplexity",
}
CURVE = {**METRIC, **dict.fromkeys(("token", "seq2seq", "causal_lm"), "token_accuracy")}


@pytest.mark.parametrize("kind", LABELS)
def test_from_file_to_report(kind: str, model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = reviews(60)
    frame["label"] = [LABELS[kind](i) for i in range(60)]
    if kind == "multi_label":  # a cell without a label is an empty list there, not a missing label
        frame["label"] = frame["label"].str.split(",").map(lambda names: [name for name in names if name])
    if kind == "token":
        frame["label"] = [["B-good" if word == "good" else "O" for word in text.split(" ")] for text in frame["text"]]
    frame.to_json(tmp_path / "mine.jsonl", orient="records", lines=True)
    model = {"seq2seq": "encoder-decoder", "causal_lm": "decoder"}.get(kind, str(model_folder))
    folder = tmp_path / "run"
    arguments = ["--train_file", str(tmp_path / "mine.jsonl"), "--kind", kind, "--model_name_or_path", model]
    arguments += ["--method", "plain", "--max_steps", "2", "--batch_size", "8", "--max_length", "16"]
    assert run(["train", *arguments, "--output_dir", str(folder)]) == 0, capsys.readouterr().err
    assert "validation examples" in capsys.readouterr().out
    assert run(["evaluate", str(folder), "--epsilons", "0,0.5", "--attack_steps", "1", "--attack_restarts", "1"]) == 0
    (entry,) = json.loads((folder / "results.json").read_text())["runs"]
    assert entry["metric"] == METRIC[kind]
    assert METRIC[kind] in entry["metrics"]
    assert f"typo_{METRIC[kind]}" in entry["metrics"]
    assert len(entry["robustness"][CURVE[kind]]) == 2
    if kind != "regression":
        assert entry["robustness"][CURVE[kind]][1] <= entry["robustness"][CURVE[kind]][0]
    capsys.readouterr()
    assert run(["compare", str(folder), str(folder)]) == 0
    assert run(["report", str(folder), "--output", str(tmp_path / "page.html")]) == 0, capsys.readouterr().err
    assert "<table>" in (tmp_path / "page.html").read_text()
    assert run(["evaluate", str(folder), "--on", "sst2"]) == 2
