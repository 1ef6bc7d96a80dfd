"""The unit of a radius is measured once, and comes back with a checkpoint."""

from __future__ import annotations

import torch

from support.small_models import batch, bert
from support.stages import stage_of, step
from uegr.forward.freelb import FreeLBForward
from uegr.modeling.real_tokens import token_mask


def test_the_unit_is_that_of_the_model_before_training_moved_its_embeddings() -> None:
    model, mask = bert(dropout=0.0), token_mask(batch())
    stage, resumed = (stage_of(FreeLBForward, relative=True) for _ in range(2))
    stage.attach(model)
    before = stage.unit.of(model, mask)
    with torch.no_grad():
        model.get_input_embeddings().weight.mul_(2.0)
    resumed.attach(model)
    torch.testing.assert_close(resumed.unit.of(model, mask), 2.0 * before)
    resumed.load_state_dict(stage.state_dict())
    for stage_of_step in (stage, resumed):
        torch.testing.assert_close(stage_of_step.unit.of(model, mask), before)


def test_an_absolute_radius_has_no_unit() -> None:
    stage, data = stage_of(FreeLBForward), batch()
    mask = token_mask(data)
    torch.testing.assert_close(stage.unit.of(bert(), mask), torch.ones(len(mask), 1, 1))


def test_a_checkpoint_of_an_earlier_version_has_no_unit() -> None:
    model, data = bert(dropout=0.0), batch()
    stage = stage_of(FreeLBForward, relative=True)
    stage.attach(model)
    expected = stage(model, data, step()).value
    stage.load_state_dict({})
    torch.testing.assert_close(stage(model, data, step()).value, expected)
