from __future__ import annotations

import copy
import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from sample_runs import RUN, runs
from uegr.errors import UsageError
from uegr.report.figures.catalogue import draw
from uegr.runs.run_result import document, label, read_results, robust_curve
from uegr.runs.run_table import grid, measures, terminal_table


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
    assert draw([RUN, numbers])["Under attack"][0].figure.axes[0].get_ylim()[0] <= -30
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
