"""A user's own data, as it comes: in every format, of every kind, and with every ordinary flaw."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset

from conftest import reviews, tokenizer
from uegr.data.arrow_cache import content_hash
from uegr.data.class_weighting import class_weights
from uegr.data.encoding import CACHED_FROM, encode
from uegr.data.task_data import TaskData
from uegr.data.user_data import load_files
from uegr.errors import UsageError
from uegr.runs.evaluate import evaluate_run
from uegr.runs.train import train_run
from uegr.training.run_config import RunConfig


def found(data: TaskData) -> dict[str, int]:
    return {one.kind: one.count for one in data.findings}


@pytest.mark.parametrize("kind", ["path", "frame", "dataset"])
def test_every_door_gives_the_same_task(kind: str, tmp_path: Path) -> None:
    frame = reviews(60)
    frame.to_csv(tmp_path / "a.csv", index=False)
    rows = {"path": tmp_path / "a.csv", "frame": frame, "dataset": Dataset.from_pandas(frame)}[kind]
    data = load_files(rows)
    assert data.train["text"][:] == load_files(frame).train["text"][:]
    assert (len(data.train), len(data.validation), len(data.test)) == (49, 5, 6)
    assert data.class_counts == {"0": 24, "1": 25} or sum(data.class_counts.values()) == 49


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot read rows from a list"):
        load_files([1, 2])  # type: ignore[arg-type]


def test_bytes_that_are_not_utf8_and_nuls_are_mended_and_counted(tmp_path: Path) -> None:
    lines = ["text,label", *[f"caf\xe9 {i},{i % 2}" for i in range(20)], "with\0nul,1", "plain,0"]
    (tmp_path / "a.csv").write_bytes("\n".join(lines).encode("latin-1"))
    data = load_files(tmp_path / "a.csv", tmp_path / "a.csv", tmp_path / "a.csv")
    assert (found(data)["encoding"], found(data)["nul"]) == (20, 1)
    assert data.train["text"][0] == "café 0"
    assert data.train["text"][20] == "withnul"
    assert found(data)["duplicates"] == 22


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks_are_heeded(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("text,label\n".encode(encoding) + b"")
    text = "text,label\n" + "".join(f"Grüße {i},{i % 2}\n" for i in range(20))
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    data = load_files(tmp_path / "a.csv")
    assert "Grüße 3" in [*data.train["text"], *data.validation["text"], *data.test["text"]]
    assert not found(data)


def test_words_that_look_missing_are_words(tmp_path: Path) -> None:
    words = ["NA", "null", "None", "nan", "n/a"] * 4
    pd.DataFrame({"text": words, "label": [0, 1] * 10}).to_csv(tmp_path / "a.csv", index=False)
    assert {*load_files(tmp_path / "a.csv").train["text"]} == {*words}


def test_lone_quotes_in_a_tsv_are_characters(tmp_path: Path) -> None:
    lines = ["text\tlabel", '"a quote begins\t0', *[f"line {i}\t{i % 2}" for i in range(20)]]
    (tmp_path / "a.tsv").write_text("\n".join(lines))
    data = load_files(tmp_path / "a.tsv", tmp_path / "a.tsv", tmp_path / "a.tsv")
    assert len(data.train) == 21
    assert found(data)["quotes"] == 1
    (tmp_path / "a.csv").write_text("\n".join(line.replace("\t", ",") for line in lines))
    with pytest.raises(UsageError, match="EOF inside string"):
        load_files(tmp_path / "a.csv")


def test_quoted_cells_may_hold_separators_and_lines(tmp_path: Path) -> None:
    text = 'He said: "no,\nnever".'
    pd.DataFrame({"text": [text] * 20, "label": [0, 1] * 10}).to_csv(tmp_path / "a.csv", index=False)
    assert load_files(tmp_path / "a.csv").train["text"][0] == text


def test_flaws_are_counted_one_line_each() -> None:
    texts = [f"text number {i}" for i in range(40)] + ["TEXT number 3!", "text number 4"]
    frame = pd.DataFrame({"text": texts, "label": ["ham"] * 38 + ["spam"] * 4})
    frame.loc[0, "text"] = " "
    data = load_files(frame, frame[5:9], frame[10:12], drop_empty=True)
    assert found(data) == {"empty": 1, "repeats": 2, "duplicates": 2, "imbalance": 4}
    assert [one.count for one in data.findings if one.kind == "duplicates"] == [4, 2]
    assert all("\n" not in str(one) for one in data.findings)


def test_labels_that_training_never_shows_are_counted() -> None:
    train = pd.DataFrame({"text": ["a b"] * 20, "label": ["x", "y"] * 10})
    test = pd.DataFrame({"text": ["c d"] * 4, "label": ["x", "z", "z", "w"]})
    with pytest.raises(UsageError, match=r"3 labels are not among.*\(x, y\): 'z' 2 times, 'w' 1 times, first in row 1"):
        load_files(train, None, test)


def test_regression_takes_numbers_and_nothing_else(tmp_path: Path) -> None:
    frame = reviews(40).assign(label=np.linspace(0, 5, 40))
    frame.to_csv(tmp_path / "a.csv", index=False)
    data = load_files(tmp_path / "a.csv", kind="regression")
    assert data.metrics == ("pearson", "spearman")
    values = [*data.train["label"], *data.validation["label"], *data.test["label"]]
    assert sorted(values) == pytest.approx(np.linspace(0, 5, 40).tolist())
    with pytest.raises(UsageError, match="must hold numbers for regression"):
        load_files(frame.assign(label="high"), kind="regression")
    with pytest.raises(UsageError, match="1 labels are no finite numbers"):
        load_files(frame.assign(label=[float("inf")] + [0.0] * 39), kind="regression")
    with pytest.raises(UsageError, match="--kind regression"):
        load_files(frame)


SETS = [["toxic"], [], ["toxic", "insult"], ["insult"]] * 10


@pytest.mark.parametrize("form", ["lists", "text", "columns"])
def test_multi_label_in_its_three_forms(form: str, tmp_path: Path) -> None:
    frame = reviews(40)
    options: dict[str, Any] = {"kind": "multi_label", "label_column": "labels"}
    if form == "lists":
        lines = [json.dumps({"text": t, "labels": s}) for t, s in zip(frame["text"], SETS, strict=True)]
        (tmp_path / "a.jsonl").write_text("\n".join(lines))
        data = load_files(tmp_path / "a.jsonl", **options)
    elif form == "text":
        data = load_files(frame.assign(labels=["|".join(one) for one in SETS]), label_separator="|", **options)
    else:
        columns = {name: [int(name in one) for one in SETS] for name in ("insult", "toxic")}
        data = load_files(frame.assign(**columns), **{**options, "label_column": "insult,toxic"})
    assert data.label_names == ("insult", "toxic")
    rows = [*data.train["label"], *data.validation["label"], *data.test["label"]]
    assert np.sum(rows, axis=0).tolist() == [20.0, 20.0]
    encoded = encode(data.train, tokenizer(), ("text",), 16)
    assert encoded[0]["labels"] in ([0, 0], [0, 1], [1, 0], [1, 1])


def test_balanced_weights_make_classes_count_alike() -> None:
    frame = pd.DataFrame({"text": ["a"] * 100, "label": [0] * 80 + [1] * 20})
    data = load_files(frame, frame[:2], frame[:2])
    weights = class_weights("balanced", data)
    assert weights == pytest.approx([100 / (2 * 80), 100 / (2 * 20)])
    assert np.mean(np.array(weights)[data.train["label"]]) == pytest.approx(1.0)
    assert class_weights((1, 5), data) == [1.0, 5.0]
    with pytest.raises(UsageError, match="2 numbers"):
        class_weights((1, 2, 3), data)
    with pytest.raises(UsageError, match="has none"):
        class_weights("balanced", load_files(frame.assign(label=0.5), kind="regression"))


def test_tokens_are_found_by_content_and_only_by_content(tmp_path: Path) -> None:
    """The same texts from elsewhere are not tokenised again; other texts, lengths and tokenizers are."""
    frame = reviews(CACHED_FROM + 10)
    frame.to_csv(tmp_path / "a.csv", index=False)
    one = load_files(tmp_path / "a.csv", frame[:2], frame[:2]).train
    other = load_files(frame, frame[:2], frame[:2]).train

    def place(rows: Dataset, length: int = 16) -> str:
        return str(encode(rows, tokenizer(), ["text"], length).cache_files[0]["filename"])

    first = place(one)
    assert place(other) == first
    assert place(one, 3) != first
    assert place(other.select(range(5, CACHED_FROM + 8))) != first
    columns = ["text", "label"]
    assert content_hash(other.select(range(10)), columns) != content_hash(other.select(range(10, 20)), columns)
    assert encode(one, tokenizer(), ["text"], 16)[7] == encode(one.select([7]), tokenizer(), ["text"], 16)[0]


def test_run_on_a_frame_is_measured_on_the_same_frame(model_folder: Path, tmp_path: Path) -> None:
    data = load_files(reviews(40), name="reviews of mine")
    cost = {"flop_ratio": 1.0, "time_ratio": 1.0, "seconds": 1.0}
    config = RunConfig(model=str(model_folder), method="plain", max_steps=2, precision="fp32")
    train_run(config, tmp_path / "run", data=data, cost=cost)
    result = evaluate_run(tmp_path / "run", data=data, epsilons=(0.0,))
    assert (result.task, result.test_examples) == ("reviews of mine", len(data.test))
    with pytest.raises(UsageError, match="pass the same data again"):
        evaluate_run(tmp_path / "run")
