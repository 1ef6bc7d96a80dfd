"""Published figures of the compared methods (reported.yaml) beside those of a grid, and why they differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import yaml

from experiments.number_text import signed
from experiments.paths import EXPERIMENTS
from uegr.compare.grid_summary import Line, Table
from uegr.compare.grid_table import markdown
from uegr.data.task_registry import TASKS
from uegr.modeling.metrics import METRICS
from uegr.runs.run_result import RunResult

HEADS = ("task", "method", "reported", "gain", "their model", "source", "measured", "gain", "our model")
PARAMETERS = {"all-MiniLM-L6-v2": 23, "BERT-base": 110, "BERT-large": 340, "RoBERTa-large": 355}
"""The size of a model, in millions."""
LEGEND = """\
Plain fine-tuning → the method, in percent; a dash marks what could not be confirmed or was not run. The gain is in
points, ours with its 95 % interval over the seeds; it is a dash if most runs collapsed to a constant prediction."""


@dataclass(frozen=True)
class ReportedFigure:
    """A published figure; reported.yaml says what the fields mean."""

    method: str
    task: str
    metric: str
    value: float
    baseline: float | None
    model: str
    split: str
    source: str
    seen_in: str | None
    rerun: bool
    selection: str


@dataclass(frozen=True)
class Pair:
    """A published figure, and our runs of the same method on the same task."""

    figure: ReportedFigure
    table: Table
    line: Line

    @property
    def run(self) -> RunResult:
        """Any of our runs; sizes and splits are the same in all of them."""
        return next(iter(self.line.runs.values()))

    @property
    def split(self) -> str:
        """The published split that we measured."""
        return TASKS[self.figure.task].splits[self.run.split]

    def rows(self, split: str) -> int:
        """The number of rows of a published split."""
        return TASKS[self.figure.task].rows[split]


def read_reported() -> list[ReportedFigure]:
    """The records of reported.yaml, by task in the order of the registry."""
    records = yaml.safe_load((EXPERIMENTS / "reported.yaml").read_text())
    tasks = list(TASKS)
    return sorted((ReportedFigure(**record) for record in records), key=lambda figure: tasks.index(figure.task))


def reported_table(tables: Sequence[Table]) -> str:
    """One row per published figure, with our figure where `tables` have one, and below it why the two differ.

    Args:
        tables: of a grid with one model.
    """
    figures = read_reported()
    pairs = {figure: pair for figure in figures if (pair := _pair(figure, tables))}
    rows = [_row(figure, pairs.get(figure)) for figure in figures]
    parts = [LEGEND, markdown(HEADS, rows)]
    if pairs:
        parts.append("Why they differ:\n\n" + "\n".join(f"- {reason}" for reason in _reasons(list(pairs.values()))))
    missing = _without_figure(figures, tables)
    if missing:
        parts.append(f"No published figure on these tasks could be confirmed for {', '.join(missing)}.")
    return "\n\n".join(parts)


def _pair(figure: ReportedFigure, tables: Sequence[Table]) -> Pair | None:
    for table in tables:
        line = table.line(figure.method)
        if table.task == figure.task and line is not None:
            return Pair(figure, table, line)
    return None


def _row(figure: ReportedFigure, pair: Pair | None) -> list[str]:
    gain = "–" if figure.baseline is None else f"{figure.value - figure.baseline:+.1f}"
    reported = f"{_percent(figure.baseline)} → {_percent(figure.value)} {_title(figure.metric)}"
    return [figure.task, figure.method, reported, gain, figure.model, _source(figure), *_measured(pair)]


def _measured(pair: Pair | None) -> list[str]:
    if pair is None:
        return ["–"] * 3
    plain, verdict = pair.table.line("plain"), pair.line.plain.get("clean")
    values = [None if line is None else 100 * line.estimates["clean"].mean for line in (plain, pair.line)]
    gain = "–" if verdict is None else signed(verdict.comparison.difference)
    return [" → ".join(map(_percent, values)) + f" {_title(pair.table.metric)}", gain, pair.table.model]


def _reasons(pairs: Sequence[Pair]) -> list[str]:
    """What differs between the published runs and ours, as far as the records and the runs say."""
    ours = _joined(_sized(pair.table.model) for pair in pairs)
    theirs = _joined(_sized(pair.figure.model) for pair in pairs)
    selections: dict[str, list[str]] = {}
    for pair in pairs:
        selections.setdefault(pair.figure.selection, []).append(f"{pair.figure.method} in {_paper(pair.figure)}")
    there = "; ".join(f"{selection} ({_joined(papers)})" for selection, papers in selections.items())
    quoted = _joined(pair.figure.seen_in for pair in pairs if pair.figure.seen_in and pair.figure.baseline is not None)
    reasons = {
        "Model (millions of parameters)": f"{ours} here; {theirs} there",
        "Training examples": _fewer(pairs, lambda pair: (pair.run.train_examples, pair.rows("train"))),
        "Test examples": _fewer(pairs, lambda pair: (pair.run.test_examples, pair.rows(pair.split))),
        "Split": _contrasts(pairs, lambda pair: (pair.split, pair.figure.split)),
        "Metric": _contrasts(pairs, lambda pair: (_title(pair.table.metric), _title(pair.figure.metric))),
        "Selection": f"mean over the seeds here, nothing chosen on the split shown; there {there}",
        "Baseline": quoted and f"plain fine-tuning is that of {quoted} where the figure was seen there",
    }
    return [f"**{name}**: {text}." for name, text in reasons.items() if text]


def _fewer(pairs: Sequence[Pair], counts: Callable[[Pair], tuple[int, int]]) -> str:
    """The tasks of which we used fewer rows than are published."""
    used = {pair.figure.task: counts(pair) for pair in pairs}
    parts = [f"`{task}` {here:,} of {published:,}" for task, (here, published) in used.items() if here < published]
    return f"{', '.join(parts)} here" if parts else ""


def _contrasts(pairs: Sequence[Pair], names: Callable[[Pair], tuple[str, str]]) -> str:
    """The tasks on which a name here differs from that in a paper, and the papers."""
    papers: dict[str, list[str]] = {}
    for pair in pairs:
        here, there = names(pair)
        if here != there:
            papers.setdefault(f"`{pair.figure.task}` {here} here, {there} in", []).append(_paper(pair.figure))
    return "; ".join(f"{text} {_joined(sources)}" for text, sources in papers.items())


def _without_figure(figures: Iterable[ReportedFigure], tables: Iterable[Table]) -> list[str]:
    methods = dict.fromkeys(line.method for table in tables for line in table.lines)
    known = {"plain", *(figure.method for figure in figures)}
    return [method for method in methods if method not in known]


def _source(figure: ReportedFigure) -> str:
    seen = f", seen in {figure.seen_in}" if figure.seen_in else ""
    return f"{figure.source}{seen}" + (" (run by others)" if figure.rerun else "")


def _paper(figure: ReportedFigure) -> str:
    return figure.source.split(", Table")[0]


def _sized(model: str) -> str:
    return f"{model} ({PARAMETERS[model]})" if model in PARAMETERS else model


def _joined(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))


def _title(metric: str) -> str:
    if metric == "not stated":
        return "metric not stated"
    return METRICS[metric].title.removesuffix(" %") if metric in METRICS else metric


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
