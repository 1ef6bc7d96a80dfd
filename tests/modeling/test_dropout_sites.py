"""Where dropout happens in a model, and that a pass can set all its rates."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from support.small_models import Linear, bert, hook_count, llama
from uegr.errors import UsageError
from uegr.modeling.dropout_sites import DropoutModule, DropoutSites, has_dropout


def rates_of(model: nn.Module) -> set[float]:
    """The rates of all dropout modules."""
    return {module.p for module in model.modules() if isinstance(module, DropoutModule)}


def test_rates_hold_in_the_context_and_are_put_back_after_an_error() -> None:
    model = bert(dropout=0.1)
    with pytest.raises(RuntimeError, match="mid-pass"), DropoutSites(model).at(0.4):
        assert rates_of(model) == {0.4}
        raise RuntimeError("mid-pass")
    assert rates_of(model) == {0.1}


def test_none_keeps_the_rates_of_the_model() -> None:
    model = bert(dropout=0.1)
    with DropoutSites(model).at(None):
        assert rates_of(model) == {0.1}


def test_rates_reach_the_attention_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """SDPA takes its rate as a number."""
    model = bert(dropout=0.0).train()
    rates = []
    attend = nn.functional.scaled_dot_product_attention

    def spy(*tensors: object, **options: object) -> object:
        rates.append(options["dropout_p"])
        return attend(*tensors, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(nn.functional, "scaled_dot_product_attention", spy)
    with DropoutSites(model).at(0.5):
        model(input_ids=torch.randint(4, 12, (2, 6)))
    assert rates == [0.5, 0.5]


def test_a_model_without_dropout_gets_it_on_its_residual_branches_for_the_pass() -> None:
    model, ids = llama().train(), torch.randint(4, 12, (2, 6))
    sites = DropoutSites(model)
    assert len(sites.branches) == 4  # attention and feed-forward of two layers
    assert {name for _, name in sites.attributes} == {"attention_dropout"}
    assert not any(sites.own)
    without = model(input_ids=ids).logits
    with sites.at(0.5):
        assert not torch.equal(model(input_ids=ids).logits, without)
        assert torch.equal(model.eval()(input_ids=ids).logits, model(input_ids=ids).logits)
    assert torch.equal(model.train()(input_ids=ids).logits, without)
    assert hook_count(model) == 0


def test_a_model_with_no_place_for_dropout_is_refused_with_the_fix() -> None:
    with pytest.raises(UsageError, match=r"no dropout layer.*add nn\.Dropout modules"):
        DropoutSites(Linear())


def test_whether_a_model_has_dropout_of_its_own() -> None:
    assert has_dropout(bert(dropout=0.1))
    assert not has_dropout(bert(dropout=0.0))
    decoder = llama()
    assert not has_dropout(decoder)
    decoder.model.layers[0].self_attn.attention_dropout = 0.1  # a rate that is held as a number
    assert has_dropout(decoder)
