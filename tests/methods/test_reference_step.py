"""The readable reference of a whole step, and the fast form of the two stages, compute the same numbers."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from support.gradients import adamw
from support.small_models import batch, bert, gradients_of, llama
from support.stages import NO_REPLAY, step
from support.tokenizers_of_every_kind import SENTENCES, make_tokenizer
from uegr.backward import selective
from uegr.backward.selection import bin_of
from uegr.backward.selective import SelectiveBackward
from uegr.backward.uniform_draws import Draws
from uegr.errors import UsageError
from uegr.forward.model_pass import draw_seed
from uegr.forward.uegr import UEGRForward
from uegr.methods.reference_step import reference_loss, reference_training_step, reference_update
from uegr.methods.registry import UEGRConfig
from uegr.methods.training_position import TrainingPosition
from uegr.modeling.embeddings import embedding_scale


@pytest.mark.parametrize("make", [bert, llama])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"passes": 1, "epsilon": 0.3},
        {"passes": 3, "dropout": (0.0, 0.5), "js_weight": 3.0},
        {"clean_weight": 0.4, "epsilon": 0.2},
        {"checkpoint_passes": True},
        {"clean_weight": 0.0},
    ],
)
def test_loss_and_gradients_are_those_of_the_forward_stage(make: Any, options: dict[str, Any]) -> None:
    """With dropout, whose seeds are the first 1 + k numbers that the step draws."""
    config, data = UEGRConfig(**options), batch()
    model, reference = make().train(), make().train()
    loss = UEGRForward(config)(model, data, step()).value
    position = step()
    seeds = [draw_seed(position) for _ in range(1 + config.passes)]
    expected = reference_loss(reference, data, config, seeds)
    torch.testing.assert_close(loss, expected)
    loss.backward()
    expected.backward()
    for gradient, expected_gradient in zip(gradients_of(model), gradients_of(reference), strict=True):
        torch.testing.assert_close(gradient, expected_gradient, atol=2e-6, rtol=1e-3)


class Weights(nn.Module):
    """Some parameters of different shapes, all of them selectable."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.weights = nn.ParameterList([torch.randn(3, 5), torch.randn(60), torch.randn(2, 4, 8)])

    def set_gradients(self, seed: int) -> None:
        """Gradients whose squares lie in different bins of the histogram, so that ranks from bins are exact."""
        sizes = [parameter.numel() for parameter in self.weights]
        generator = torch.Generator().manual_seed(seed)
        magnitudes = 1.02 ** torch.randperm(sum(sizes), generator=generator)
        signs = torch.randint(0, 2, (sum(sizes),), generator=generator) * 2 - 1
        parts = (1e-2 * magnitudes * signs).split(sizes)
        for parameter, part in zip(self.weights, parts, strict=True):
            parameter.grad = part.view_as(parameter).clone()


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("options", [{}, {"alpha": 0.3, "beta": 6.0, "p_min": 0.3}])
def test_the_update_is_that_of_the_backward_stage(
    fused: bool, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not fused:
        monkeypatch.setattr(selective, "fusible", lambda optimizer: False)
    config, model = UEGRConfig(refresh=1, **options), Weights()
    optimizer, stage = adamw(model), SelectiveBackward(config)
    stage.attach(model, optimizer)
    model.set_gradients(0)
    stage.update(optimizer, 0, NO_REPLAY)  # ranks for the next step
    scores: list[Tensor] = [optimizer.state[parameter]["exp_avg_sq"].clone() for parameter in model.weights]
    bins = bin_of(torch.cat([score.flatten() for score in scores]))
    assert len(bins.unique()) == len(bins), "otherwise ranks are not exact"

    reference = copy.deepcopy(model)
    reference_optimizer = adamw(reference)
    reference_optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    model.set_gradients(1)
    reference.set_gradients(1)
    uniforms = [Draws(7).uniforms(i, score) for i, score in enumerate(scores)]
    before = [parameter.detach().clone() for parameter in model.weights]
    stage.update(optimizer, 7, NO_REPLAY)
    reference_update(reference_optimizer, scores, uniforms, config)
    for parameter, expected, old in zip(model.weights, reference.weights, before, strict=True):
        torch.testing.assert_close(parameter, expected, atol=1e-6, rtol=1e-5)
        assert 0 < int((parameter == old).sum()) < old.numel(), "some elements were selected and some were not"


def test_whole_steps_are_those_of_the_method_with_its_default_views() -> None:
    """Every p is one half here (beta is about 0), so that ranks, which the fast form takes from bins, do not matter."""
    tokenizer, config = make_tokenizer("wordpiece"), UEGRConfig(refresh=1, beta=1e-9)
    data = {**tokenizer(SENTENCES[:4], padding=True, return_tensors="pt"), "labels": torch.tensor([1, 0, 1, 0])}
    model, reference = (bert(vocab_size=200, max_position_embeddings=80).train() for _ in range(2))
    # Gradients that are 0 but for rounding (of the keys' bias) would make steps of any sign with a small eps.
    optimizer, own = adamw(reference, eps=1e-3), adamw(model, eps=1e-3)
    read: list[dict[str, Tensor]] = []
    model.register_forward_pre_hook(lambda _, __, inputs: read.append(dict(inputs)), with_kwargs=True)
    method = config.attach(model=model, optimizer=own, tokenizer=tokenizer)
    scale = embedding_scale(reference)
    for number in range(3):
        read.clear()
        position = TrainingPosition(seed=0, calls=number, steps=number)
        loss = method.loss(data)
        loss.backward()
        method.optimizer.step()
        method.optimizer.zero_grad()
        _, adversarial, edited = read
        assert torch.equal(adversarial["input_ids"], data["input_ids"])
        assert not torch.equal(edited["input_ids"], data["input_ids"])
        at_start = step(seed=position.forward_seed())
        clean_seed, _, *pass_seeds = [draw_seed(at_start) for _ in range(4)]  # the second is that of the edits
        draws = Draws(position.backward_seed())
        expected = reference_training_step(
            reference,
            optimizer,
            data,
            config,
            seeds=[clean_seed, *pass_seeds],
            uniforms=[draws.uniforms(i, parameter) for i, parameter in enumerate(reference.parameters())],
            edited={1: edited},
            label_shares=torch.tensor([0.5, 0.5]),
            scale=scale,
        )
        torch.testing.assert_close(loss.detach(), expected)
    for (name, parameter), weights in zip(model.named_parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(parameter, weights, atol=1e-5, rtol=1e-3, msg=name)


@pytest.mark.parametrize(
    "option", [{"reuse": True}, {"norm": "linf"}, {"ascent_steps": 2}, {"mask_mode": "frozen"}, {"saliency": "taylor"}]
)
def test_options_that_the_reference_does_not_follow_are_refused(option: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"does not follow {next(iter(option))}: leave it at its default"):
        reference_loss(bert(), batch(), UEGRConfig(**option), [0, 1, 2])
