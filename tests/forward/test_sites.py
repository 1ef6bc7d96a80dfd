from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaForSequenceClassification

from conftest import Linear, batch, bert
from uegr.errors import UsageError
from uegr.forward.forward_stage import Step
from uegr.forward.uegr import UEGRForward
from uegr.modeling.dropout_sites import DropoutModule, DropoutSites


def llama() -> LlamaForSequenceClassification:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=16,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_labels=2,
        pad_token_id=0,
        initializer_range=0.2,
    )
    return LlamaForSequenceClassification(config)


def hooks(model: nn.Module) -> int:
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules())


def rates_of(model: nn.Module) -> set[float]:
    return {module.p for module in model.modules() if isinstance(module, DropoutModule)}


def test_rates_hold_for_the_pass_and_are_given_back() -> None:
    model = bert(dropout=0.1)
    with pytest.raises(RuntimeError, match="mid-pass"), DropoutSites(model).at(0.4):
        assert rates_of(model) == {0.4}
        raise RuntimeError("mid-pass")
    assert rates_of(model) == {0.1}


def test_rates_reach_the_attention_kernel() -> None:
    """SDPA takes its rate as a number: with every other dropout off, the attention rate must change the output."""
    model = bert(dropout=0.0).train()
    names = [name for name, module in model.named_modules() if isinstance(module, DropoutModule)]
    ids = torch.randint(4, 12, (2, 6))
    clean = model(input_ids=ids).logits
    with DropoutSites(model).at([0.5 if "attention.self.dropout" in name else 0.0 for name in names]):
        assert not torch.equal(model(input_ids=ids).logits, clean)


def test_model_without_dropout_gets_it_on_its_residual_branches_for_the_pass() -> None:
    model, ids = llama().train(), torch.randint(4, 12, (2, 6))
    sites = DropoutSites(model)
    assert len(sites.branches) == 4  # attention and feed-forward of two layers
    assert {name for _, name in sites.attributes} == {"attention_dropout"}
    clean = model(input_ids=ids).logits
    with sites.at([0.0] * len(sites.attributes) + [0.5] * 4):
        assert not torch.equal(model(input_ids=ids).logits, clean)
        assert torch.equal(model.eval()(input_ids=ids).logits, model(input_ids=ids).logits)
    assert torch.equal(model.train()(input_ids=ids).logits, clean)
    assert not any(module._forward_hooks for module in model.modules())


def test_llama_trains_with_sub_models_that_differ() -> None:
    terms = UEGRForward()(llama().train(), batch(), Step(torch.Generator(), 1, 1)).terms
    assert terms["divergence"] > 0


def test_model_with_nothing_to_drop_is_a_clear_error() -> None:
    with pytest.raises(UsageError, match="no dropout layer"):
        DropoutSites(Linear())


@pytest.mark.parametrize("make", [bert, llama])
def test_checkpointed_layers_run_again_with_the_rates_of_their_pass(make: type) -> None:
    """Gradient checkpointing must not change the gradient, although its second run comes after the passes."""
    gradients: list[list[Tensor]] = []
    for checkpointing in (False, True):
        model = make().train()
        if checkpointing:
            model.activation_checkpointing_enable({"use_reentrant": False})
        before = hooks(model)
        stage = UEGRForward(passes=3, dropout=(0.0, 0.6), dropout_mode="layer")
        stage(model, batch(), Step(torch.Generator().manual_seed(0), 5, 5)).value.backward()
        stage.release()
        assert hooks(model) == before
        gradients.append([p.grad for p in model.parameters() if p.grad is not None])
    for plain, replayed in zip(*gradients, strict=True):
        torch.testing.assert_close(replayed, plain, atol=1e-6, rtol=1e-4)


def test_reentrant_checkpointing_is_refused_with_the_fix() -> None:
    model = bert().train()
    model.activation_checkpointing_enable({"use_reentrant": True})
    with pytest.raises(UsageError, match="use_reentrant"):
        UEGRForward()(model, batch(), Step(torch.Generator(), 1, 1))
