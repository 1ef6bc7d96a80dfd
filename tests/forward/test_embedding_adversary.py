"""The radius of an attack on the embeddings follows the confidence in the label."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from support.small_models import batch, bert, logits_of
from support.stages import stage_of, step
from uegr.errors import UsageError
from uegr.forward.clean_pass import clean_pass_with_gradient
from uegr.forward.embedding_adversary import EmbeddingAdversary
from uegr.forward.task_options import TaskOptions
from uegr.forward.uegr import UEGRForward
from uegr.perturb.ball import Ball
from uegr.perturb.projected_ascent import ProjectedAscent


def adversary(*, by_confidence: bool = True) -> EmbeddingAdversary:
    """A one-step attack of radius 0.1 in units of the embedding."""
    return EmbeddingAdversary(ProjectedAscent(Ball("l2", relative=False)), 0.1, by_confidence=by_confidence)


def lengths(attacker: EmbeddingAdversary, model: nn.Module, data: dict[str, Tensor], number: int = 10) -> Tensor:
    """The length of each example's perturbation at step `number`."""
    clean = clean_pass_with_gradient(model, data, step(), keep_graph=False)
    delta = attacker.attack(model, data, step(number=number), clean=clean)
    return delta.flatten(1).norm(dim=1)


def test_without_confidence_every_example_gets_the_whole_radius() -> None:
    model, data = bert(dropout=0.0).eval(), batch(16)
    radii = lengths(adversary(by_confidence=False), model, data)
    torch.testing.assert_close(radii, torch.full((16,), 0.1))


def test_the_radius_is_epsilon_times_the_confidence() -> None:
    """What the model classifies wrong is not attacked."""
    model, data = bert(dropout=0.0).eval(), batch(16)
    probability = logits_of(model, data).softmax(-1).gather(1, data["labels"][:, None]).squeeze(1).detach()
    expected = 0.1 * (2 * probability - 1).clamp_min(0.0)
    assert 0 < int((expected == 0).sum()) < 16
    torch.testing.assert_close(lengths(adversary(), model, data), expected, atol=1e-6, rtol=1e-4)


def test_a_constant_prediction_of_the_most_frequent_label_is_no_confidence() -> None:
    """A model that always predicts "1" is attacked in the first step, and no longer once the labels are counted."""
    model, data = bert(dropout=0.0).eval(), batch(16)
    data["labels"] = torch.tensor([1] * 12 + [0] * 4)
    with torch.no_grad():
        model.classifier.weight.mul_(1e-3)  # not 0: the attack needs a gradient
        model.classifier.bias.copy_(torch.tensor([0.25, 0.75]).log())
    attacker, resumed = adversary(), adversary()
    expected = torch.tensor([0.05] * 12 + [0.0] * 4)
    for _ in range(2):  # the second time is a second batch of the same step, as in gradient accumulation
        torch.testing.assert_close(lengths(attacker, model, data, 0), expected, atol=1e-3, rtol=0.0)
    resumed.load_state_dict(attacker.state_dict())
    for adversary_of_step in (attacker, resumed):
        radii = lengths(adversary_of_step, model, data, 1)
        torch.testing.assert_close(radii, torch.zeros(16), atol=1e-3, rtol=0.0)


def ordinal_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """CORAL: output i says whether the label is above i, so there is one label more than outputs."""
    above = (labels[:, None] > torch.arange(logits.shape[-1])).float()
    return F.binary_cross_entropy_with_logits(logits, above, reduction="none").mean(-1)


def test_labels_that_are_no_classes_of_the_model_have_confidence_1_from_the_first_one_on() -> None:
    """A batch without the highest label, and a resumed training, do not go back."""
    model, data = bert(dropout=0.0).eval(), batch(16)
    position = replace(step(), task_options=TaskOptions(loss_fn=ordinal_loss))
    attacker, resumed = adversary(), adversary()

    def radii(attacker: EmbeddingAdversary, labels: Tensor) -> Tensor:
        rows = {**data, "labels": labels}
        clean = clean_pass_with_gradient(model, rows, position, keep_graph=False)
        return attacker.attack(model, rows, position, clean=clean).flatten(1).norm(dim=1)

    whole, low = torch.full((16,), 0.1), torch.arange(16) % 2
    assert not torch.allclose(radii(attacker, low), whole)
    torch.testing.assert_close(radii(attacker, torch.arange(16) % 3), whole)
    torch.testing.assert_close(radii(attacker, low), whole)
    resumed.load_state_dict(attacker.state_dict())
    torch.testing.assert_close(radii(resumed, low), whole)
    torch.testing.assert_close(radii(adversary(), low - 1), whole)


def test_the_unit_of_a_relative_radius_is_that_of_the_weights_before_training() -> None:
    model, data = bert(dropout=0.0).eval(), batch()
    attacker = EmbeddingAdversary(ProjectedAscent(Ball("l2_token")), 0.1)
    attacker.attach(model)
    resumed = EmbeddingAdversary(ProjectedAscent(Ball("l2_token")), 0.1)
    resumed.load_state_dict(attacker.state_dict())
    before = lengths(attacker, model, data)
    with torch.no_grad():
        model.get_input_embeddings().weight.mul_(2.0)
    for adversary_of_step in (attacker, resumed):
        torch.testing.assert_close(lengths(adversary_of_step, model, data), before)


def test_the_state_of_a_training_without_an_adversary_is_refused() -> None:
    without, adversarial = (stage_of(UEGRForward, epsilon=epsilon) for epsilon in (0.0, 0.1))
    with pytest.raises(UsageError, match="without an adversary: go on with the options"):
        adversarial.check_state_dict(without.state_dict())
