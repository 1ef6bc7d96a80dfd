"""Lightning Fabric in mixed precision refuses gradients that its `backward` did not start; a method computes some."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

WRAPPERS = ("lightning.fabric.wrappers", "lightning_fabric.wrappers")
FLAG = "_in_fabric_backward"


@contextmanager
def gradients_allowed() -> Iterator[None]:
    """Let the method compute gradients (of an attack, or a second one) on a model that Fabric has wrapped."""
    modules: list[Any] = [sys.modules[name] for name in WRAPPERS if hasattr(sys.modules.get(name), FLAG)]
    before = [getattr(module, FLAG) for module in modules]
    for module in modules:
        setattr(module, FLAG, True)
    try:
        yield
    finally:
        for module, value in zip(modules, before, strict=True):
            setattr(module, FLAG, value)
