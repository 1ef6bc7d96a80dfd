"""What is logged about a selection: its share, its churn, and the saliency of each layer."""

from __future__ import annotations

import pytest
import torch

from support.small_models import batch, bert
from uegr.backward.selection_log import selection_dynamics
from uegr.methods.registry import UEGRConfig


def test_shares_churn_and_saliency_are_those_of_the_elements() -> None:
    scores = [torch.tensor([1.0, 3.0]), torch.tensor([[5.0]]), torch.tensor([7.0])]
    before = [torch.tensor([0.5, 1.0]), torch.tensor([[0.25]]), torch.tensor([1.0])]
    now = [torch.tensor([0.5, 0.25]), torch.tensor([[0.25]]), torch.tensor([1.0])]
    first = selection_dynamics(["a", "b", "a"], scores, [], now)
    assert set(first) == {"update_share", "saliency/a", "saliency/b"}
    assert float(first["update_share"]) == pytest.approx(2.0 / 4)
    assert float(first["saliency/a"]) == pytest.approx(11 / 3)
    assert float(first["saliency/b"]) == 5
    second = selection_dynamics(["a", "b", "a"], scores, before, now)
    # Two draws at 1/2 differ half the time; an element whose p falls from 1 to 1/4 differs 3 times in 4.
    assert float(second["mask_churn"]) == pytest.approx((0.5 + 0.75 + 2 * 0.25 * 0.75 + 0) / 4, abs=1e-4)


def test_masks_that_are_certain_churn_by_what_has_changed() -> None:
    before, now = [torch.tensor([1.0, 1.0, 0.0, 0.0])], [torch.tensor([1.0, 0.0, 1.0, 0.0])]
    logged = selection_dynamics(["a"], [torch.ones(4)], before, now)
    assert float(logged["mask_churn"]) == float(logged["update_share"]) == 0.5


def test_a_method_reports_after_each_ranking_and_only_then() -> None:
    model = bert().train()
    method = UEGRConfig(refresh=2).attach(model=model, optimizer=torch.optim.AdamW(model.parameters(), lr=1e-3))
    reports = []
    for seed in range(3):
        method.loss(batch(seed=seed)).backward()
        method.optimizer.step()
        method.optimizer.zero_grad()
        reports.append(method.backward.report())
    assert [bool(report) for report in reports] == [True, False, True]
    assert {"saliency/bert.embeddings", "saliency/bert.encoder.layer.1", "mask_churn"} <= set(reports[2])
    assert 0.1 < float(reports[2]["update_share"]) < 1
