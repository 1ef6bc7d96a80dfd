"""A mistake in a method of one's own is named where the method is registered."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import nn

from support.small_models import batch, bert
from uegr import METHODS, MethodConfig, UEGRConfig, UsageError
from uegr.backward.backward_stage import BackwardStage, optimizer_parameters
from uegr.backward.plain import PlainBackward
from uegr.backward.replay import Replay
from uegr.backward.sam import SAM, SAMOptions
from uegr.errors import UegrWarning
from uegr.forward.forward_stage import ForwardStage, Loss
from uegr.forward.plain import PlainForward
from uegr.forward.step_inputs import Batch, Step
from uegr.methods.method import Method
from uegr.methods.register_method import register
from uegr.options import Options, option


@pytest.fixture(autouse=True)
def registry() -> Iterator[None]:
    """The registry, as it was before the test."""
    before = dict(METHODS)
    yield
    METHODS.clear()
    METHODS.update(before)


class WithoutCall(ForwardStage):
    """Implements nothing."""


class TwoArguments(ForwardStage):
    """Takes other arguments than it is called with."""

    def __call__(self, model: nn.Module, batch: Batch) -> Loss:  # type: ignore[override]
        return Loss(torch.ones(()))


class NoArguments(ForwardStage):
    """Forgets its options."""

    def __init__(self) -> None:
        pass

    def __call__(self, model: nn.Module, batch: Batch, step: Step) -> Loss:
        return Loss(torch.ones(()))


class NoUpdate(BackwardStage):
    """Implements nothing."""


class NoDataclass(Options):
    """Lacks the decorator."""

    strength: float = option(0.1, "how much")


@dataclass(frozen=True, kw_only=True)
class StageOptions(Options):
    """Options of `WithOptions`."""

    strength: float = option(0.1, "how much")


class WithOptions(PlainForward):
    """Has options."""

    options_class = StageOptions


class Inherits(MethodConfig, NoDataclass):
    """A method."""


class NoType(MethodConfig):
    """A method."""

    strength = option(0.1, "how much")


class AList(MethodConfig):
    """A method."""

    strengths: list[float] = option([0.1], "how much")


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
        (
            "own",
            Own,
            {"forward": WithoutCall},
            r"WithoutCall does not implement __call__\(\), which every Forward",
        ),
        (
            "own",
            Own,
            {"forward": TwoArguments},
            r"TwoArguments.__call__ must take .*\(self, model, batch, step",
        ),
        ("own", Own, {"forward": NoArguments}, r"NoArguments.__init__ must take the arguments \(self, options\)"),
        ("own", Own, {"backward": NoUpdate}, r"NoUpdate does not implement update\(\), which every BackwardStage has"),
        (
            "own",
            Inherits,
            {},
            r"NoDataclass is not a dataclass: write @dataclass\(frozen=True, kw_only=True\) above it",
        ),
        ("own", Own, {"forward": WithOptions}, r"lacks the options of .*write class Own\(MethodConfig, StageOptions\)"),
        ("own", NoType, {}, "NoType is not a configuration: 'strength' is a field but has no type annotation"),
        ("own", AList, {}, "AList is not a configuration: mutable default"),
        ("own", Untold, {}, r"Untold.strength is not an option: write it as option\(default, help\)"),
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


def attached(prepare: bool = False, **stages: Any) -> Method:
    """A method of these stages, at work."""

    @register("own", **stages)
    class Bare(MethodConfig):
        pass

    model = bert()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return Bare().attach(model=model.train(), optimizer=optimizer, train_loader=[batch()] if prepare else None)


def two_steps(method: Method) -> None:
    for _ in range(2):
        method.loss(batch()).backward()
        method.optimizer.step()


def test_a_method_without_a_docstring_is_called_by_its_name() -> None:
    assert attached().config.summary() == "The method own."


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (torch.ones(()), "Returning must return a Loss, not an object of Tensor"),
        (None, "Returning must return a Loss, not an object of NoneType"),
        (Loss(torch.ones(2)), r"must hold a scalar tensor, not one of shape \(2,\): take the mean"),
        (Loss(1.0), "must hold a scalar tensor, not an object of float"),  # type: ignore[arg-type]
        (Loss(torch.ones(())), "the loss of Returning has no gradient at any trainable weight"),
        (Loss(torch.ones((), requires_grad=True), [1]), "are a dict of names and scalars"),  # type: ignore[arg-type]
    ],
)
def test_what_a_stage_returns_is_checked(result: Any, message: str) -> None:
    class Returning(ForwardStage):
        """Returns what a test gives it."""

        def __call__(self, model: nn.Module, batch: Batch, step: Step) -> Loss:
            return result  # type: ignore[no-any-return]

    method = attached(forward=Returning)
    with pytest.raises(UsageError, match=message):
        method.loss(batch())


def test_terms_hold_no_graph_and_may_be_numbers() -> None:
    class Terms(ForwardStage):
        """Returns terms as they come."""

        def __call__(self, model: nn.Module, batch: Batch, step: Step) -> Loss:
            loss = model(**batch).loss
            return Loss(loss, {"loss": loss, "number": 2.0})  # type: ignore[dict-item]

    method = attached(forward=Terms)
    method.loss(batch())
    assert not method.terms["loss"].requires_grad
    assert method.terms["number"].item() == 2.0


def test_a_stage_may_have_a_constructor_of_its_own() -> None:
    class Constructed(PlainForward):
        """Does not call its parent's."""

        def __init__(self, options: Options | None = None) -> None:
            self.strength = 0.1

    method = attached(forward=Constructed)
    method.loss(batch()).backward()
    method.optimizer.step()
    assert method.forward.strength == 0.1  # type: ignore[attr-defined]
    assert method.state_dict()["steps"] == 1


