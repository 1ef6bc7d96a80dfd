"""Extension of griffe: a field `option(default, help, bounds)` is shown with its default, and its help is its text."""

from __future__ import annotations

import ast
from typing import Any

import griffe


class OptionFields(griffe.Extension):
    """Read `uegr.options.option` as `dataclasses.field` is read."""

    def on_attribute_instance(self, *, attr: griffe.Attribute, **kwargs: Any) -> None:
        call = attr.value
        if not isinstance(call, griffe.ExprCall) or str(call.function) != "option":
            return
        default, text, *bounds = call.arguments
        limits = ", ".join(f"{bound.name.replace('_', ' ')} {bound.value}" for bound in bounds)
        words = ast.literal_eval(str(text)) + (f" ({limits})" if limits else "")
        attr.value, attr.docstring = default, griffe.Docstring(words, parent=attr)
