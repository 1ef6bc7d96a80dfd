from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from datasets import ClassLabel, Dataset

from conftest import reviews, tokenizer
from uegr.data.encoding import LengthGroupedSampler, batches, encode, lengths_of
from uegr.data.named_tasks import load_task, sources
from uegr.data.splits import stratified_split, subset
from uegr.data.task_data import make_task
from uegr.data.task_registry import TASKS
from uegr.data.user_data import load_files
from uegr.errors import UsageError


def test_embedded_rotten_tomatoes_is_split_without_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UEGR_DATA", raising=False)
    data = load_task("rotten_tomatoes")
    assert (len(data.train), len(data.validation), len(data.test)) == (6530, 1000, 1000)
    texts = [set(rows["sentence"]) for rows in (data.train, data.validation, data.test)]
    assert not (texts[0] & texts[1] or texts[0] & texts[2] or texts[1] & texts[2])
    assert np.mean(data.test["label"]) == pytest.approx(0.5)
    assert data.label_names == ("negative", "positive")
    assert load_task("rotten_tomatoes").test["sentence"][:5] == data.test["sentence"][:5]


def test_spam_in_its_package_is_the_corpus_of_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UEGR_DATA", raising=False)
    data = load_task("sms_spam")
    assert (len(data.train), len(data.validation), len(data.test)) == (3890, 486, 486)
    assert sum(sum(rows["label"]) for rows in (data.train, data.validation, data.test)) == 642
    assert "package" in sources("sms_spam", TASKS["sms_spam"])


def test_local_folder_comes_first(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UEGR_DATA", str(data_folder))
    data = load_task("rotten_tomatoes")
    assert (len(data.train), len(data.validation), len(data.test)) == (8530, 1066, 1066)


def test_training_subset_follows_the_seed_and_the_test_subset_does_not() -> None:
    data = load_task("rotten_tomatoes")
    a, b = (data.limited(train=50, test=50, seed=seed) for seed in (0, 1))
    assert a.train["sentence"][:] != b.train["sentence"][:]
    assert a.test["sentence"][:] == b.test["sentence"][:]
    assert data.limited(train=50, seed=0).train["sentence"][:] == a.train["sentence"][:]


def test_candidates_of_a_question_stay_together() -> None:
    rows = Dataset.from_dict({"q": [f"question {i // 7}" for i in range(70)], "i": list(range(70))})
    part = subset(rows, 30, 0, "q")
    assert len(part) == 28
    assert {*(one.count(q) for one in [part["q"][:]] for q in one)} == {7}
    assert len(subset(rows, 3, 0, "q")) == 7


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_own_files(ending: str, tmp_path: Path) -> None:
    path, frame = tmp_path / f"mine{ending}", reviews(50).rename(columns={"label": "stars"})
    {
        ".csv": lambda: frame.to_csv(path, index=False),
        ".tsv": lambda: frame.to_csv(path, index=False, sep="\t"),
        ".jsonl": lambda: frame.to_json(path, orient="records", lines=True),
        ".parquet": lambda: frame.to_parquet(path),
    }[ending]()
    data = load_files(path, label_column="stars")
    assert (len(data.train), len(data.validation), len(data.test)) == (41, 4, 5)
    assert data.name == "mine"
    assert sorted([*data.train["text"], *data.validation["text"], *data.test["text"]]) == sorted(frame["text"])


def rows(labels: list[object]) -> Dataset:
    return Dataset.from_dict({"text": [f"text {i}" for i in range(len(labels))], "label": labels})


def test_labels_become_classes_with_names() -> None:
    stars = make_task("x", {"train": rows([1, 3, 5] * 10)}, text_columns=["text"], label_column="label")
    assert stars.label_names == ("1", "3", "5")
    assert set(stars.train["label"]) == {0, 1, 2}
    words = make_task("x", {"train": rows(["ham", "spam"] * 10)}, text_columns=["text"], label_column="label")
    assert words.label_names == ("ham", "spam")
    floats = make_task("x", {"train": rows([0.0, 1.0] * 10)}, text_columns=["text"], label_column="label")
    assert floats.label_names == ("0", "1")
    named = rows([0, 1] * 10).cast_column("label", ClassLabel(names=["no", "yes"]))
    assert make_task("x", {"train": named}, text_columns=["text"], label_column="label").label_names == ("no", "yes")


def test_label_unseen_in_training_is_named() -> None:
    splits = {"train": rows(["a", "b"] * 10), "test": rows(["a", "c"])}
    with pytest.raises(
        UsageError, match=r"1 labels are not among the training classes \(a, b\): 'c' 1 times, first in row 1"
    ):
        make_task("x", splits, text_columns=["text"], label_column="label")


def test_split_is_stratified_and_complete() -> None:
    data = Dataset.from_dict({"label": [0] * 80 + [1] * 20, "i": list(range(100))})
    kept, cut = stratified_split(data, 10)
    assert sum(cut["label"]) == 2
    assert sorted([*kept["i"], *cut["i"]]) == list(range(100))


def test_pairs_are_encoded_as_pairs() -> None:
    pair = Dataset.from_dict({"a": ["good film"], "b": ["the plot"], "label": [0]})
    one = encode(pair, tokenizer(), ["a", "b"], 32)[0]
    assert tokenizer().decode(one["input_ids"]) == "[CLS] good film [SEP] the plot [SEP]"
    assert one["labels"] == 0


def test_nothing_is_padded_beyond_its_batch() -> None:
    texts = ["good", "good film", "the good film and the plot"] * 4
    encoded = encode(Dataset.from_dict({"text": texts, "label": [0] * 12}), tokenizer(), ["text"], 5)
    seen: list[int] = []
    for positions, batch in batches(encoded, tokenizer(), 4):
        longest = max(len(encoded[i]["input_ids"]) for i in positions)
        assert batch["input_ids"].shape == (4, longest)
        assert longest <= 5
        seen += positions
    assert sorted(seen) == list(range(12))


def test_sampler_is_a_permutation_that_follows_seed_and_epoch() -> None:
    lengths = np.random.default_rng(0).integers(3, 60, 1003).tolist()
    sampler = LengthGroupedSampler(lengths, 32, seed=4)
    first = list(sampler)
    assert sorted(first) == list(range(1003))
    assert list(sampler) == first
    sampler.set_epoch(1)
    assert list(sampler) != first

    def padded(order: list[int]) -> int:
        return sum(max(lengths[i] for i in order[at : at + 32]) * len(order[at : at + 32]) for at in range(0, 1003, 32))

    assert padded(first) < 1.1 * sum(lengths)
    partners = [[{*order[at : at + 32]} for at in range(0, 992, 32)] for order in (first, list(sampler))]
    again = [max(len(run & other) for other in partners[1]) for run in partners[0]]
    assert np.mean(again) < 20  # of 32: an epoch does not repeat the batches of the last


def test_frames_with_a_gap_in_a_text_column_are_seen(tmp_path: Path) -> None:
    pd.DataFrame({"text": ["a", None] * 10, "label": [0, 1] * 10}).to_csv(tmp_path / "x.csv", index=False)
    with pytest.raises(UsageError, match="10 rows have no text"):
        load_files(tmp_path / "x.csv")


def test_lengths_are_those_of_the_tokens() -> None:
    encoded = encode(rows([0, 1]), tokenizer(), ["text"], 32)
    assert lengths_of(encoded) == [4, 4]
