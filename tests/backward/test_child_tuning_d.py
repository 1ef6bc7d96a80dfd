"""Child-Tuning D trains the weights of highest Fisher information, and the head."""

from __future__ import annotations

import torch

from support.small_models import bert
from support.training import fisher_scores, train


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
