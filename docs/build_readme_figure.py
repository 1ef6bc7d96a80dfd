"""Draw the figure of the README, docs/figures/plain-and-uegr.svg, from the tables of docs/results.md.

make cards
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent
FIGURE = FOLDER / "figures" / "plain-and-uegr.svg"
ROWS = (
    ("film reviews, TinyBERT", "tinybert-4l", "rotten_tomatoes"),
    ("film reviews, MiniLM", "all-MiniLM-L6-v2", "rotten_tomatoes"),
    ("sentiment (SST-2), MiniLM", "all-MiniLM-L6-v2", "sst2"),
    ("grammaticality (CoLA), MiniLM", "all-MiniLM-L6-v2", "cola"),
    ("question types (TREC), MiniLM", "all-MiniLM-L6-v2", "trec"),
    ("film reviews, TextCNN from scratch", "textcnn", "rotten_tomatoes"),
)
"""Label, model and task of each row."""
LEFT, RIGHT, TOP, ROW_HEIGHT = 250, 670, 78, 34
GREY, BLUE, BROWN, TEXT = "#8a8f98", "#1f6feb", "#b35900", "#24292f"


def robust_accuracies(page: str, model: str, task: str) -> tuple[float, float, float, str, str]:
    """Return the robust accuracy of plain, of UEGR and of the best other method, that method, and UEGR minus plain.

    The table "UEGR minus the best other method" leaves out methods that collapsed.
    """
    section = next(part for part in page.split("\n## ") if f"\n\n{model}; at most 2,000 training examples" in part)
    table = section.split(f"#### {task}, {model}\n")[1]
    plain, uegr = (_robust_cell(table, method) for method in ("plain", "uegr"))
    to_plain, to_best = (
        _robust_difference(section.split(f"UEGR minus {reference}")[1], task)
        for reference in ("plain", "the best other")
    )
    return plain, uegr, uegr - float(to_best.split()[0]), to_best.split("(")[1].rstrip(") "), to_plain.split()[0]


def _robust_difference(table: str, task: str) -> str:
    row = next(line for line in table.splitlines() if line.startswith(f"| {task} |"))
    return row.split("|")[3].strip(" *")


def _robust_cell(table: str, method: str) -> float:
    row = next(line for line in table.splitlines() if line.startswith(f"| {method} |"))
    return float(row.split("|")[4].strip(" *▲▼").split()[0])


def draw(page: str) -> str:
    """Return the figure as SVG."""

    def x(percent: float) -> float:
        return round(LEFT + (RIGHT - LEFT) * percent / 100, 1)

    def text(left: float, top: float, words: str, anchor: str = "start", color: str = TEXT, size: int = 13) -> str:
        return f'<text x="{left}" y="{top}" text-anchor="{anchor}" fill="{color}" font-size="{size}">{words}</text>'

    bottom = TOP + ROW_HEIGHT * len(ROWS)
    parts = [text(16, 24, "Accuracy under attack on the embeddings, % (mean of four radii, five seeds)", size=15)]
    for left, color, words in ((16, GREY, "plain fine-tuning"), (166, BLUE, "UEGR"), (246, BROWN, "best other method")):
        parts += [_mark(left + 6, 46, color), text(left + 18, 50, words, color=color)]
    for percent in range(0, 101, 20):
        parts.append(f'<path d="M{x(percent)} {TOP - 12}V{bottom - 8}" stroke="#d0d7de"/>')
        parts.append(text(x(percent), bottom + 10, str(percent), "middle", size=12))
    for index, (label, model, task) in enumerate(ROWS):
        plain, uegr, best, name, difference = robust_accuracies(page, model, task)
        top = TOP + ROW_HEIGHT * index + 6
        parts.append(text(LEFT - 12, top + 4, label, "end"))
        parts.append(f'<path d="M{x(plain)} {top}H{x(uegr)}" stroke="{BLUE}" stroke-width="3"/>')
        parts += [_mark(x(plain), top, GREY), _mark(x(best), top, BROWN), _mark(x(uegr), top, BLUE)]
        parts.append(text(x(max(uegr, best, plain)) + 10, top + 4, difference, color=BLUE))
        parts.append(text(RIGHT + 14, top + 4, name, color=BROWN))
    box = f'viewBox="0 0 760 {bottom + 22}" width="760" height="{bottom + 22}"'
    style = 'font-family="Helvetica, Arial, sans-serif"'
    title = "Accuracy under attack of plain fine-tuning, UEGR and the best other method, on six tasks and models"
    background = '<rect width="100%" height="100%" fill="#ffffff"/>'
    body = "\n".join([f"<title>{title}</title>", background, *parts])
    return f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {box} {style}>\n{body}\n</svg>\n'


def _mark(left: float, top: float, color: str) -> str:
    filled = "#ffffff" if color == BROWN else color
    return f'<circle cx="{left}" cy="{top}" r="5.5" fill="{filled}" stroke="{color}" stroke-width="2"/>'


def main() -> None:
    """Write the figure."""
    FIGURE.write_text(draw((FOLDER / "results.md").read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
