"""The clean pass, and the one whose backward serves the weights and the attack."""

from __future__ import annotations

import pytest
import torch

from support.small_models import batch, bert, gradients_of
from support.stages import stage_of, step
from uegr.forward.clean_pass import clean_pass_with_backward, clean_pass_with_gradient
from uegr.forward.uegr import UEGRForward
from uegr.modeling.dropout_sites import DropoutSites


@pytest.mark.parametrize("keep_graph", [False, True])
def test_logits_can_be_differentiated_again_only_if_their_graph_is_kept(keep_graph: bool) -> None:
    model = bert().train()
    clean = clean_pass_with_gradient(model, batch(), step(sites=DropoutSites(model)), keep_graph=keep_graph)
    assert clean.gradient.shape == (4, 7, 16)
    assert clean.loss is None
    if keep_graph:
        clean.logits.sum().backward()
        assert model.classifier.weight.grad is not None
    else:
        assert not clean.logits.requires_grad


def test_the_reused_gradient_points_the_same_way() -> None:
    """Up to a factor: its loss is the mean of the examples and not their sum."""
    model = bert().train()
    own = clean_pass_with_gradient(model, batch(), step(sites=DropoutSites(model)), keep_graph=False)
    reused = clean_pass_with_backward(model, batch(), step(sites=DropoutSites(model)))
    torch.testing.assert_close(4.0 * reused.gradient, own.gradient, atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(reused.logits, own.logits)
    assert not reused.logits.requires_grad


@pytest.mark.parametrize("clean_weight", [1.0, 0.5])
def test_reuse_is_the_full_stage_whose_divergence_takes_the_clean_output_as_a_constant(clean_weight: float) -> None:
    """Without a divergence there is no difference left; with it, the value is the same and the gradient is not."""
    data = batch()

    def one_step(**options: float) -> tuple[torch.Tensor, list[torch.Tensor | None]]:
        model = bert().train()
        loss = stage_of(UEGRForward, clean_weight=clean_weight, **options)(model, data, step(3)).value
        (2.0 * loss).backward()
        return loss.detach(), gradients_of(model)

    reused, full = one_step(reuse=True, js_weight=0.0), one_step(js_weight=0.0)
    torch.testing.assert_close(reused[0], full[0])
    for gradient, expected in zip(reused[1], full[1], strict=True):
        torch.testing.assert_close(gradient, expected, atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(one_step(reuse=True)[0], one_step()[0])


@pytest.mark.parametrize("epsilon", [0.0, 0.06])
def test_a_clean_output_that_is_held_fixed_joins_the_divergence_without_a_clean_loss(epsilon: float) -> None:
    """Its value is that of a clean loss with next to no weight, and its gradient that of a constant."""
    data, values, gradients = batch(), [], []
    for clean_weight in (0.0, 1e-9):
        model = bert().train()
        stage = stage_of(UEGRForward, epsilon=epsilon, js_weight=2.0, clean_weight=clean_weight, detach_clean=True)
        loss = stage(model, data, step(3))
        assert "divergence_clean" in loss.terms
        loss.value.backward()
        values.append(loss.value.detach())
        gradients.append(gradients_of(model))
    torch.testing.assert_close(values[0], values[1])
    for gradient, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(gradient, expected, atol=1e-6, rtol=1e-4)


def test_under_autocast_a_fixed_clean_output_leaves_every_weight_a_gradient() -> None:
    model = bert().train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        stage = stage_of(UEGRForward, epsilon=0.0, clean_weight=0.0, detach_clean=True)
        stage(model, batch(), step()).value.backward()
    assert all(gradient is not None for gradient in gradients_of(model)[:-1])


def test_reuse_under_autocast_leaves_every_weight_a_gradient() -> None:
    """Autocast caches the bfloat16 copies of the weights, also over the backward of the clean pass."""
    flat = []
    for autocast in (False, True):
        model = bert(dropout=0.0).train()
        stage = stage_of(UEGRForward, reuse=True, dropout=(0.0, 0.0))
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            loss = stage(model, batch(), step()).value
        loss.backward()
        gradients = gradients_of(model)
        assert all(gradient is not None for gradient in gradients)
        flat.append(torch.cat([gradient.flatten() for gradient in gradients if gradient is not None]))
    assert float((flat[1] - flat[0]).norm() / flat[0].norm()) < 0.12
