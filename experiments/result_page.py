"""docs/results.md and its figures, and README.md's tables, from the committed results of benchmarks/grids.

    python -m benchmarks.results

A grid is `uegr compare benchmarks/grids/NAME.yaml --jobs 2`; its results lie in results/NAME, one JSON a run.
"""

from __future__ import annotations

import ast
import statistics
import textwrap
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.document import replace_block
from benchmarks.tuning_section import tuning_section
from benchmarks.verdicts import against, in_short, standing
from uegr.atomic_files import write_text
from uegr.compare.grid import Grid, read_grid
from uegr.compare.grid_summary import Line, Table, summarise
from uegr.compare.grid_table import cells, footnote, headings, markdown
from uegr.compare.ledger import Ledger
from uegr.report.figures.grid_figures import curves_figure, front_figure, rates_figure, svg_text

GRIDS, RESULTS = Path("benchmarks/grids"), Path("results")
DOCUMENT, FIGURES, README = Path("docs/results.md"), Path("docs/figures"), Path("README.md")
MAIN = {
    "main": "Seven tasks, one pretrained encoder",
    "scratch": "A model trained from nothing",
    "second": "A second pretrained family",
    "second_scaled": "The same, FreeLB's radius scaled to the model",
    "small": "Few examples",
    "attacks": "Under attacks that no method trained on",
    "equal_compute": "Equal compute instead of equal steps",
}
IN_README = ("main", "small", "second", "scratch")
ABLATIONS = {
    "adversary": "The adversary: steps, radius, confidence",
    "passes": "Number of passes k",
    "dropout": "Dropout range and mode",
    "rates": "Pairs of fixed rates (the paper's Figure 3)",
    "epsilon": "Radius of the perturbation",
    "lambda": "Weight of the divergence",
    "update": "The selective update",
    "parts": "Parts on and off",
}
HEAD = Path("benchmarks/results_head.md")


def main() -> None:
    """Write the document and its figures."""
    parts, missing = [one for one in (HEAD.read_text().strip(), tuning_section(FIGURES)) if one], []
    found = {}
    for name, title in MAIN.items():
        grid, tables = _read(name)
        if tables:
            parts.append(section(name, grid, title, tables))
            found[name] = tables
        else:
            missing.append(name)
    chosen = {MAIN[name]: found[name] for name in IN_README if name in found}
    replace_block(README, "compared", in_short(chosen, DOCUMENT))
    ablations, grids = [], {name: read_grid(GRIDS / f"{grid_file(name)}.yaml") for name in ABLATIONS}
    for name, title in ABLATIONS.items():
        if _has_own_results(name, grids):
            grid, tables = _read(grid_file(name))
            ablations.append(ablation(name, title, grid, tables))
            if name == "parts":
                replace_block(README, name, _table(tables[0], heading=False))
        else:
            missing.append(grid_file(name))
    if ablations:
        parts += ["## Ablations of UEGR\n\nOn validation data.", *ablations]
    if missing:
        parts.append("## Not run yet\n\n" + ", ".join(f"`{name}`" for name in missing) + ".")
    write_text(DOCUMENT, "\n\n".join(parts) + "\n")


def section(name: str, grid: Grid, title: str, tables: Sequence[Table]) -> str:
    """A main grid: sizes, ranks, verdicts, figures, a table a task."""
    done = sum(len(line.runs) for table in tables for line in table.lines)
    note = "" if done == len(grid.cells) else f" **{done} of {len(grid.cells)} runs so far.**"
    parts = [f"## {title}\n\n{_sizes(grid)}{note}{_processors(tables)}", standing(tables), *against(tables)]
    for what, figure in (("front", front_figure(tables)), ("curves", curves_figure(tables))):
        write_text(FIGURES / f"{name}-{what}.svg", svg_text(figure))
    parts.append(
        f"![Clean metric against robustness, one point a method](figures/{name}-front.svg)\n\n"
        f"![Robustness curves](figures/{name}-curves.svg)"
    )
    parts += [_table(table) for table in tables]
    return "\n\n".join(parts)


