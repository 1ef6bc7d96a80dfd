"""Sub-models with their lower layers in common: computed in the first pass, taken over by the others [ours].

Every pass of a step gets the same sample, so passes that differ in the dropout of the upper layers alone can share all
that lies below. The graph is shared with it: the backward pass walks the lower layers once, with all gradients summed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from uegr.errors import UsageError
from uegr.modeling.embeddings import is_compiled, unwrap


def stacked_layers(model: nn.Module) -> list[nn.Module]:
    """The layers of the model's deepest stack, in the order of the data: encoder before decoder."""
    stacks = [one for one in unwrap(model).modules() if isinstance(one, nn.ModuleList) and len(one) > 1]
    kinds: dict[type, list[nn.Module]] = {}
    for stack in stacks:
        # A layer has parts with weights; a list of bare convolutions (textcnn) is no stack.
        if len({type(layer) for layer in stack}) == 1 and any(list(one.parameters()) for one in stack[0].children()):
            kinds.setdefault(type(stack[0]), list(stack))
    layers = [layer for stack in kinds.values() for layer in stack]
    inside = {id(child) for layer in layers for child in layer.modules() if child is not layer}
    return [layer for layer in layers if id(layer) not in inside]


class SharedLayers:
    """The lower layers of one model, for one step.

    Args:
        model: with a stack of layers.
        share: of the layers, that the passes have in common; rounded down.

    Raises:
        UsageError: the model has no stack of layers, calls one layer several times, or is compiled.
    """

    def __init__(self, model: nn.Module, share: float) -> None:
        layers = stacked_layers(model)
        if len(layers) < 2 or is_compiled(model):
            raise UsageError(
                f"{type(unwrap(model)).__name__} has no stack of layers whose lower part sub-models could share, or "
                "torch.compile holds it: leave shared_layers at 0."
            )
        self.layers = layers[: int(share * len(layers))]
        self._outputs: dict[nn.Module, Any] = {}

    @contextmanager
    def of_pass(self) -> Iterator[None]:
        """One pass: the first fills the shared layers, the others take their outputs over."""
        before = [layer.__dict__.get("forward") for layer in self.layers]  # accelerate, for one, patches it too
        for layer in self.layers:
            layer.forward = self._instead(layer, layer.forward)
        try:
            yield
        finally:
            for layer, former in zip(self.layers, before, strict=True):
                del layer.forward
                if former is not None:
                    layer.forward = former

    def _instead(self, layer: nn.Module, forward: Callable[..., Any]) -> Callable[..., Any]:
        first = layer not in self._outputs

        def shared(*args: Any, **kwargs: Any) -> Any:
            if first:
                if layer in self._outputs:
                    raise UsageError(
                        f"{type(layer).__name__} is called several times in a pass, so that nothing lies below "
                        "it for good: leave shared_layers at 0."
                    )
                self._outputs[layer] = forward(*args, **kwargs)
            return self._outputs[layer]

        return shared
