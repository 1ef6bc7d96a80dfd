"""docs/thirteen.md and its figures, and docs/thirteen_tables.md: what the grids on thirteen data sets show."""

from __future__ import annotations

from experiments.grid_figures import svg_text
from experiments.grid_sections import Figures, read_grid_results, tables_section
from experiments.page_template import filled_template
from experiments.rank_figure import rank_figure
from experiments.reported_table import reported_table
from experiments.roast_epsilons import epsilon_table
from experiments.standing import Standing
from experiments.standing_tables import advice, differences_to_plain, in_short, rank_table, state_of_runs

GRIDS = {
    "thirteen": "all-MiniLM-L6-v2",
    "thirteen_granite": "granite-30m, a second pretrained family",
    "thirteen_textcnn": "TextCNN from scratch",
    "thirteen_lora": "LoRA on all-MiniLM-L6-v2",
}
"""Results file -> the model."""
NOTHING = "No grid has a run of every method on five data sets yet."


def thirteen_tables() -> str:
    """The text of docs/thirteen_tables.md: one table per data set."""
    results = {title: read_grid_results(name) for name, title in GRIDS.items()}
    sections = [tables_section(title, *grid) for title, grid in results.items() if grid[1]]
    return filled_template("thirteen_tables.md", {"tables": "\n\n".join(sections)})


def thirteen_page(figures: Figures) -> str:
    """The text of docs/thirteen.md; adds its figures."""
    all_grids = {title: Standing.of_grid(name) for name, title in GRIDS.items()}
    ranked = {title: standing for title, standing in all_grids.items() if standing.rankings}
    parts: dict[str, list[str]] = {"ranks": [], "diagrams": [], "differences": [], "advice": [], "in_short": []}
    for name, title in GRIDS.items():
        if title not in ranked:
            continue
        standing, heading = ranked[title], f"### {title}\n\n"
        figures[f"{name}-ranks.svg"] = svg_text(rank_figure(standing))
        parts["ranks"].append(heading + rank_table(standing))
        parts["diagrams"].append(f"![Critical-difference diagrams, {title}](figures/{name}-ranks.svg)")
        parts["differences"].append(heading + differences_to_plain(standing.tables, read_grid_results(name)[1]))
        parts["advice"].append(heading + advice(standing))
        parts["in_short"].append(in_short(title, standing, read_grid_results(name)[1]))
    texts = {name: "\n\n".join(sections) or NOTHING for name, sections in parts.items()}
    return filled_template(
        "thirteen_page.md",
        {
            **texts,
            "roast": epsilon_table({name: title for name, title in GRIDS.items() if title in ranked}),
            "runs": state_of_runs(all_grids),
            "reported": reported_table(read_grid_results("main")[1]),
        },
    )
