"""docs/results.md and its figures: result_page.md, with the tables of the grids instead of its {{names}}."""

from __future__ import annotations

from collections.abc import Mapping

from experiments.cheaper_steps import full_against_plain
from experiments.grid_sections import Figures, ablation_section, comparison_section, read_grid_results
from experiments.page_template import filled_template
from experiments.standing import Standing
from experiments.tuning_table import tuning_table
from experiments.verdict_tables import all_differences, summary_table
from uegr.compare.grid_summary import Table
from uegr.compare.result_slot import ResultSlot

COMPARISONS = {
    "main": "Seven tasks, one pretrained encoder",
    "scratch": "A model trained from scratch",
    "second": "A second pretrained family",
    "second_scaled": "The same, FreeLB's radius scaled to the model",
    "small": "Few examples",
    "attacks": "Under stronger and text attacks",
    "equal_compute": "Equal compute instead of equal steps",
}
ABLATIONS = {
    "ablation_adversary": "The adversary: steps, radius, confidence",
    "ablation_passes": "Number of passes k",
    "ablation_dropout": "Dropout range",
    "ablation_rates": "Pairs of fixed rates (the paper's Figure 3)",
    "ablation_epsilon": "Radius of the perturbation",
    "ablation_lambda": "Weight of the divergence",
    "ablation_update": "The selective update",
    "ablation_parts": "What each part is worth",
}
IN_DIFFERENCES = ("main", "small", "second", "scratch")
SUMMARY = (
    ("main", "rotten_tomatoes", "film reviews (Rotten Tomatoes), MiniLM"),
    ("main", "trec", "question types (TREC), MiniLM"),
    ("main", "cola", "grammaticality (CoLA, Matthews), MiniLM"),
    ("main", "stsb", "similarity (STS-B, Pearson), MiniLM"),
    ("second", "rotten_tomatoes", "film reviews (Rotten Tomatoes), TinyBERT"),
    ("scratch", "rotten_tomatoes", "film reviews (Rotten Tomatoes), TextCNN from scratch"),
)


def result_page(figures: Figures) -> str:
    """The text of docs/results.md; adds its figures."""
    results = {name: read_grid_results(name) for name in (*COMPARISONS, *ABLATIONS, "below")}
    tables = {name: grid_tables for name, (_, grid_tables) in results.items()}
    published = _published(results)
    comparisons = [
        comparison_section(name, title, *results[name], figures)
        for name, title in COMPARISONS.items()
        if name in published
    ]
    ablations = {
        name: ablation_section(name, f"{'##' if name == 'ablation_parts' else '###'} {title}", *results[name], figures)
        for name, title in ABLATIONS.items()
        if name in published
    }
    parts = {
        "summary": summary_table([(text, _table(tables[name], task)) for name, task, text in SUMMARY]),
        "differences": all_differences(
            {COMPARISONS[name]: (tables[name], Standing.of_grid(name).overall()) for name in IN_DIFFERENCES}
        ),
        "parts": ablations.pop("ablation_parts"),
        "full_against_plain": full_against_plain(tables["below"]),
        "tuning": tuning_table(figures),
        "comparisons": "\n\n".join(comparisons),
        "ablations": "\n\n".join(ablations.values()),
        "missing": ", ".join(f"`{name}`" for name in (*COMPARISONS, *ABLATIONS) if name not in published),
    }
    return filled_template("result_page.md", parts)


def _published(results: Mapping[str, tuple[list[ResultSlot], list[Table]]]) -> set[str]:
    """The grids to show: those with a result; an ablation needs a run that it shares with no other ablation, as it
    does the runs of plain fine-tuning and of the defaults."""
    published = {name for name in COMPARISONS if results[name][1]}
    for name in ABLATIONS:
        shared = [slot.content for rival in ABLATIONS if rival != name for slot in results[rival][0]]
        if any(slot.run is not None and slot.content not in shared for slot in results[name][0]):
            published.add(name)
    return published


def _table(tables: list[Table], task: str) -> Table:
    return next(table for table in tables if table.task == task)
