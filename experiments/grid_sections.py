"""The sections of docs/results.md: one for each grid, from the lines of its results file."""

from __future__ import annotations

import ast
import functools
import statistics
import textwrap
from collections import Counter
from collections.abc import Sequence

from experiments.grid_figures import curves_figure, front_figure, rates_figure, svg_text
from experiments.paths import RESULTS
from experiments.rank_figure import rank_figure
from experiments.standing import Standing
from experiments.standing_tables import first_place
from experiments.verdict_tables import differences, standing
from uegr.compare.grid_summary import Line, Table, summarise
from uegr.compare.grid_table import cells, footnote, headings, markdown
from uegr.compare.result_slot import ResultSlot, latest_slots, name_of_plain

Figures = dict[str, str]
"""File name -> SVG; the sections add theirs."""


@functools.cache  # several pages show the same grid
def read_grid_results(name: str) -> tuple[list[ResultSlot], list[Table]]:
    """The slots of a grid's results file, and their tables; nothing if there is no file."""
    slots = latest_slots(RESULTS / f"{name}.jsonl")
    return slots, summarise(slots, name_of_plain(slots))


def comparison_section(name: str, title: str, slots: list[ResultSlot], tables: list[Table], figures: Figures) -> str:
    """A comparison of methods: sizes, ranks, verdicts, figures, one table per task."""
    figures[f"{name}-front.svg"] = svg_text(front_figure(tables))
    figures[f"{name}-curves.svg"] = svg_text(curves_figure(tables))
    return "\n\n".join(
        [
            _opening(title, slots),
            standing(tables, Standing.of_grid(name).overall()),
            *_rank_diagrams(name, figures),
            *differences(tables),
            f"![Clean metric against robustness, one point per method](figures/{name}-front.svg)",
            f"![Robustness curves](figures/{name}-curves.svg)",
            *map(table_text, tables),
        ]
    )


def tables_section(title: str, slots: list[ResultSlot], tables: list[Table]) -> str:
    """The tables of a comparison alone: sizes, one table per task."""
    return "\n\n".join([_opening(title, slots), *map(table_text, tables)])


def _opening(title: str, slots: list[ResultSlot]) -> str:
    """The heading of a comparison, its sizes, and how many of its runs there are."""
    done = sum(slot.run is not None for slot in slots)
    note = "" if done == len(slots) else f" **{done} of {len(slots)} runs so far.**"
    return f"## {title}\n\n{_sizes(slots)}{note}{_processors(slots)}"


def _rank_diagrams(name: str, figures: Figures) -> list[str]:
    """Critical-difference diagrams, if there are enough tasks for one."""
    ranked = Standing.of_grid(name)
    if not ranked.rankings:
        return []
    figures[f"{name}-ranks.svg"] = svg_text(rank_figure(ranked))
    text = (
        "Critical-difference diagrams (Demsar 2006): a bar joins methods whose mean ranks do not differ significantly. "
        "Attacks of one kind count once; all: the methods ranked on each task by the mean of their ranks."
    )
    picture = f"![Mean ranks of the methods](figures/{name}-ranks.svg)"
    return [*(textwrap.fill(part, 120, break_on_hyphens=False) for part in (first_place(ranked), text)), picture]


def ablation_section(name: str, heading: str, slots: list[ResultSlot], tables: list[Table], figures: Figures) -> str:
    """An ablation: sizes, a figure, one table per task."""
    if name == "ablation_rates":
        figures["rates.svg"] = svg_text(rates_figure(_values_by_rates(tables[0])))
        picture = "![Metric and robustness by the two dropout rates](figures/rates.svg)"
    else:
        figures[f"{name}-front.svg"] = svg_text(front_figure(tables))
        picture = f"![Clean metric against robustness](figures/{name}-front.svg)"
    return "\n\n".join([f"{heading}\n\n{_sizes(slots)}{_processors(slots)}", picture, *map(table_text, tables)])


def table_text(table: Table) -> str:
    """A table under its heading, with its footnote."""
    rows = [cells(table, line) for line in table.lines]
    note = textwrap.fill(footnote(table), 120)
    return "\n\n".join(filter(None, [f"#### {table.task}, {table.model}", markdown(headings(table), rows), note]))


def _sizes(slots: Sequence[ResultSlot]) -> str:
    """The settings that all runs share, in words."""
    content = slots[0].content
    epsilons = ", ".join(f"{epsilon:g}" for epsilon in content["measure.epsilons"] if epsilon > 0)
    test_examples = content["data.max_test_examples"]
    text = (
        f"{', '.join(dict.fromkeys(slot.model for slot in slots))}; at most {content['data.max_train_examples']:,} "
        f"training examples, {_epochs(slots)}, {_learning_rate(slots)}, batch {content['train.batch_size']}; "
        f"measured on {f'at most {test_examples}' if test_examples else 'all'} {content['measure.split']} examples, "
        f"{content['measure.attack_examples'] or 'all'} of them attacked (radii {epsilons}; "
        f"{content['measure.attack_steps']} steps, {content['measure.attack_restarts']} restart)."
    )
    return textwrap.fill(text, 120)


def _epochs(slots: Sequence[ResultSlot]) -> str:
    """The epochs of the first method (equal compute gives the others fewer), and the tasks with another number."""
    epochs = {slot.task: slot.content["train.epochs"] for slot in slots if slot.method == slots[0].method}
    usual = statistics.mode(epochs.values())
    exceptions = ", ".join(f"{task} {count:g}" for task, count in epochs.items() if count != usual)
    return f"{usual:g} epochs" + (f" ({exceptions})" if exceptions else "")


def _learning_rate(slots: Sequence[ResultSlot]) -> str:
    rates = {slot.content["train.learning_rate"] for slot in slots}
    return f"learning rate {rates.pop():g}" if len(rates) == 1 else "learning rates as tuned"


def _processors(slots: Sequence[ResultSlot]) -> str:
    """The processors that the runs were trained on, if any run records it; the runs of the first versions do not."""
    counts = Counter(slot.result.cost.processor or "" for slot in slots if slot.result)
    unknown = counts.pop("", 0)
    if not counts:
        return ""
    parts = [f"{count} on {processor}" for processor, count in counts.most_common()]
    parts += [f"{unknown} not recorded (see Precision above)"] if unknown else []
    return "\n\n" + textwrap.fill(f"Trained: {'; '.join(parts)}.", 120)


def _values_by_rates(table: Table) -> dict[str, dict[tuple[float, float], float]]:
    """Measure -> the two dropout rates -> percent."""
    return {
        f"{label} (%)": {
            rates: 100 * line.estimates[measure].mean for line in table.lines if (rates := _rates(line)) is not None
        }
        for label, measure in ((table.metric, "clean"), ("robust", "robust"))
    }


def _rates(line: Line) -> tuple[float, float] | None:
    """The two dropout rates in a method's name, "uegr dropout=0.1,0.3"; None for plain."""
    _, _, text = line.method.partition("dropout=")
    if not text:
        return None
    low, high = ast.literal_eval(text)
    return float(low), float(high)
