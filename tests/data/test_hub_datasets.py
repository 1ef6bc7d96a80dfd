"""Data sets of the hub get the registry's columns, splits and class order; the hub itself is a stub."""

from __future__ import annotations

import pytest
from datasets import ClassLabel, Dataset, Features, Value

from uegr.data import hub_datasets as hub
from uegr.data.named_tasks import load_task
from uegr.errors import UsageError


def stub_hub(monkeypatch: pytest.MonkeyPatch, splits: dict[str, Dataset]) -> list[tuple[str, str | None]]:
    """Let the hub return these splits, with no data on this machine; returns the list of requests to the hub."""
    requests: list[tuple[str, str | None]] = []

    def read(path: str, configuration: str | None = None) -> dict[str, Dataset]:
        requests.append((path, configuration))
        return splits

    monkeypatch.delenv("UEGR_DATA", raising=False)
    monkeypatch.setattr(hub, "read_hub", read)
    return requests


def labelled(names: list[str], labels: list[int], **columns: list[str]) -> Dataset:
    features = Features({**{name: Value("string") for name in columns}, "label": ClassLabel(names=names)})
    return Dataset.from_dict({**columns, "label": labels}, features=features)


def test_classes_are_matched_by_name_and_columns_renamed(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["ABBR", "ENTY", "DESC", "HUM", "LOC", "NUM"]
    rows = labelled(names, [0, 1, 2, 3, 4, 5] * 10, text=[f"question {i}" for i in range(60)])
    rows = rows.rename_column("label", "coarse_label")
    requests = stub_hub(monkeypatch, {"train": rows, "test": rows.select(range(6))})
    data = load_task("trec")
    assert requests == [("CogComp/trec", None)]
    assert data.label_names == ("DESC", "ENTY", "ABBR", "HUM", "LOC", "NUM")
    assert data.test["label"][:] == [2, 1, 0, 3, 4, 5]
    assert data.test["sentence"][0] == "question 0"


def test_rows_without_gold_label_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = {"premise": [f"p {i}" for i in range(40)], "hypothesis": [f"h {i}" for i in range(40)]}
    rows = labelled(["entailment", "neutral", "contradiction"], [0, 1, 2, -1] * 10, **pair)
    stub_hub(monkeypatch, {"train": rows, "validation": rows, "test": rows})
    data = load_task("snli")
    assert len(data.train) == 30
    assert {*data.train["label"]} == {0, 1, 2}


def test_glue_is_evaluated_on_its_validation_split(monkeypatch: pytest.MonkeyPatch) -> None:
    train = labelled(["unacceptable", "acceptable"], [0, 1] * 50, sentence=[f"train {i}" for i in range(100)])
    shown = labelled(["unacceptable", "acceptable"], [0, 1] * 5, sentence=[f"shown {i}" for i in range(10)])
    hidden = Dataset.from_dict({"sentence": ["hidden"] * 10, "label": [-1] * 10})
    requests = stub_hub(monkeypatch, {"train": train, "validation": shown, "test": hidden})
    data = load_task("cola")
    assert requests == [("nyu-mll/glue", "cola")]
    assert data.test["sentence"][:] == [f"shown {i}" for i in range(10)]
    assert (len(data.train), len(data.validation)) == (90, 10)
    assert all(text.startswith("train") for text in data.validation["sentence"])


def test_mnli_has_two_test_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["entailment", "neutral", "contradiction"]

    def part(word: str) -> Dataset:
        return labelled(names, [0, 1, 2] * 10, premise=[f"{word} {i}" for i in range(30)], hypothesis=["h"] * 30)

    stub_hub(
        monkeypatch,
        {
            "train": part("a"),
            "validation_matched": part("m"),
            "validation_mismatched": part("mm"),
            "test_matched": part("t"),
        },
    )
    assert load_task("mnli").test["premise"][0] == "m 0"
    assert load_task("mnli_mm").test["premise"][0] == "mm 0"


def test_labels_that_are_words_or_booleans_become_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    words = {"premise": [f"p {i}" for i in range(20)], "hypothesis": ["h"] * 20, "label": ["neutral", "entails"] * 10}
    stub_hub(monkeypatch, {"train": Dataset.from_dict(words), "test": Dataset.from_dict(words)})
    assert load_task("scitail").test["label"][:2] == [1, 0]
    booleans = {"question": [f"q {i}" for i in range(20)], "passage": ["p"] * 20, "answer": [True, False] * 10}
    stub_hub(monkeypatch, {"train": Dataset.from_dict(booleans), "validation": Dataset.from_dict(booleans)})
    assert load_task("boolq").test["label"][:2] == [1, 0]


def test_a_hub_out_of_reach_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*arguments: object) -> None:
        raise ConnectionError("no route")

    monkeypatch.delenv("UEGR_DATA", raising=False)
    monkeypatch.setattr(hub, "load_dataset", unreachable)
    with pytest.raises(UsageError, match=r"could not be loaded from the hub \(ConnectionError: no route\).*UEGR_DATA"):
        load_task("cola")
    with pytest.raises(UsageError, match="'mpqa' is not on this machine: point UEGR_DATA"):
        load_task("mpqa")