def test_a_backward_stage_that_makes_no_step_is_warned_of_once() -> None:
    class Idle(BackwardStage):
        """Forgets the step."""

        def update(self, optimizer: torch.optim.Optimizer, seed: int, replay: Replay) -> None:
            pass

    method = attached(backward=Idle)
    with pytest.warns(UegrWarning, match=r"Idle\.update\(\) has changed no weight: call optimizer\.step\(\)") as warned:
        two_steps(method)
    assert len(warned) == 1


@pytest.mark.parametrize("replays", [False, True])
def test_what_stages_draw_from_the_global_generators_repeats_after_a_checkpoint(replays: bool) -> None:
    """Dropout of a pass without `forward_pass`, and noise without a generator."""

    class GlobalForward(ForwardStage):
        """Draws the dropout of the model."""

        def __call__(self, model: nn.Module, batch: Batch, step: Step) -> Loss:
            return Loss(model(**batch).loss * torch.rand(()))

    class GlobalBackward(SAM if replays else PlainBackward):  # type: ignore[misc]
        """Adds noise to the gradients."""

        def update(self, optimizer: torch.optim.Optimizer, seed: int, replay: Replay) -> None:
            for weight in optimizer_parameters(optimizer):
                weight.grad += torch.randn(weight.shape)  # type: ignore[operator]
            super().update(optimizer, seed, replay)

    def train(method: Method, steps: range) -> None:
        for i in steps:
            torch.manual_seed(100 * len(steps) + i)  # another program has drawn other numbers
            method.loss(batch(seed=i)).backward()
            method.optimizer.step()
            method.optimizer.zero_grad()

    register("own", forward=GlobalForward, backward=GlobalBackward)(
        type("OwnConfig", (MethodConfig, SAMOptions) if replays else (MethodConfig,), {})
    )
    models = [bert(dropout=0.3), bert(dropout=0.3)]
    whole, first = (
        METHODS["own"]().attach(model=model.train(), optimizer=torch.optim.AdamW(model.parameters(), lr=0.01))
        for model in models
    )
    train(whole, range(4))
    train(first, range(2))
    state = copy.deepcopy(first.optimizer.state_dict())
    second = METHODS["own"]().attach(model=models[1], optimizer=torch.optim.AdamW(models[1].parameters(), lr=0.01))
    second.optimizer.load_state_dict(state)
    train(second, range(2, 4))
    for expected, weight in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert torch.equal(expected, weight)


def test_a_backward_stage_that_replays_must_say_so() -> None:
    class Replaying(BackwardStage):
        """Says nothing."""

        def update(self, optimizer: torch.optim.Optimizer, seed: int, replay: Replay) -> None:
            replay.backward()

    method = attached(backward=Replaying)
    method.loss(batch()).backward()
    with pytest.raises(UsageError, match="write replays = True in the class of the backward stage"):
        method.optimizer.step()


def test_a_backward_stage_that_is_never_prepared_is_named() -> None:
    class Unprepared(PlainBackward):
        """Forgets that it is prepared."""

        prepared = False

    with pytest.raises(UsageError, match=r"finish_preparation\(\) must set self\.prepared = True"):
        attached(prepare=True, backward=Unprepared)
