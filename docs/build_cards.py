"""Write what is generated from the registry: the blocks of the method cards, and the options in `uegr train --help`.

    make cards

A block stands between `<!-- NAME: begin -->` and `<!-- NAME: end -->`.
Everything outside the blocks is written by hand.
"""

from __future__ import annotations

import json
from dataclasses import Field, fields
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin

from uegr import METHODS, MethodConfig
from uegr.cli.method_help import rows_of
from uegr.options import type_hints

FOLDER = Path(__file__).parent / "methods"
HELP = Path(__file__).parents[1] / "src/uegr/cli/method_options.json"
PLAIN_COST = 3.0


def build_card(name: str) -> str:
    """Return the text of a method's card with its blocks filled in."""
    config = METHODS[name]
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    return fill_block(fill_block(text, "options", options_table(config)), "cost", cost_line(config))


def build_list() -> str:
    """Return the text of the list of all cards with its table filled in."""
    lines = ["| method | what it does | cost of a step | paper |", "|---|---|---:|---|"]
    for name, config in METHODS.items():
        cost = config().create().cost() / PLAIN_COST
        lines.append(f"| [{name}]({name}.md) | {escape(config.summary())} | {cost:.2f} × | {config.paper} |")
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    return fill_block(text, "methods", "\n".join(lines))


def build_help() -> str:
    """Return the options of every method, as `uegr train --help` reads them."""
    return json.dumps({name: rows_of(config) for name, config in METHODS.items()}, indent=1) + "\n"


def options_table(config: type[MethodConfig]) -> str:
    """Return the options of a method as a table."""
    hints = type_hints(config)  # type: ignore[arg-type]  # a class is hashable
    rows = [option_row(entry, hints[entry.name]) for entry in fields(config)]
    return "\n".join(["| option | type | default | |", "|---|---|---|---|", *rows])


def option_row(entry: Field[Any], hint: Any) -> str:
    """Return the row of one option."""
    default = ", ".join(map(str, entry.default)) if isinstance(entry.default, tuple) else str(entry.default)
    return f"| `{entry.name}` | {type_text(hint)} | `{default}` | {escape(entry.metadata['help'])} |"


def type_text(hint: Any) -> str:
    """Return the type of an option in words."""
    if get_origin(hint) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(hint))
    if isinstance(hint, UnionType):
        return " or ".join(type_text(kind) for kind in get_args(hint))
    if get_origin(hint) is tuple:
        return f"list of {type_text(get_args(hint)[0])}"
    return "None" if hint is type(None) else str(hint.__name__)


def cost_line(config: type[MethodConfig]) -> str:
    """Return what a step costs with the default options."""
    cost = config().create().cost()
    return f"With the defaults a step costs {cost:g} forward passes, {cost / PLAIN_COST:.2f} times plain fine-tuning."


def fill_block(text: str, name: str, content: str) -> str:
    """Return `text` with the content of one block replaced."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, after = text[: text.index(begin) + len(begin)], text[text.index(end) :]
    return f"{before}\n{content}\n{after}"


def escape(text: str) -> str:
    """Return `text` as it can stand in a cell of a Markdown table."""
    return text.replace("|", "\\|")


def main() -> None:
    """Write all cards and their list, and the table of the command line's help."""
    HELP.write_text(build_help(), encoding="utf-8")
    for name in METHODS:
        (FOLDER / f"{name}.md").write_text(build_card(name), encoding="utf-8")
    (FOLDER / "README.md").write_text(build_list(), encoding="utf-8")


if __name__ == "__main__":
    main()
