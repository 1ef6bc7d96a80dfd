"""Every attack on the embeddings, the same tests for all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset
from torch import Tensor, nn

from conftest import Linear, batch
from support.robustness_curves import robustness_curve
from uegr.errors import UsageError
from uegr.evaluation.attacks.auto_pgd import AutoPGD
from uegr.evaluation.attacks.embedding_attack import EmbeddingAttack, Queries
from uegr.evaluation.attacks.pgd import PGD
from uegr.evaluation.attacks.random_search import RandomSearch
from uegr.evaluation.attacks.transfer_attack import Transfer
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.robustness import robust_mask
from uegr.modeling.embeddings import embedding_scale
from uegr.modeling.perturbed_pass import perturbed
from uegr.modeling.real_tokens import token_mask
from uegr.perturb.ball import Ball

EPSILONS = [0.0, 0.3, 0.5, 1.2]
NOISE = 2 / 48
CLASSES = [PGD, AutoPGD, RandomSearch, Transfer]


def build(attack: type[EmbeddingAttack], other: EvaluatedModel, **options: Any) -> EmbeddingAttack:
    return attack(**options, **({"source": other} if attack is Transfer else {}))  # type: ignore[call-arg]


@pytest.mark.parametrize("attack", CLASSES)
@pytest.mark.parametrize("norm", ["l2", "l2_token", "linf"])
def test_a_larger_ball_never_helps_the_defender(
    attack: type[EmbeddingAttack], norm: str, evaluated: EvaluatedModel, other_evaluated: EvaluatedModel, rows: Dataset
) -> None:
    built = build(attack, other_evaluated, norm=norm, steps=20 if attack is RandomSearch else 6)
    curve = robustness_curve(evaluated, rows, [*EPSILONS, 8.0], built)
    assert curve["attack"] == attack.name and curve["norm"] == norm
    assert curve["accuracy"] == sorted(curve["accuracy"], reverse=True)
    assert curve["accuracy"][0] > 0.9
    assert curve["accuracy"][-1] < curve["accuracy"][0]


@pytest.mark.parametrize("attack", [PGD, AutoPGD, RandomSearch])
def test_more_steps_never_help_the_defender_by_more_than_noise(
    attack: type[EmbeddingAttack], evaluated: EvaluatedModel, rows: Dataset
) -> None:
    weak, strong = (robust_mask(evaluated, rows, EPSILONS, attack(steps=steps)).mean(axis=1) for steps in (2, 16))
    assert (strong <= weak + NOISE).all()


def test_the_adaptive_step_is_no_weaker_than_the_fixed_one_and_both_beat_a_black_box(
    evaluated: EvaluatedModel, rows: Dataset
) -> None:
    fixed, adaptive, blind = (
        robust_mask(evaluated, rows, EPSILONS, attack).mean(axis=1)
        for attack in (PGD(steps=12), AutoPGD(steps=12), RandomSearch(steps=12))
    )
    assert (adaptive <= fixed + NOISE).all()
    assert (fixed <= blind + NOISE).all()
    assert fixed[1:-1].sum() < blind[1:-1].sum()


def test_every_perturbation_lies_in_its_ball_and_off_the_padding(
    evaluated: EvaluatedModel, other_evaluated: EvaluatedModel, rows: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Watched at the one place where perturbations reach a model."""
    seen: list[float] = []
    ball, scale = Ball("l2"), embedding_scale(evaluated.model)
    rows = rows.map(lambda row, i: {"text": row["text"] + " film" * (i % 5)}, with_indices=True)

    def watch(model: nn.Module, batch: Any, delta: Tensor) -> Any:
        examples = current["batch"]
        if model is evaluated.model and len(delta) == len(examples["labels"]):
            mask = token_mask(examples)
            assert not (delta.detach() * (1 - mask)).any()
            seen.append(float((ball.length(delta.detach()) / (0.3 * ball.unit(scale, mask))).max()))
        return perturbed(model, batch, delta)

    current: dict[str, Any] = {}
    monkeypatch.setattr("uegr.evaluation.evaluated_model.perturbed", watch)
    for attack in CLASSES:
        _, current["batch"] = next(evaluated.batches(rows))
        robust_mask(evaluated, rows.select(range(16)), [0.3], build(attack, other_evaluated, steps=4))
    assert seen and max(seen) < 1.0001


@pytest.mark.parametrize("loss", ["ce", "margin"])
def test_queries_are_counted(loss: str, evaluated: EvaluatedModel, rows: Dataset) -> None:
    """Nothing is fooled at a tiny radius: one clean pass, then a forward and a backward per point, 4 + 1 points."""
    queries = Queries()
    robust = robust_mask(evaluated, rows, [0.0, 1e-9], AutoPGD(steps=4, restarts=1, loss=loss), queries=queries)  # type: ignore[arg-type]
    assert queries.count == 48 + int(robust[0].sum()) * 2 * 5


