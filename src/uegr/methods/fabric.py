"""Let a method compute its own gradients under Lightning Fabric.

In mixed precision Fabric refuses every gradient that is not computed by its own `backward`. A method computes some
itself: those of its attack, and the second gradients of SAM and ROSE.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

WRAPPERS = ("lightning.fabric.wrappers", "lightning_fabric.wrappers")
FLAG = "_in_fabric_backward"


@contextmanager
def gradients_allowed() -> Iterator[None]:
    """Allow all gradients on a model that Fabric has wrapped, in this context."""
    modules: list[Any] = [sys.modules[name] for name in WRAPPERS if hasattr(sys.modules.get(name), FLAG)]
    before = [getattr(module, FLAG) for module in modules]
    for module in modules:
        setattr(module, FLAG, True)
    try:
        yield
    finally:
        for module, value in zip(modules, before, strict=True):
            setattr(module, FLAG, value)
