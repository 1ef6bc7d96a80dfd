"""The user's own model, or layer, inside what wraps it: DistributedDataParallel, FSDP, torch.compile, PEFT, ..."""

from typing import Any

from torch import nn

from uegr.errors import UsageError, shown

HELD_AS = ("_orig_mod", "_checkpoint_wrapped_module", "_fsdp_wrapped_module")
"""Where torch.compile, activation checkpointing and FSDP hold what they wrap."""


def check_module(model: Any) -> None:
    """Check that an object is a torch module, and not for example the name of a model.

    Raises:
        UsageError: it is not.
    """
    if not isinstance(model, nn.Module):
        raise UsageError(
            f"model must be a torch.nn.Module, not {shown(model)}: load it first, for example with "
            "AutoModelForSequenceClassification.from_pretrained."
        )


def unwrap(model: nn.Module) -> nn.Module:
    """The user's own model, or layer, inside its wrappers.

    Raises:
        UsageError: it is not a torch module.
    """
    check_module(model)
    while True:
        inner: Any = next((model._modules[name] for name in HELD_AS if name in model._modules), None)
        if inner is None and (hasattr(model, "reducer") or isinstance(model, nn.DataParallel)):
            inner = model._modules.get("module")
        if inner is None and callable(getattr(model, "get_base_model", None)):
            inner = model.get_base_model()  # type: ignore[operator]
        if not isinstance(inner, nn.Module) or inner is model:
            return model
        model = inner


def config_value(model: nn.Module, name: str, default: Any = None) -> Any:
    """A value of the configuration of a model, wrapped or not; `default` where the model has none."""
    return getattr(getattr(unwrap(model), "config", None), name, default)


def has_graphs(model: nn.Module) -> bool:
    """Whether torch.compile makes graphs of the model or a part of it, wrapped or in place (`module.compile()`)."""
    return is_compiled(model) or any(module._compiled_call_impl is not None for module in model.modules())


def is_compiled(model: nn.Module) -> bool:
    """Whether torch.compile wraps the model, or a part of it that other wrappers hold."""
    return any("_orig_mod" in module._modules for module in model.modules())  # hasattr takes three times as long
