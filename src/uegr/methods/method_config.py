"""The base of all methods' configurations: the options of both stages as one frozen dataclass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import torch
from torch import nn

from uegr.atomic_files import read_json, write_json
from uegr.backward.backward_stage import BackwardStage
from uegr.errors import UsageError, shown, unknown
from uegr.forward.forward_stage import ForwardStage
from uegr.forward.step_inputs import Batch
from uegr.forward.view_options import ViewOptions
from uegr.modeling.task_kinds.own_loss import ComputeLoss
from uegr.modeling.task_kinds.task_kind import LossFunction
from uegr.options import type_name

if TYPE_CHECKING:
    from uegr.methods.method import Method

METHOD_CONFIG = "method_config.json"


@dataclass(frozen=True, kw_only=True)
class MethodConfig(ViewOptions):
    """Base of the configurations of all methods.

    A subclass inherits the options of its forward and of its backward stage, and is registered by `@register`, which
    also lists the options in its docstring.
    """

    method: ClassVar[str]
    """Name on the command line, in logs and in results."""
    forward: ClassVar[type[ForwardStage]]
    backward: ClassVar[type[BackwardStage]]
    paper: ClassVar[str] = "-"
    revision: ClassVar[int] = 0
    """Increased when the method gives different numbers with the same options: comparisons then run it again."""

    def check(self) -> None:
        if not hasattr(self, "method"):
            raise UsageError(
                f"{type(self).__name__} is not a method: write @register('name') above the class of your own method, "
                "or use that of another, such as UEGRConfig."
            )

    def create(
        self,
        *,
        seed: int = 0,
        class_weights: Iterable[float] | None = None,
        label_smoothing: float = 0.0,
        loss_fn: LossFunction | None = None,
        compute_loss: ComputeLoss | None = None,
    ) -> Method:
        """The method with these options, to be attached to a model and an optimizer; see `Method` for the arguments."""
        from uegr.methods.method import Method

        return Method(
            self,
            seed=seed,
            class_weights=class_weights,
            label_smoothing=label_smoothing,
            loss_fn=loss_fn,
            compute_loss=compute_loss,
        )

    def attach(
        self,
        *,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        tokenizer: Any = None,
        train_loader: Iterable[Batch] | None = None,
        accumulation_steps: int = 1,
        backward_only: bool = False,
        seed: int = 0,
        class_weights: Iterable[float] | None = None,
        label_smoothing: float = 0.0,
        loss_fn: LossFunction | None = None,
        compute_loss: ComputeLoss | None = None,
    ) -> Method:
        """Connect the method to a model and its optimizer, for your own training loop.

        The loop then uses `method.loss(batch)` and `method.optimizer` of the result, instead of its own loss and
        optimizer.

        Args:
            model: any module whose forward takes what a batch holds (except "labels") and returns an object with
                `.logits`.
            optimizer: your own; `method.optimizer` replaces it in the loop.
            tokenizer: the model's fast tokenizer, for views that edit texts. Without a tokenizer UEGR's default view
                `auto` edits no texts.
            train_loader: batches of the training data; needed only by Child-Tuning D and RoAST, which score the
                pretrained weights first.
            accumulation_steps: batches per optimizer step, for the scores of these methods.
            backward_only: use the backward stage alone, on the gradients of your own loss.
            seed: of dropout, random starts and masks; at least 0.
            class_weights: weight of each class in the cross-entropy, C numbers.
            label_smoothing: of the cross-entropy, in [0, 1].
            loss_fn: your own loss of logits and labels: one value per example (or token), or their mean.
            compute_loss: your own loss that runs the model itself: from a model and a batch to a scalar loss, the mean
                over the batch, and the logits or None.

        Raises:
            UsageError: an argument is not possible, or the method cannot work on this model; see `uegr.check`.
        """
        method = self.create(
            seed=seed,
            class_weights=class_weights,
            label_smoothing=label_smoothing,
            loss_fn=loss_fn,
            compute_loss=compute_loss,
        )
        return method.attach(
            model=model,
            optimizer=optimizer,
            tokenizer=tokenizer,
            train_loader=train_loader,
            accumulation_steps=accumulation_steps,
            backward_only=backward_only,
        )

    def options(self) -> dict[str, Any]:
        """Every option with its value."""
        return {entry.name: getattr(self, entry.name) for entry in fields(self)}

    def to_dict(self) -> dict[str, Any]:
        """The method's name and every option, as JSON can hold it."""
        values = {name: list(value) if isinstance(value, tuple) else value for name, value in self.options().items()}
        return {"method": self.method, **values}

    def save_pretrained(self, folder: str | Path) -> None:
        """Write `method_config.json` into a folder."""
        write_json(Path(folder) / METHOD_CONFIG, self.to_dict())

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The configuration that `to_dict` described; of `MethodConfig` itself, that of any method or pair.

        Raises:
            UsageError: it is another method's configuration, has an option that does not exist, or is not a mapping.
        """
        if not isinstance(values, Mapping):
            raise UsageError(f"a configuration is a mapping, as to_dict() makes it, not {shown(values)}.")
        options = dict(values)
        method = options.pop("method", getattr(cls, "method", None))
        if cls is MethodConfig:
            from uegr.methods.method_lookup import make_config

            return cast(Self, make_config(method, options))
        if method != cls.method:
            raise UsageError(
                f"this is the configuration of method '{method}': read it with that method's class, not with "
                f"{cls.__name__}; MethodConfig reads those of all methods."
            )
        return cls.from_options(options)

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self:
        """A configuration with some options given.

        Raises:
            UsageError: the method has no such option, where the message suggests the most similar one, or a value is
                not possible.
        """
        if not isinstance(options, Mapping):
            raise UsageError(f"options are a mapping of names to values, not {shown(options)}.")
        names = [entry.name for entry in fields(cls)]
        for name in options:
            if name not in names:
                raise unknown(f"option of method {cls.method}", name, sorted(names))
        return cls(**options)

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> Self:
        """The configuration that a model in this folder was trained with; of `MethodConfig` itself, of any method.

        Raises:
            UsageError: the folder holds no readable `method_config.json`, or one of another method or with an option
                that does not exist.
        """
        path = Path(folder) / METHOD_CONFIG
        try:
            return cls.from_dict(read_json(path, "copy it again, or train again", is_object=True))
        except (FileNotFoundError, NotADirectoryError):
            raise UsageError(f"there is no '{path}': give the folder of a run that uegr has trained.") from None

    @classmethod
    def summary(cls) -> str:
        """What the method does, in one sentence: the first line of its docstring."""
        return (cls.__doc__ or "").partition("\n")[0]


def check_config(method: Any) -> MethodConfig:
    """Check that an object is the configuration of a method, and return it.

    Raises:
        UsageError: it is not.
    """
    if not isinstance(method, MethodConfig):
        raise UsageError(
            f"method must be a configuration such as UEGRConfig(), not {shown(method)}: uegr.make_config('uegr') "
            "makes one by its name."
        )
    return method


def describe_options(cls: type[MethodConfig]) -> str:
    """The options of a method as a section of its docstring: name, type, default and help."""
    lines = [
        f"    {entry.name} ({type_name(entry.type)}, default {entry.default!r}): {entry.metadata['help']}."
        for entry in fields(cls)
    ]
    return "\n".join(["Args:", *lines])
