"""Rows of any source end up with the numbers that the model has for their classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from datasets import ClassLabel, Dataset, Features, List, Value

from conftest import tokenizer
from support.small_models import bert
from uegr import evaluate
from uegr.data.task_registry import TASKS
from uegr.errors import UsageError
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.evaluation_data import evaluation_rows


def named(*names: str) -> Any:
    """A classifier with classes of these names; the default names where there are none."""
    model = bert(labels=len(names) or 2)
    if names:
        model.config.id2label, model.config.label2id = dict(enumerate(names)), {n: i for i, n in enumerate(names)}
    return model


def numbers(model: Any, labels: list[Any], feature: Any = None) -> list[int]:
    """What labels become."""
    rows = Dataset.from_dict({"text": ["a film"] * len(labels), "label": labels})
    if feature is not None:
        rows = rows.cast(Features({"text": Value("string"), "label": feature}))
    return list(evaluation_rows(model, rows, ["text"])[0]["label"])


@pytest.mark.parametrize(
    ("names", "labels", "feature", "expected"),
    [
        (("bad", "good"), ["good", " bad "], None, [1, 0]),
        (("bad", "good"), [1, 0], None, [1, 0]),
        (("bad", "good"), ["1", "0"], None, [1, 0]),
        (("bad", "good"), [0, 1], ClassLabel(names=["good", "bad"]), [1, 0]),
        (("1", "2"), [1, 2], None, [0, 1]),
        (("1", "2"), [2.0, 1.0], None, [1, 0]),
        (("1.0", "2.0"), [2.0, 1.0], None, [1, 0]),
        (("0.0", "1.0", "2.0"), [2.0, 0.0], None, [2, 0]),
        (("1", "2", "3"), [0, 2], None, [0, 2]),
        ((), [0, 1], ClassLabel(names=["good", "bad"]), [0, 1]),
        ((), [True, False], None, [1, 0]),
        (("False", "True"), [True, False], None, [1, 0]),
        (("true", "false"), [True, False], None, [0, 1]),
        (("YES", "no", "unclear"), [True, False, True], None, [0, 1, 0]),
        (("no", "yes"), [True, True], None, [1, 1]),
        (("0", "1"), [True, False], None, [1, 0]),
    ],
)
def test_labels_become_the_numbers_of_the_model(
    names: tuple[str, ...], labels: list[Any], feature: Any, expected: list[int]
) -> None:
    model = named(*names)
    rows = pd.DataFrame({"text": ["a film"] * len(labels), "label": labels})
    assert numbers(model, labels, feature) == expected
    if feature is None:
        assert list(evaluation_rows(model, rows, ["text"], kind="classification")[0]["label"]) == expected


@pytest.mark.parametrize(
    ("names", "labels", "feature"),
    [
        (("bad", "good"), [0, 2], None),
        (("bad", "good"), [-1, 1], None),
        (("bad", "good"), ["good", "awful"], None),
        (("bad", "good"), [0, 1], ClassLabel(names=["ham", "spam"])),
        ((), ["ham", "spam"], None),
    ],
)
def test_a_label_that_the_model_does_not_have_is_refused(
    names: tuple[str, ...], labels: list[Any], feature: Any
) -> None:
    with pytest.raises(UsageError, match="unknown label"):
        numbers(named(*names), labels, feature)


@pytest.mark.parametrize(
    ("names", "labels", "message"),
    [
        (("negative", "positive"), ["negative", "positiv"], r"'positiv' \(did you mean 'positive'\?\)"),
        (("negative", "positive"), ["negative", "1", "positiv"], r"'positiv' \(did you mean 'positive'\?\)"),
        (("negative", "positive"), ["negative", "1"], "'1'"),
        (("1", "2", "3"), [1, 2, 4], "'4'"),
        (("1", "2", "3"), [3, 0], "'0'"),
        ((), ["LABEL_0", "LABEL_7"], "'LABEL_7'"),
    ],
)
def test_the_label_that_is_refused_is_no_name_of_a_class(
    names: tuple[str, ...], labels: list[Any], message: str
) -> None:
    with pytest.raises(UsageError, match=f"^unknown label {message}"):
        numbers(named(*names), labels)


def test_hidden_labels_are_refused() -> None:
    with pytest.raises(UsageError, match="label -1, which marks a hidden label"):
        numbers(named("bad", "good"), [-1, -1], ClassLabel(names=["bad", "good"]))


def test_a_configuration_that_numbers_its_classes_in_two_ways_is_refused() -> None:
    model = named("bad", "good")
    model.config.label2id = {"bad": 1, "good": 0}
    with pytest.raises(UsageError, match="make label2id the inverse of id2label"):
        numbers(model, ["bad", "good"])


@pytest.mark.parametrize(
    ("texts", "labels", "message"),
    [(["a film", None], [0, 1], "1 rows have no text"), (["a film", "b"], [0, None], "1 rows have no label")],
)
def test_a_row_without_text_or_label_is_refused(texts: list[Any], labels: list[Any], message: str) -> None:
    frame = pd.DataFrame({"text": texts, "label": pd.array(labels, dtype="Int64")})
    with pytest.raises(UsageError, match=message):
        evaluate(bert(), tokenizer(), frame, attacks=[])


@pytest.mark.parametrize("label", ["", " ", float("nan")])
def test_a_label_of_nothing_is_no_label(label: Any) -> None:
    with pytest.raises(UsageError, match="1 rows have no label in column 'label' .the first is row 1."):
        numbers(named("bad", "good"), ["good" if isinstance(label, str) else 1.0, label])


@pytest.mark.parametrize("rows", [["a film", "b"], [("a film", 1)]])
def test_rows_that_are_no_dicts_are_refused(rows: list[Any]) -> None:
    with pytest.raises(UsageError, match=r'give a list of dicts, such as \[\{"text": "...", "label": 0\}\]'):
        evaluate(bert(), tokenizer(), rows, attacks=[])


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        (["review"], ("review",)),
        (["source", "text"], ("text",)),
        (["id", "sentence", "split"], ("sentence",)),
        (["hypothesis", "source", "premise"], ("premise", "hypothesis")),
        (["question", "sentence"], ("question", "sentence")),
        (["text", "text_pair"], ("text", "text_pair")),
    ],
)
def test_the_columns_of_text_are_found_by_their_names(columns: list[str], found: tuple[str, ...]) -> None:
    frame = pd.DataFrame({**{column: ["a", "b"] for column in columns}, "label": [0, 1]})
    assert evaluation_rows(bert(), frame)[1] == found


def test_every_named_task_has_usual_names() -> None:
    for task in TASKS.values():
        frame = pd.DataFrame({**{column: ["a", "b"] for column in (*task.text, "source")}, "label": [0, 1]})
        if task.kind == "classification":
            assert evaluation_rows(bert(), frame)[1] == task.text


@pytest.mark.parametrize("columns", [["review", "source"], ["text", "sentence"], ["question", "passage", "sentence"]])
def test_columns_of_strings_without_usual_names_are_refused(columns: list[str]) -> None:
    frame = pd.DataFrame({**{column: ["a", "b"] for column in columns}, "label": [0, 1]})
    with pytest.raises(UsageError, match=r"several columns hold strings .* with text_columns=") as error:
        evaluate(bert(), tokenizer(), frame, attacks=[])
    assert all(column in str(error.value) for column in columns)


@pytest.mark.parametrize("max_length", [-3, 0, 2])
def test_texts_cannot_be_cut_to_nothing(max_length: int) -> None:
    with pytest.raises(UsageError, match="give a max_length of at least 3"):
        EvaluatedModel(bert(), tokenizer(), max_length=max_length)


def test_what_was_repaired_in_a_file_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a.csv").write_bytes("text,label\na caf\u00e9,1\nanother,0\n".encode("cp1252"))
    rows, _, _ = evaluation_rows(named(), tmp_path / "a.csv")
    assert rows["text"][0] == "a caf\u00e9"
    assert caplog.messages == ["note: 1 bytes of a.csv are not UTF-8: read as cp1252."]


@pytest.mark.parametrize(
    ("labels", "feature"),
    [
        ([[1, 0, 1], [0, 0, 0]], None),
        ([[True, False, True], [False] * 3], None),
        ([["c", "a"], []], None),
        (["a, c", ""], None),
        (["['a', 'c']", "[]"], None),
        (["[1 0 1]", "[0 0 0]"], None),
        ([[1, 0], []], List(ClassLabel(names=["c", "a"]))),
    ],
    ids=["numbers", "flags", "names", "text", "printed names", "printed numbers", "class numbers"],
)
def test_sets_of_labels_become_the_outputs_of_the_model(labels: list[Any], feature: Any) -> None:
    model = named("a", "b", "c")
    model.config.problem_type = "multi_label_classification"
    assert numbers(model, labels, feature) == [[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]


@pytest.mark.parametrize("labels", [[1, 0], [2, 0, 1], [None, 0, 1], ["d"]])
def test_a_set_of_labels_that_the_model_does_not_have_is_refused(labels: list[Any]) -> None:
    model = named("a", "b", "c")
    model.config.problem_type = "multi_label_classification"
    with pytest.raises(UsageError, match="the labels of row 0 are .*: give a list of 0 and 1 for each of the"):
        numbers(model, [labels])


@pytest.mark.parametrize("names", ["abc", "012"])
@pytest.mark.parametrize("labels", [[[1, 0, 1], [0, 0, 0], [1, 0]], [[1, 0, 0, 1]], [[1, 1]]], ids=str)
def test_lists_of_zero_and_one_must_fit_the_model(names: str, labels: list[list[int]]) -> None:
    model = named(*names)
    model.config.problem_type = "multi_label_classification"
    with pytest.raises(UsageError, match=r"row \d (are \[|holds 2 values)"):
        numbers(model, labels)


@pytest.mark.parametrize(("labels", "expected"), [([[1], [0]], [[1.0], [0.0]]), ([["a"], []], [[1.0], [0.0]])])
def test_a_model_may_have_one_label(labels: list[Any], expected: list[list[float]]) -> None:
    model = named("a")
    model.config.problem_type = "multi_label_classification"
    assert numbers(model, labels) == expected


def test_lists_of_zero_and_one_for_a_class_label_are_in_its_order() -> None:
    model = named("a", "b", "c")
    model.config.problem_type = "multi_label_classification"
    assert numbers(model, [[1, 0, 0], [0, 0, 0]], List(ClassLabel(names=["c", "a", "b"])))[0] == [0.0, 0.0, 1.0]


@pytest.mark.parametrize(("names", "expected"), [((), [1, 0]), (("B-place", "O"), [0, 1])])
def test_tags_of_a_class_label_are_numbered_by_the_model_if_it_has_names(
    names: tuple[str, ...], expected: list[int]
) -> None:
    features = Features({"text": List(Value("string")), "label": List(ClassLabel(names=["O", "B-place"]))})
    rows = Dataset.from_dict({"text": [["Rome", "is"]], "label": [[1, 0]]}, features)
    assert evaluation_rows(named(*names), rows, ["text"], kind="token")[0]["label"][:] == [expected]


def test_a_number_to_predict_must_be_finite() -> None:
    with pytest.raises(UsageError, match="1 labels are not finite numbers"):
        numbers(bert(labels=1), [0.5, float("inf")])
