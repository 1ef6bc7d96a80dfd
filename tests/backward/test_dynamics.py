from __future__ import annotations

import pytest
import torch

from conftest import batch, bert
from uegr import UEGR
from uegr.backward.selection_log import selection_dynamics
from uegr.modeling.model_parts import layer_of


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
    # Two draws at 1/2 differ half the time; a certain element that is kept at 1/4 differs 3 times in 4.
    assert float(second["mask_churn"]) == pytest.approx((0.5 + 0.75 + 2 * 0.25 * 0.75 + 0) / 4, abs=1e-4)


def test_hard_masks_churn_by_what_has_changed() -> None:
    before, now = [torch.tensor([1.0, 1.0, 0.0, 0.0])], [torch.tensor([1.0, 0.0, 1.0, 0.0])]
    news = selection_dynamics(["a"], [torch.ones(4)], before, now)
    assert float(news["mask_churn"]) == float(news["update_share"]) == 0.5


@pytest.mark.parametrize(
    ("parameter", "layer"),
    [
        ("bert.encoder.layer.3.attention.self.query.weight", "bert.encoder.layer.3"),
        ("bert.embeddings.word_embeddings.weight", "bert.embeddings"),
        ("shared.weight", "shared"),
        ("weight", ""),
    ],
)
def test_layers_follow_from_names(parameter: str, layer: str) -> None:
    assert layer_of(parameter) == layer


def test_a_method_reports_after_each_renewal_and_only_then() -> None:
    model = bert().train()
    method = UEGR(refresh=2)
    optimizer = method.wrap_optimizer(torch.optim.AdamW(model.parameters(), lr=1e-3), model)
    reports = []
    for seed in range(3):
        method.loss(model, batch(seed=seed)).backward()
        optimizer.step()
        optimizer.zero_grad()
        reports.append(method.backward.report())
    assert [bool(one) for one in reports] == [True, False, True]
    assert {"saliency/bert.embeddings", "saliency/bert.encoder.layer.1", "mask_churn"} <= set(reports[2])
    assert 0.1 < float(reports[2]["update_share"]) < 1
    assert {"divergence_pass_1", "divergence_pass_2", "divergence_clean"} <= set(method.terms)
    parts = [method.terms[f"divergence_{name}"] for name in ("pass_1", "pass_2", "clean")]
    torch.testing.assert_close(torch.stack(parts).mean(), method.terms["divergence"])
