"""A mistake in a method of one's own is named where the method is registered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn

from support.small_models import batch, bert
from uegr import METHODS, MethodConfig, UEGRConfig, UsageError
from uegr.backward.plain import PlainBackward
from uegr.forward.forward_stage import Batch, ForwardStage, Loss, Step
from uegr.forward.plain import PlainForward
from uegr.methods.register_method import register


@pytest.fixture(autouse=True)
def registry() -> Iterator[None]:
    """The registry, as it was before the test."""
    before = dict(METHODS)
    yield
    METHODS.clear()
    METHODS.update(before)


class Tensors(ForwardStage):
    """Returns a tensor in place of a `Loss`."""

    def __call__(self, model: nn.Module, batch: Batch, step: Step) -> Loss:
        return torch.ones(())  # type: ignore[return-value]


class Own(MethodConfig):
    """A method."""


class Untold(MethodConfig):
    """A method with an option that says nothing of itself."""

    strength: float = 0.1


@pytest.mark.parametrize(
    ("name", "cls", "stages", "message"),
    [
        (Own, None, {}, r"not the class Own: write @register\('my-method'\)"),
        ("a+b", None, {}, "needs a name without '\\+'"),
        ("own", dict, {}, "must be a class that inherits from MethodConfig, not the class dict"),
        ("uegr", Own, {}, "the name 'uegr' is that of uegr.methods.registry.UEGRConfig: choose another one"),
        ("own", Own, {"forward": PlainForward()}, "must be a class of ForwardStage, not an object of PlainForward"),
        ("own", Own, {"forward": PlainBackward}, "must be a class of ForwardStage, not the class PlainBackward"),
        ("own", Untold, {}, r"Untold.strength is no option: write it as option\(default, help\)"),
    ],
)
def test_a_mistake_is_named(name: Any, cls: Any, stages: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        register(name, **stages)(cls)
    assert METHODS["uegr"] is UEGRConfig and "own" not in METHODS


def test_a_cell_of_a_notebook_may_run_again() -> None:
    for _ in range(2):

        @register("own")
        class Again(MethodConfig):
            """A method."""

        assert METHODS["own"] is Again


def test_a_stage_that_returns_no_loss_is_named() -> None:
    @register("own", forward=Tensors)
    class Bare(MethodConfig):
        """A method."""

    model = bert()
    method = Bare().attach(model=model.train(), optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
    with pytest.raises(UsageError, match="Tensors must return a Loss, not an object of Tensor"):
        method.loss(batch())
