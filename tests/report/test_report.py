from __future__ import annotations

import copy
import json
import re
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from uegr.errors import UsageError
from uegr.report.figures import robustness_figure, save_png, wilson
from uegr.report.page import write_page
from uegr.report.results import document, label, read_results, robust_curve
from uegr.report.table import grid, measures, terminal_table

RUN: dict[str, Any] = {
    "method": "uegr",
    "task": "rotten_tomatoes",
    "model": "all-MiniLM-L6-v2",
    "seed": 0,
    "train_examples": 2000,
    "metrics": {"accuracy": 0.8, "nll": 0.5, "ece": 0.05, "typo_accuracy": 0.75},
    "robustness": {
        "attack": "embedding-pgd",
        "norm": "l2",
        "relative": True,
        "examples": 300,
        "epsilons": [0.0, 0.02, 0.04],
        "accuracy": [0.8, 0.6, 0.4],
    },
    "cost": {"seconds": 10.0, "flop_ratio": 2.3, "time_ratio": 2.5},
}


def runs(**changes: Any) -> list[dict[str, Any]]:
    return [{**copy.deepcopy(RUN), "method": "plain"}, {**copy.deepcopy(RUN), **changes}]


def test_results_are_read_back(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text(json.dumps(document(runs())))
    assert read_results(tmp_path) == read_results(tmp_path / "results.json") == runs()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is no JSON"),
        ("[]", "not a results.json"),
        ('{"schema": 2, "runs": []}', "schema 1"),
        (json.dumps(document([{key: value for key, value in RUN.items() if key != "cost"}])), "lacks cost"),
        (json.dumps(document([{**RUN, "robustness": {"epsilons": [0.1], "accuracy": []}}])), "robustness.accuracy"),
    ],
)
def test_damaged_results_are_named(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text(content)
    with pytest.raises(UsageError, match=message):
        read_results(tmp_path)


def test_table_shows_the_epsilons_all_runs_share() -> None:
    other = copy.deepcopy(RUN["robustness"]) | {"epsilons": [0.0, 0.04, 0.08], "accuracy": [0.8, 0.5, 0.1]}
    pair = runs(robustness=other)
    cells = measures(pair)
    assert [heading for heading in cells if heading.startswith("PGD")] == ["PGD 0.04 %"]
    assert [cells["PGD 0.04 %"](run) for run in pair] == ["40.0", "50.0"]
    assert cells["accuracy %"](pair[0]) == "80.0"


def test_regression_stands_beside_classification() -> None:
    numbers = {
        **copy.deepcopy(RUN),
        "metric": "pearson",
        "metrics": {"pearson": 0.9, "spearman": 0.88, "mse": 0.4, "typo_pearson": 0.7},
        "robustness": {"attack": "embedding-pgd", "norm": "l2", "relative": True, "epsilons": [0.0, 0.02]}
        | {"pearson": [0.9, -0.3]},
    }
    assert robust_curve(numbers) == ("pearson", [0.0, 0.02], [0.9, -0.3])
    cells = measures([RUN, numbers])
    assert [cells[title](numbers) for title in ("Pearson %", "Spearman %", "MSE", "accuracy %", "PGD 0.02 %")] == [
        "90.0",
        "88.0",
        "0.400",
        "–",
        "-30.0",
    ]
    assert cells["Pearson %"](RUN) == "–"
    assert robustness_figure([RUN, numbers]).axes[0].get_ylim()[0] <= -30
    grid([numbers, numbers])


def test_few_runs_stand_side_by_side_and_many_one_below_the_other() -> None:
    headings, rows = grid(runs())
    assert headings == ["", "plain", "uegr"]
    assert rows[0] == ["accuracy %", "80.0", "80.0"]
    headings, rows = grid([{**RUN, "seed": seed} for seed in range(6)])
    assert headings[1] == "accuracy %"
    assert [row[0] for row in rows] == [f"uegr, seed {seed}" for seed in range(6)]


def test_terminal_table_fits_eighty_columns() -> None:
    text = StringIO()
    Console(file=text, width=80).print(terminal_table(runs()))
    Console(file=text, width=80).print(terminal_table([{**RUN, "seed": seed} for seed in range(20)]))
    assert "…" not in text.getvalue()
    assert "PGD 0.02 %" in text.getvalue()


def test_labels_tell_runs_apart_and_no_more() -> None:
    pair = runs(options={"epsilon": 0.1}, seed=3)
    assert [label(run, pair) for run in pair] == ["plain, seed 0", "uegr (epsilon 0.1), seed 3"]


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_page_is_self_contained_and_escapes_the_users_text(tmp_path: Path) -> None:
    write_page(runs(task="<script>alert(1)</script>", model='"><img src=x onerror=alert(1)>'), tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    tags = Tags(text).found
    assert not [tag for tag, _ in tags if tag in ("script", "img", "link", "iframe")]
    assert not [attributes for _, attributes in tags if any(name.startswith("on") for name in attributes)]
    loaded = [a[name] for _, a in tags for name in ("src", "href", "xlink:href") if a.get(name)]
    assert all(str(one).startswith("#") for one in loaded)
    assert not re.search(r"url\((?!#)", text)
    assert [tag for tag, _ in tags].count("svg") == 1
    for number in ("80.0", "60.0", "40.0", "2.30"):
        assert number in text


def test_figure_draws_every_run_with_its_numbers(tmp_path: Path) -> None:
    figure = robustness_figure(runs())
    lines = figure.axes[0].get_lines()
    assert [list(line.get_ydata()) for line in lines] == [[80, 60, 40]] * 2
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["plain", "uegr"]
    save_png(figure, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_wilson_interval_holds_the_share_and_narrows() -> None:
    low, high = wilson(0.4, 100)
    assert (round(low, 3), round(high, 3)) == (0.309, 0.498)  # the textbook's values
    assert wilson(0.0, 50)[0] == 0.0
    assert wilson(0.4, None) == (0.4, 0.4)
