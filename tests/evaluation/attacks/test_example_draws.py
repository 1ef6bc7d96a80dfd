"""The random numbers of an example do not depend on the batch that it is in."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
import torch
from datasets import Dataset
from torch import Tensor, nn

from conftest import tokenizer
from uegr.evaluation.attacks.auto_pgd import AutoPGD
from uegr.evaluation.attacks.embedding_attack import EmbeddingAttack
from uegr.evaluation.attacks.pgd import PGD
from uegr.evaluation.attacks.random_search import RandomSearch
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.robustness import robust_mask
from uegr.evaluation.worst_case import worst_outputs
from uegr.modeling.perturbed_pass import perturbed
from uegr.modeling.real_tokens import token_mask

ROWS = Dataset.from_dict(
    {
        "text": ["good", "bad film", "great fine plot", "awful dull bad actor", "fine good great good the", "dull bad"],
        "label": [1, 0, 1, 0, 1, 0],
    }
)


@pytest.mark.parametrize("attack", [PGD(restarts=2), AutoPGD(steps=6), RandomSearch(steps=8, restarts=2)])
def test_an_attack_does_not_depend_on_the_size_of_the_batches(
    attack: EmbeddingAttack, evaluated: EvaluatedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    deltas: defaultdict[tuple[int, ...], list[Tensor]] = defaultdict(list)

    def watch(model: nn.Module, batch: Any, delta: Tensor) -> Any:
        for ids, is_token, own in zip(batch["input_ids"], token_mask(batch).squeeze(-1).bool(), delta, strict=True):
            deltas[tuple(ids[is_token].tolist())].append(own[is_token].detach())
        return perturbed(model, batch, delta)

    monkeypatch.setattr("uegr.evaluation.evaluated_model.perturbed", watch)
    masks, tried = [], []
    for batch_size in (2, 6):
        deltas.clear()
        model = EvaluatedModel(evaluated.model, tokenizer(), ["text"], batch_size=batch_size)
        masks.append(robust_mask(model, ROWS, [0.0, 0.05, 0.3], attack))
        tried.append(dict(deltas))
    assert (masks[0] == masks[1]).all()
    assert tried[0].keys() == tried[1].keys() and len(tried[0]) == len(ROWS)
    for ids, points in tried[0].items():
        torch.testing.assert_close(torch.stack(points), torch.stack(tried[1][ids]), rtol=1e-3, atol=1e-4)


def test_the_worst_outputs_do_not_depend_on_the_size_of_the_batches(evaluated: EvaluatedModel) -> None:
    outputs = [
        worst_outputs(EvaluatedModel(evaluated.model, tokenizer(), batch_size=size), ROWS, [0.0, 0.3], PGD(restarts=3))
        for size in (2, 6)
    ]
    assert outputs[0] == pytest.approx(outputs[1], abs=1e-3)


def test_each_restart_starts_at_another_point(evaluated: EvaluatedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    starts: list[Tensor] = []
    monkeypatch.setattr(
        PGD, "run_restart", lambda self, part, start: (starts.append(start), torch.ones(len(start)) > 0)[1]
    )
    robust_mask(evaluated, ROWS, [0.1, 0.2], PGD(restarts=3))
    assert not starts[0].any() and not starts[3].any(), "the first is the centre"
    points = [start / start.norm() for i, start in enumerate(starts) if i % 3]
    for i, point in enumerate(points):
        assert all((point - other).norm() > 0.5 for other in points[:i])
