"""Child-Tuning D trains the weights of highest Fisher information, and the head."""

from __future__ import annotations

import torch

from support.small_models import batch, bert
from support.training import fisher_scores, train
from uegr import make_config


def test_only_the_top_of_the_fisher_scores_and_the_head_move() -> None:
    model, trained = bert(dropout=0.0), train("child-tuning-d", steps=2, child=0.2)
    scores = dict(zip([name for name, _ in model.named_parameters()], fisher_scores(model), strict=True))
    body = torch.cat([score.flatten() for name, score in scores.items() if name.startswith("bert")])
    threshold = body.quantile(0.8)
    moved_of_body = []
    for name, score in scores.items():
        has_moved = trained.get_parameter(name).detach() != model.get_parameter(name).detach()
        if name.startswith("bert"):
            assert not has_moved[score < 0.98 * threshold].any(), f"{name} moved outside the child"
            moved_of_body.append(has_moved.flatten())
        else:
            assert has_moved.any(), f"{name} of the head did not move"
    assert 0.15 < torch.cat(moved_of_body).float().mean() <= 0.21


def test_weights_that_are_frozen_before_the_preparation_are_not_ranked() -> None:
    model = bert()
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    method = make_config("child-tuning-d", {"child": 0.2}).attach(model=model, optimizer=sgd)
    frozen = model.bert.encoder.layer[0].requires_grad_(False)
    method.prepare([batch(4)])
    masks = method.backward.state_dict()["masks"]
    ranked = [weight for i, weight in enumerate(model.parameters()) if i in masks]
    assert not any(weight is other for weight in ranked for other in frozen.parameters())
    assert 0.15 < torch.cat([mask.flatten() for mask in masks.values()]).float().mean() < 0.25
