"""Everything that is measured on a model, and what is written of it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from transformers import BertConfig, BertForTokenClassification, GPT2Config, GPT2LMHeadModel

from conftest import Linear, bert, reviews, tokenizer
from support.small_models import WORDS
from uegr.errors import UsageError
from uegr.evaluation.attacks.deepwordbug import DeepWordBug
from uegr.evaluation.attacks.pgd import PGD
from uegr.evaluation.attacks.synonym_swap import SynonymSwap
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.evaluation_data import kind_of
from uegr.evaluation.evaluation_report import EvaluationReport
from uegr.evaluation.evaluator import evaluate, measure_model


def test_evaluate_reports_every_part_of_the_schema(evaluated: EvaluatedModel, rows: Dataset) -> None:
    seen: list[int] = []
    result = measure_model(evaluated, rows, epsilons=[0.0, 0.1], attack=PGD(), attack_examples=20, on_batch=seen.append)
    assert set(result["metrics"]) == {"accuracy", "nll", "ece", "typo_accuracy"}
    assert result["robustness"]["examples"] == sum(seen) == 20
    assert result["robustness"]["cost"]["examples"] == 20
    assert result["robustness"]["cost"]["forward_passes"] > 0
    assert result["metrics"]["typo_accuracy"] < result["metrics"]["accuracy"]  # unknown words tell nothing


def test_attacked_examples_are_drawn_from_all_of_a_sorted_split(evaluated: EvaluatedModel, rows: Dataset) -> None:
    ordered = rows.sort("label")
    curve = measure_model(evaluated, ordered, epsilons=[0.0], attack=PGD(), attack_examples=16)["robustness"]
    seen: list[int] = []
    original = evaluated.batches
    evaluated.batches = lambda some: (seen.extend(some["label"]), original(some))[1]  # type: ignore[method-assign]
    measure_model(evaluated, ordered, epsilons=[0.0], attack=PGD(), attack_examples=16)
    del evaluated.batches  # type: ignore[method-assign]
    assert curve["examples"] == 16
    assert 0 < sum(seen[-16:]) < 16, "both classes"


@pytest.mark.parametrize("make", [lambda rows: rows, lambda rows: rows.to_pandas(), lambda rows: rows.to_list()])
def test_a_model_in_memory_is_measured_on_rows_of_any_form(
    make: Callable[[Dataset], Any], evaluated: EvaluatedModel, rows: Dataset
) -> None:
    tuned: list[str | PGD] = [PGD(steps=1, restarts=1), "random_search", "typos"]
    report = evaluate(evaluated.model, tokenizer(), make(rows), attacks=tuned, epsilons=[0.5, 0.0], attack_examples=16)
    content = report.to_dict()
    assert set(content) == {
        "test_examples", "metric", "metrics", "typo_rate", "robustness", "outcomes", "text_attacks", "embedding_attacks"
    }  # fmt: skip
    assert content["typo_rate"] == 0.3
    outputs, labels = evaluated.outputs(rows)
    assert report.metrics["accuracy"] == (outputs.argmax(axis=1) == labels).mean()
    assert list(report.robust_accuracy) == [0.0, 0.5]
    assert [part["attack"] for part in report.embedding_attacks] == ["random-search"]
    assert [part["attack"] for part in report.text_attacks] == ["typos"]
    assert json.loads(json.dumps(content)) == content
    for line in ("examples", "accuracy %, with typing errors", "accuracy %, pgd at 0.5", "accuracy %, typos"):
        assert line in str(report)


def test_a_group_of_attacks_is_measured_as_its_members(evaluated: EvaluatedModel, rows: Dataset) -> None:
    report = evaluate(evaluated.model, tokenizer(), rows, attacks="obfuscation", attack_examples=2)
    measured = [part["attack"] for part in report.text_attacks]
    assert measured == ["homoglyphs", "invisible", "spaced", "leetspeak", "signs"]
    with pytest.raises(UsageError, match="'spaced' is named twice, by itself or by a group: name it once"):
        evaluate(evaluated.model, tokenizer(), rows, attacks=["spaced", "obfuscation"])


def test_attacks_on_the_text_see_the_probabilities_at_a_temperature(evaluated: EvaluatedModel, rows: Dataset) -> None:
    """The metrics do not, and a temperature without such an attack is refused."""

    def report(**options: Any) -> EvaluationReport:
        return evaluate(evaluated.model, tokenizer(), rows, attacks="deletion", attack_examples=4, **options)

    seen: list[float] = []
    original = EvaluatedModel.probabilities_of
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            EvaluatedModel,
            "probabilities_of",
            lambda self, texts: seen.append(self.temperature) or original(self, texts),
        )
        hot, cold = report(temperature=3.0), report()
        attack = DeepWordBug()(evaluated.model, tokenizer(), ["good film"], [1], temperature=5.0)
    assert list(dict.fromkeys(seen)) == [3.0, 1.0, 5.0] and len(attack.outcomes) == 1
    assert hot.metrics == cold.metrics
    assert hot.text_attacks[0]["temperature"] == 3.0 and "temperature" not in cold.text_attacks[0]
    with pytest.raises(UsageError, match="temperature must be a positive number, not 0"):
        report(temperature=0.0)
    with pytest.raises(UsageError, match="temperature has no effect without an attack on the text"):
        evaluate(evaluated.model, tokenizer(), rows, temperature=2.0)


def test_labels_are_numbered_as_the_model_numbers_them(
    evaluated: EvaluatedModel, rows: Dataset, tmp_path: Path
) -> None:
    model = copy.deepcopy(evaluated.model)
    model.config.label2id, model.config.id2label = {"bad": 0, "good": 1}, {0: "bad", 1: "good"}
    frame = rows.to_pandas().rename(columns={"text": "review"})
    frame["verdict"] = frame.pop("label").map(["bad", "good"].__getitem__)
    frame.to_csv(tmp_path / "reviews.csv", index=False)
    report = evaluate(model, tokenizer(), tmp_path / "reviews.csv", attacks=[], label_column="verdict")
    assert report.robustness is None and report.metrics["accuracy"] > 0.9
    with pytest.raises(UsageError, match="unknown label"):
        evaluate(model, tokenizer(), frame.replace("bad", "awful"), attacks=[], label_column="verdict")


def test_the_kind_of_task_is_read_off_the_model() -> None:
    frame = reviews(12)
    regressor = bert(labels=1)
    report = evaluate(regressor, tokenizer(), frame.assign(label=[i / 10 for i in range(12)]), epsilons=[0.0])
    assert report.kind == "regression" and len(report.robust_accuracy) == 1
    tagger = bert(labels=3, problem_type="multi_label_classification")
    labels = [[i % 2, 1, 0] for i in range(12)]
    assert evaluate(tagger, tokenizer(), frame.assign(label=labels), attacks=[]).metric == "micro_f1"
    with pytest.raises(UsageError, match="leave out the others"):
        evaluate(regressor, tokenizer(), frame, attacks=["typos"])
    with pytest.raises(UsageError, match="can be attacked by one attack only, pgd"):
        evaluate(regressor, tokenizer(), frame, attacks=["random-search"])


def test_a_plain_module_can_be_measured(rows: Dataset) -> None:
    report = evaluate(Linear(), tokenizer(), rows, attacks=["pgd", "typos"], epsilons=[0.1], attack_examples=8)
    assert report.robustness is not None and len(report.text_attacks) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attacks": ["deepwordbugs"]}, "did you mean 'deepwordbug'"),
        ({"attacks": [SynonymSwap(synonyms="ppdb")]}, "the synonym table ppdb is not on this machine"),
        ({"text_columns": ["txt"]}, "did you mean 'text'"),
        ({"metrics": ["pearson"]}, "metric of classification"),
        ({"kind": "tagging"}, "kind of task"),
        ({"attack_examples": 1.5}, "attack_examples must be a whole number or None, not 1.5"),
        ({"max_length": "8"}, "max_length must be a whole number, not '8'"),
        ({"batch_size": 2.5}, "batch_size must be a whole number, not 2.5"),
        ({"typo_rate": None}, "typo_rate must be a number, not None"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(options: dict[str, Any], message: str, rows: Dataset) -> None:
    with pytest.raises(UsageError, match=message):
        evaluate(bert(), tokenizer(), rows, **options)


def test_a_model_with_a_label_per_word_is_measured_in_memory() -> None:
    """Names of tags by the model's configuration; a prediction that is always right has F1 1."""
    torch.manual_seed(0)
    words = [text.split(" ") for text in reviews(8)["text"]]
    names = ["O", "B-good"]
    config = {**bert().config.to_dict(), "num_labels": 2, "id2label": dict(enumerate(names))}
    config["label2id"] = {name: i for i, name in enumerate(names)}
    model = BertForTokenClassification(BertConfig(**config))
    with torch.no_grad():  # every token is "O"
        model.classifier.weight.zero_()
        model.classifier.bias.copy_(torch.tensor([5.0, 0.0]))
    outside = [{"words": row, "tags": ["O"] * len(row)} for row in words]
    report = evaluate(model, tokenizer(), outside, label_column="tags", text_columns=["words"], attack_examples=4)
    assert report.kind == "token"
    assert report.metrics["token_accuracy"] == 1.0
    some = [{"words": row, "tags": ["B-good", *["O"] * (len(row) - 1)]} for row in words]
    report = evaluate(model, tokenizer(), some, label_column="tags", text_columns=["words"], attacks=[])
    assert report.metrics["entity_f1"] == 0.0
    assert report.metrics["token_accuracy"] == pytest.approx(1 - len(some) / sum(len(row) for row in words))
    with pytest.raises(UsageError, match="can be attacked by one attack only"):
        evaluate(model, tokenizer(), some, label_column="tags", text_columns=["words"], attacks=["deepwordbug"])