@pytest.mark.parametrize("attack", CLASSES)
def test_any_module_can_be_attacked_on_one_batch(attack: type[EmbeddingAttack]) -> None:
    """The clean accuracy first, then no higher; epsilons are sorted, and every query is counted."""
    model, examples = Linear(), batch(6)
    source = {"source": Linear()} if attack is Transfer else {}
    result = attack(steps=3, **source)(model, examples, epsilons=[0.5, 0.0, 0.01])  # type: ignore[call-arg]
    right = model(examples["input_ids"], examples["attention_mask"]).logits.argmax(dim=1) == examples["labels"]
    assert result.epsilons == (0.0, 0.01, 0.5)
    assert result.robust_mask.shape == (3, 6) and result.robust_mask[0].tolist() == right.tolist()
    assert result.accuracy == sorted(result.accuracy, reverse=True) == result.robust_mask.mean(axis=1).tolist()
    assert result.queries >= 6
    assert attack.name in str(result) and "0.5: " in str(result)


@pytest.mark.parametrize("attack", CLASSES)
def test_an_evaluation_without_gradients_may_attack(attack: type[EmbeddingAttack]) -> None:
    source = {"source": Linear()} if attack is Transfer else {}
    expected = attack(**source)(Linear(), batch(6), EPSILONS)  # type: ignore[call-arg]
    with torch.no_grad():
        result = attack(**source)(Linear(), batch(6), EPSILONS)  # type: ignore[call-arg]
    assert (result.robust_mask == expected.robust_mask).all()


def test_inference_mode_is_named() -> None:
    with torch.inference_mode(), pytest.raises(UsageError, match=r"torch.no_grad\(\) in its place"):
        PGD()(Linear(), batch(6), [0.1])


def test_one_batch_and_a_data_set_give_the_same(evaluated: EvaluatedModel, rows: Dataset) -> None:
    """Random starts follow the index in the data, which in one batch is the row."""
    positions, examples = next(EvaluatedModel(evaluated.model, evaluated.tokenizer).batches(rows))
    examples = {name: values[np.argsort(positions)] for name, values in examples.items()}
    alone = PGD()(evaluated.model, examples, EPSILONS).robust_mask
    together = robust_mask(EvaluatedModel(evaluated.model, evaluated.tokenizer), rows, EPSILONS, PGD())
    assert (alone == together).all()


@pytest.mark.parametrize("attack", CLASSES)
@pytest.mark.parametrize("kind", [torch.int32, torch.uint8, torch.bool])
def test_labels_are_whole_numbers_of_any_size(attack: type[EmbeddingAttack], kind: torch.dtype) -> None:
    source = {"source": Linear()} if attack is Transfer else {}
    built = attack(steps=3, **source)  # type: ignore[call-arg]
    examples = {**batch(6), "labels": batch(6)["labels"].to(kind)}
    assert (built(Linear(), examples, EPSILONS).robust_mask == built(Linear(), batch(6), EPSILONS).robust_mask).all()


@pytest.mark.parametrize("epsilons", [[0.0], [0.1]])
def test_a_model_whose_outputs_are_no_numbers_is_refused(epsilons: list[float]) -> None:
    model = Linear()
    model.head.bias.data[1] = float("nan")
    with pytest.raises(UsageError, match="outputs are not numbers"):
        PGD()(model, batch(), epsilons)


@pytest.mark.parametrize("epsilons", [0.1, np.float32(0.1), torch.tensor(0.1), None, "0.1", ["a"], [], [-1.0]])
def test_epsilons_that_are_no_list_of_numbers_are_refused(epsilons: Any) -> None:
    with pytest.raises(UsageError, match="epsilons must be a list of at least one number"):
        PGD()(Linear(), batch(), epsilons)


@pytest.mark.parametrize("entry", [{"text": ["a"] * 4}, {"input_ids": [[5, 6]] * 4}, {"token_type_ids": None}])
def test_an_entry_that_is_no_tensor_is_named(entry: dict[str, Any]) -> None:
    with pytest.raises(
        UsageError, match=rf"batch\['{next(iter(entry))}'\] must be a tensor with a row for each of the 4"
    ):
        PGD()(Linear(), {**batch(), **entry}, [0.1])


def test_a_batch_with_fewer_labels_or_without_tokens_is_refused() -> None:
    examples = batch()
    with pytest.raises(UsageError, match=r"each of the 3 labels, not shape \(4, 7\)"):
        PGD()(Linear(), {**examples, "labels": examples["labels"][:3]}, [0.1])
    with pytest.raises(UsageError, match="token ids"):
        PGD()(Linear(), {"labels": examples["labels"]}, [0.1])


def test_a_batch_without_classes_is_refused() -> None:
    examples = batch()
    for labels in (None, examples["labels"].float(), examples["input_ids"], examples["labels"][:0]):
        with pytest.raises(UsageError, match="class of each example"):
            PGD()(Linear(), {**examples, "labels": labels}, [0.1])  # type: ignore[dict-item]