def ablation(name: str, title: str, grid: Grid, tables: Sequence[Table]) -> str:
    """One ablation: a short table, and a figure where two rates vary."""
    parts = [f"### {title}\n\n{_sizes(grid)}{_processors(tables)}"]
    if name == "rates":
        values = {
            f"{label} (%)": {
                rates: 100 * line.estimates[measure].mean
                for line in tables[0].lines
                if (rates := _rates(line)) is not None
            }
            for label, measure in ((tables[0].metric, "clean"), ("robust", "robust"))
        }
        write_text(FIGURES / "rates.svg", svg_text(rates_figure(values)))
        parts.append("![Metric and robustness by the two dropout rates](figures/rates.svg)")
    else:
        write_text(FIGURES / f"{grid_file(name)}-front.svg", svg_text(front_figure(tables)))
        parts.append(f"![Clean metric against robustness](figures/{grid_file(name)}-front.svg)")
    parts += [_table(table) for table in tables]
    return "\n\n".join(parts)


def _has_own_results(name: str, grids: dict[str, Grid]) -> bool:
    """Whether a cell has been run that this ablation shares with no other, as it does plain and the defaults."""
    shared = [cell.content() for one, grid in grids.items() if one != name for cell in grid.cells]
    ledger = Ledger(RESULTS / grids[name].name)
    return any(cell.content() not in shared and ledger.find(cell) for cell in grids[name].cells)


def grid_file(name: str) -> str:
    """Name of an ablation's grid file."""
    return f"ablation_{name}"


def _read(name: str) -> tuple[Grid, list[Table]]:
    grid = read_grid(GRIDS / f"{name}.yaml")
    return grid, summarise(grid, Ledger(RESULTS / grid.name))


def _table(table: Table, heading: bool = True) -> str:
    rows = [cells(table, line) for line in table.lines]
    note = textwrap.fill(footnote(table), 120)
    title = f"#### {table.task}, {table.model}" if heading else ""
    return "\n\n".join(filter(None, [title, markdown(headings(table), rows), note]))


def _sizes(grid: Grid) -> str:
    """The settings that all cells share, in words."""
    cell = grid.cells[0]
    data, train, measure = cell.config.data, cell.config, cell.measurement
    epsilons = ", ".join(f"{one:g}" for one in measure.epsilons if one > 0)
    text = (
        f"{', '.join(grid.models)}; at most {data.max_train_examples:,} training examples, {_epochs(grid)}, "
        f"{_learning_rate(grid)}, batch {train.batch_size}; measured on "
        f"{f'at most {data.max_test_examples}' if data.max_test_examples else 'all'} {measure.split} examples, "
        f"{measure.attack_examples or 'all'} of them "
        f"attacked (radii {epsilons}; {measure.attack_steps} steps, {measure.attack_restarts} restart)."
    )
    return textwrap.fill(text, 120)


def _processors(tables: Sequence[Table]) -> str:
    """What the runs were trained on, where any of them says so: those of the first versions do not."""
    runs = [run for table in tables for line in table.lines for run in line.runs.values()]
    counts = Counter(run["cost"].get("processor", "") for run in runs)
    silent = counts.pop("", 0)
    if not counts:
        return ""
    named = [f"{count} on {name}" for name, count in counts.most_common()]
    named += [f"{silent} do not say (see Precision above)"] if silent else []
    return "\n\n" + textwrap.fill(f"Trained: {'; '.join(named)}.", 120)


def _epochs(grid: Grid) -> str:
    """Of the first method (equal compute gives the others fewer) on most tasks, and on those that differ."""
    epochs = {cell.task: cell.config.epochs for cell in grid.cells if cell.method == grid.cells[0].method}
    usual = statistics.mode(epochs.values())
    others = ", ".join(f"{task} {count:g}" for task, count in epochs.items() if count != usual)
    return f"{usual:g} epochs" + (f" ({others})" if others else "")


def _learning_rate(grid: Grid) -> str:
    rates = {cell.config.learning_rate for cell in grid.cells}
    return f"learning rate {rates.pop():g}" if len(rates) == 1 else "learning rates as tuned"


def _rates(line: Line) -> tuple[float, float] | None:
    """The two rates that a line of the rates' grid is about."""
    _, _, text = line.method.partition("dropout=")
    if not text:
        return None
    low, high = ast.literal_eval(text)
    return float(low), float(high)


if __name__ == "__main__":
    main()