def test_without_names_of_tags_class_0_is_outside_of_entities() -> None:
    model = BertForTokenClassification(BertConfig(**{**bert(labels=3).config.to_dict(), "num_labels": 3}))
    with torch.no_grad():  # every token is 0
        model.classifier.weight.zero_()
        model.classifier.bias.copy_(torch.tensor([5.0, 0.0, 0.0]))
    words = [text.split(" ") for text in reviews(8)["text"]]
    some = [{"words": row, "tags": [1, *[0] * (len(row) - 1)]} for row in words]
    report = evaluate(model, tokenizer(), some, label_column="tags", text_columns=["words"], attacks=[])
    assert model.config.id2label[0] == "LABEL_0" and report.metrics["entity_f1"] == 0.0


def test_a_problem_type_left_from_another_head_does_not_decide() -> None:
    config = {**bert().config.to_dict(), "problem_type": "single_label_classification"}
    tagger = BertForTokenClassification(BertConfig(**config))
    rows = [{"words": text.split(" "), "tags": [0] * len(text.split(" "))} for text in reviews(8)["text"]]
    assert evaluate(tagger, tokenizer(), rows, label_column="tags", attacks=[]).kind == "token"
    decoder = GPT2LMHeadModel(GPT2Config(vocab_size=len(WORDS), n_embd=16, n_layer=1, n_head=2, pad_token_id=0))
    decoder.config.problem_type = "single_label_classification"
    assert kind_of(decoder, Dataset.from_dict({"text": ["good film"]}), "label") == "causal_lm"


