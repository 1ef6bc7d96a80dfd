"""What all backward stages have in common: at its limit each of them is plain fine-tuning."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from support.small_models import bert, gradients_of, hook_count, weights_of
from support.training import DATA, assert_same_weights, begin, train
from uegr.errors import UsageError
from uegr.methods.method_lookup import make_config


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("sam", {"rho": 0.0}),
        ("mixout", {"mix": 0.0}),
        ("child-tuning-f", {"reserve": 1.0}),
        ("child-tuning-d", {"child": 1.0}),
        ("rose-first", {"upper": 1.0}),
        ("l2-sp", {"pull": 0.0}),
        ("plain+roast", {"alpha": -50.0}),  # every p is 1
        ("uegr", {"epsilon": 0.0, "passes": 1, "p_min": 1.0, "clean_weight": 0.0, "dropout": (0.0, 0.0)}),
    ],
)
def test_at_its_limit_it_is_plain_fine_tuning(name: str, options: dict[str, Any]) -> None:
    assert_same_weights(train(name, **options), train("plain"))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("sam", {"rho": -1.0}, "rho must be at least 0"),
        ("mixout", {"mix": 1.0}, "mix must be at least 0 and below 1"),
        ("child-tuning-f", {"reserve": 0.0}, "reserve must be above 0"),
        ("child-tuning-d", {"child": 0.0}, "child must be above 0"),
        ("rose-first", {"upper": 0.0}, "upper must be above 0"),
        ("rose-first", {"kl_dropout": 0.0}, "kl_dropout must be above 0"),
        ("l2-sp", {"pull": -1.0}, "pull must be at least 0"),
        ("uegr", {"mask_mode": "half"}, "unknown mask_mode"),
        ("uegr", {"refresh": 0}, "refresh must be at least 1"),
        ("uegr", {"saliency": "size"}, "unknown saliency"),
        ("uegr", {"probability": "steep"}, "unknown probability"),
        ("uegr", {"p_min": 0.0}, "p_min must be above 0"),
        ("uegr", {"share": 1.5}, "share must be above 0 and at most 1"),
    ],
)
def test_impossible_options_are_refused(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_config(name, options)


@pytest.mark.parametrize("name", ["child-tuning-d", "roast"])
def test_methods_that_score_the_pretrained_weights_first_say_so(name: str) -> None:
    model = bert()
    method = make_config(name).attach(model=model, optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
    with pytest.raises(UsageError, match=r"attach\(\.\.\.\) a train_loader.*method\.prepare\(loader\)"):
        method.loss(DATA[0])
    with pytest.raises(UsageError, match="attach the method first"):
        make_config(name).create().prepare(DATA)


@pytest.mark.parametrize("name", ["sam", "rose-first"])
def test_an_error_in_the_second_gradient_leaves_weights_and_gradients(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loop may catch that memory was short, and go on."""
    model = bert()
    method, optimizer = begin(name, model)
    method.loss(DATA[0]).backward()
    weights, gradients = weights_of(model), gradients_of(model)

    def too_large(**inputs: object) -> None:
        raise MemoryError

    monkeypatch.setattr(model, "forward", too_large)
    with pytest.raises(MemoryError):
        optimizer.step()
    assert all(map(torch.equal, weights, model.parameters()))
    assert all(torch.equal(a, b) for a, b in zip(gradients, gradients_of(model), strict=True) if a is not None)
    assert hook_count(model) == 0
