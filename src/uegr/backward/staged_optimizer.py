"""The optimizer that a user's loop steps: the user's own, with a backward stage in front."""

import inspect
import warnings
from collections.abc import Callable
from typing import Any, Protocol

import torch

from uegr.backward.backward_stage import optimizer_parameters
from uegr.errors import UegrWarning, UsageError, shown
from uegr.modeling.model_wrappers import check_module
from uegr.modeling.shards import reshard
from uegr.modeling.weight_dtypes import trainable_weights

STATE_KEY = "uegr"
NO_METHOD_STATE = (
    "the optimizer's state holds no state of the method, whose step count and scores are those of a new training"
)
MOMENTS = {"exp_avg", "exp_avg_sq", "max_exp_avg_sq", "momentum_buffer"}
"""Optimizer states that have one number per element of their parameter."""


class WrappedMethod(Protocol):
    """The part of `Method` that the wrapper calls: its step and its state."""

    def step(self) -> None: ...

    def on_zero_grad(self) -> None: ...

    def on_new_parameters(self) -> None: ...

    def state_dict(self) -> dict[str, Any]: ...

    def check_state_dict(self, state: dict[str, Any]) -> None: ...

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class StagedOptimizer(torch.optim.Optimizer):
    """Wraps the user's optimizer and forwards `param_groups`, `state` and everything else to it.

    Nothing is copied: a learning-rate scheduler that writes into `param_groups` writes into the user's own.
    `state_dict()` carries the method's state (step count, saliency, probabilities) under the key "uegr", so a
    loop that saves its optimizer resumes the method too.
    """

    # GradScaler must unscale before step(): saliency is read from true gradients.
    _step_supports_amp_scaling = False

    def __init__(self, optimizer: torch.optim.Optimizer, method: WrappedMethod) -> None:
        # No super().__init__(): it would build param_groups and state of its own beside the user's.
        self.__dict__.update(optimizer=optimizer, method=method)

    def __getattr__(self, name: str) -> Any:
        if name in ("optimizer", "method"):  # not set yet while the wrapper is copied or unpickled
            raise AttributeError(name)
        return getattr(self.optimizer, name)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__.copy()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        groups: list[dict[str, Any]] = self.optimizer.param_groups
        return groups

    @param_groups.setter
    def param_groups(self, groups: list[dict[str, Any]]) -> None:
        self.optimizer.param_groups = groups

    @property
    def state(self) -> Any:
        return self.optimizer.state

    @state.setter
    def state(self, state: Any) -> None:
        self.optimizer.state = state

    @property
    def defaults(self) -> dict[str, Any]:
        defaults: dict[str, Any] = self.optimizer.defaults
        return defaults

    @defaults.setter
    def defaults(self, defaults: dict[str, Any]) -> None:
        self.optimizer.defaults = defaults

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """The backward stage makes the step.

        Args:
            closure: computes the loss, calls backward() and returns the loss, as Lightning's automatic optimization
                does; it is called once, before the stage, which needs the gradients.

        Returns:
            What the closure returned.
        """
        if closure is None and makes_state(self.optimizer):
            return self.optimizer.step()
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
            if loss is None and not has_gradients(self.optimizer):  # Lightning: a training_step that skips its batch
                self.method.on_zero_grad()
                return None
        self.method.step()
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        self.method.on_zero_grad()
        self.optimizer.zero_grad(set_to_none=set_to_none)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        self.optimizer.add_param_group(param_group)
        self.method.on_new_parameters()

    def state_dict(self) -> dict[str, Any]:
        return {**self.optimizer.state_dict(), STATE_KEY: self.method.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load the state of the user's optimizer and, where there is one, that of the method; without one, warn.

        Raises:
            UsageError: it is not the state of an optimizer, or belongs to a different model or method.
        """
        if not isinstance(state_dict, dict):
            raise UsageError(
                f"the state must be what state_dict() of the optimizer has returned, not {shown(state_dict)}."
            )
        if "param_groups" not in state_dict:
            raise UsageError("the state holds no 'param_groups': give what state_dict() of the optimizer has returned.")
        optimizer_state = dict(state_dict)
        method = optimizer_state.pop(STATE_KEY, None)
        self._check_shapes(optimizer_state)
        if method is not None:
            self.method.check_state_dict(method)  # before anything is loaded
        self.optimizer.load_state_dict(optimizer_state)
        if method is not None:
            self.method.load_state_dict(method)
        else:
            warnings.warn(
                f"{NO_METHOD_STATE}: torch.distributed.checkpoint leaves it out, so save method.state_dict() too, and "
                "load it with method.load_state_dict(state).",
                UegrWarning,
                stacklevel=2,
            )

    def _check_shapes(self, state: dict[str, Any]) -> None:
        """Refuse moments of a different shape: a fused optimizer reads beyond the end of moments that are too small.

        Raises:
            UsageError: the state belongs to a different model.
        """
        keys = [key for group in state["param_groups"] for key in group["params"]]  # numbers or names
        for key, parameter in zip(keys, optimizer_parameters(self.optimizer), strict=False):
            entries = state.get("state", {}).get(key, {})
            for name in MOMENTS & entries.keys():
                saved, shape = tuple(entries[name].shape), tuple(parameter.shape)
                if saved != shape:
                    raise UsageError(
                        f"the optimizer's {name} of parameter {key} has shape {saved} and the parameter {shape}: the "
                        "state is of another model; load the one that was saved with this model."
                    )

    def __repr__(self) -> str:
        return f"StagedOptimizer({self.optimizer!r})"


def optimizers_inside(optimizer: Any) -> list[Any]:
    """The optimizer and all that it wraps, from the outside in: accelerate's, a method's, the user's own."""
    layers = [optimizer]
    while (inner := getattr(layers[-1], "optimizer", None)) is not None:
        layers.append(inner)
    return layers


def check_optimizer(optimizer: torch.optim.Optimizer) -> None:
    """Check that an object is an optimizer, not wrapped by a method or by accelerate, and needs no closure.

    Raises:
        UsageError: it is not.
    """
    if not isinstance(getattr(optimizer, "param_groups", None), list):
        raise UsageError(
            f"optimizer must be an optimizer, not {optimizer!r}: make it from the model's weights first, for example "
            "torch.optim.AdamW(model.parameters())."
        )
    closure = inspect.signature(type(optimizer).step).parameters.get("closure")
    if closure is not None and closure.default is closure.empty:
        raise UsageError(
            f"{type(optimizer).__name__} computes the loss several times in a step, and a method needs exactly one "
            "computation: choose an optimizer whose step() needs no closure, such as torch.optim.AdamW."
        )
    if isinstance(optimizer, StagedOptimizer) or hasattr(optimizer, "gradient_state"):
        raise UsageError(
            "attach the method to your own optimizer, once, before accelerator.prepare(...): a wrapped optimizer "
            "would step the method at every accumulated batch."
        )


def check_trains(optimizer: torch.optim.Optimizer, model: torch.nn.Module) -> None:
    """Refuse an optimizer that would leave the model as it is.

    Raises:
        UsageError: the model is not a torch module, none of its weights is in the optimizer, or none requires a
            gradient.
    """
    check_module(model)
    reshard(model)
    updated = {id(weight) for weight in optimizer_parameters(optimizer)}
    model_weights = [weight for weight in model.parameters() if id(weight) in updated]
    if not model_weights:
        raise UsageError(
            "the optimizer holds no weight of this model, which would not be trained: make the optimizer from "
            "model.parameters(), after adapters are added or weights are replaced."
        )
    trainable_weights(model_weights)


def has_gradients(optimizer: torch.optim.Optimizer, *, look_inside: bool = False) -> bool:
    """Whether any parameter has a gradient; with `look_inside`, one that is not 0 everywhere."""
    gradients = (parameter.grad for parameter in optimizer_parameters(optimizer) if parameter.grad is not None)
    return any(not look_inside or bool(gradient.any()) for gradient in gradients)


def makes_state(optimizer: torch.optim.Optimizer) -> bool:
    """Whether the next step of an optimizer only makes its state: all learning rates and gradients are 0.

    torch.distributed.checkpoint makes such a step before it loads into an optimizer without a state.
    """
    if optimizer.state or any(group.get("lr") != 0 for group in optimizer.param_groups):
        return False
    return has_gradients(optimizer) and not has_gradients(optimizer, look_inside=True)