def test_one_attack_and_one_column_may_stand_alone(evaluated: EvaluatedModel, rows: Dataset) -> None:
    few = rows.select(range(6))
    lists, alone = (
        evaluate(evaluated.model, tokenizer(), few, attacks=attacks, text_columns=columns)
        for attacks, columns in ((["typos"], ["text"]), ("typos", "text"))
    )
    assert [part["attack"] for part in alone.text_attacks] == ["typos"]
    assert alone.metrics == lists.metrics


@pytest.mark.parametrize("given", [[PGD], PGD, None, [0.1]])
def test_what_is_no_attack_is_refused(given: Any, evaluated: EvaluatedModel, rows: Dataset) -> None:
    """The class of an attack was left out without a word."""
    with pytest.raises(UsageError, match=r"such as 'pgd', or made, such as attacks.PGD\(\), and not"):
        evaluate(evaluated.model, tokenizer(), rows, attacks=given)


def test_one_metric_needs_no_list(evaluated: EvaluatedModel, rows: Dataset) -> None:
    assert evaluate(evaluated.model, tokenizer(), rows, attacks=[], metrics="f1").metric == "f1"
    with pytest.raises(UsageError, match="batch_size must be at least 1, not 0"):
        evaluate(evaluated.model, tokenizer(), rows, attacks=[], batch_size=0)


def test_candidates_are_ranked_by_models_of_two_classes_only(rows: Dataset) -> None:
    model = bert(labels=3)
    with pytest.raises(UsageError, match="mrr ranks by the probability of class 1 of two classes, and the model has 3"):
        evaluate(model, tokenizer(), rows, attacks=[], metrics="mrr")


def test_half_of_a_character_in_a_list_of_rows_is_replaced(evaluated: EvaluatedModel) -> None:
    rows = [{"text": "good film \ud83d", "label": 1}, {"text": "bad film", "label": 0}]
    assert evaluate(evaluated.model, tokenizer(), rows, attacks=[]).test_examples == 2
