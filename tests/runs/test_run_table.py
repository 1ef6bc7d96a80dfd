from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from support.sample_runs import RUN, sample, samples
from uegr.errors import UsageError
from uegr.report.figures.catalogue import draw
from uegr.runs.run_table import cells_by_heading, headings_and_rows, terminal_table


def test_table_shows_the_epsilons_all_runs_share() -> None:
    pair = samples(robustness=RUN["robustness"] | {"epsilons": [0.0, 0.04, 0.08], "accuracy": [0.8, 0.5, 0.1]})
    cells = cells_by_heading(pair)
    assert [heading for heading in cells if heading.startswith("PGD")] == ["PGD 0.04 %"]
    assert [cells["PGD 0.04 %"](run) for run in pair] == ["40.0", "50.0"]
    assert cells["accuracy %"](pair[0]) == "80.0"


def test_curves_of_another_attack_are_not_compared() -> None:
    other_ball = RUN["robustness"] | {"norm": "linf", "relative": False}
    more_steps = RUN["robustness"] | {"steps": 50}
    runs = [sample(method="plain"), sample(), sample(robustness=other_ball), sample(robustness=more_steps)]
    cells = cells_by_heading(runs)
    assert [[cells[name](run) for run in runs] for name in ("PGD 0.02 %", "PGD 0.04 %", "area %")] == [
        ["60.0", "60.0", "–", "–"],
        ["40.0", "40.0", "–", "–"],
        ["60.0", "60.0", "–", "–"],
    ]
    assert "have a dash" in terminal_table(runs).caption and "have a dash" not in terminal_table(runs[:2]).caption


def test_an_area_is_of_the_range_that_all_curves_share() -> None:
    late = sample(robustness=RUN["robustness"] | {"epsilons": [0.02, 0.04], "accuracy": [0.6, 0.4]})
    cells = cells_by_heading([late, sample()])
    assert [cells["area, 0.02 to 0.04 %"](run) for run in (late, sample())] == ["50.0", "50.0"]
    apart = sample(robustness=RUN["robustness"] | {"epsilons": [0.05, 0.06], "accuracy": [0.6, 0.4]})
    assert cells_by_heading([apart, sample()])["area %"](apart) == "–"


def test_a_cost_that_was_not_measured_is_a_dash() -> None:
    unmeasured = sample(cost={"seconds": 10.0})
    cells = cells_by_heading([sample(), unmeasured])
    assert [cells["time ×"](run) for run in (sample(), unmeasured)] == ["2.50", "–"]
    assert cells["FLOPs ×"](unmeasured) == "–"


def test_regression_stands_beside_classification() -> None:
    attack = {"attack": "pgd", "norm": "l2", "relative": True}
    regression = sample(
        metric="pearson",
        metrics={"pearson": 0.9, "spearman": 0.88, "mse": 0.4, "typo_pearson": 0.7},
        robustness={**attack, "epsilons": [0.0, 0.02], "pearson": [0.9, -0.3]},
    )
    curve = regression.robustness
    assert (curve.metric, curve.epsilons, curve.values) == ("pearson", [0.0, 0.02], [0.9, -0.3])
    cells = cells_by_heading([sample(), regression])
    assert [cells[title](regression) for title in ("Pearson %", "Spearman %", "MSE", "accuracy %", "PGD 0.02 %")] == [
        "90.0",
        "88.0",
        "0.4",
        "–",
        "-30.0",
    ]
    assert cells["Pearson %"](sample()) == "–"
    assert draw([sample(), regression])["Under attack"][0].figure.axes[0].get_ylim()[0] <= -30
    headings_and_rows([regression, regression])


def test_f1_of_each_class_has_a_column_of_its_own() -> None:
    metrics = {"f1": 0.9, "typo_f1": 0.8}
    spam, ham = (sample(metric="f1", metrics=metrics, positive_label=label) for label in ("spam", "ham"))
    cells = cells_by_heading([spam, ham])
    assert list(cells)[:2] == ["F1 of spam %", "F1 of ham %"]
    assert [cells["F1 of ham %"](run) for run in (spam, ham)] == ["–", "90.0"]
    assert [cells["typos, F1 of spam %"](run) for run in (spam, ham)] == ["80.0", "–"]


def test_typing_errors_of_each_rate_have_a_column_of_their_own() -> None:
    """Whether a file is of an earlier version, which held no rate, makes no difference."""
    former, usual, few = sample(), sample(typo_rate=0.3), sample(typo_rate=0.05)
    cells = cells_by_heading([former, usual, few])
    rows = {heading: [cell(run) for run in (former, usual, few)] for heading, cell in cells.items()}
    assert rows["typos %"] == ["75.0", "75.0", "–"] and rows["typos at rate 0.05 %"] == ["–", "–", "75.0"]


def test_small_squared_errors_differ() -> None:
    runs = [sample(metric="mse", metrics={"mse": error, "typo_mse": error}) for error in (0.0004, 0.0001)]
    cells = cells_by_heading(runs)
    assert [[cells[title](run) for run in runs] for title in ("MSE", "typos, MSE")] == [["0.0004", "0.0001"]] * 2


def test_each_search_of_an_attack_has_a_column_of_its_own() -> None:
    attack = {"attack": "deepwordbug", "split": "test"}
    mild, strong = ({"options": {"max_share": share}} for share in (0.1, 0.4))
    first = [attack | mild | {"accuracy": 0.7, "split": "validation"}, attack | mild | {"accuracy": 0.6}]
    second = [attack | strong | {"accuracy": 0.5}, attack | mild | {"accuracy": 0.4, "temperature": 2.0}]
    runs = [sample(text_attacks=first), sample(text_attacks=second)]
    cells = cells_by_heading(runs)
    assert {heading: [cell(run) for run in runs] for heading, cell in cells.items() if "deepwordbug" in heading} == {
        "deepwordbug on validation data %": ["70.0", "–"],
        "deepwordbug (max share 0.1) %": ["60.0", "–"],
        "deepwordbug (max share 0.4) %": ["–", "50.0"],
        "deepwordbug calibrated %": ["–", "40.0"],
    }


def test_a_search_is_the_same_whether_its_share_is_written_as_1_or_1_0() -> None:
    runs = [
        sample(text_attacks=[{"attack": "deletion", "accuracy": 0.5, "options": {"max_share": share}}])
        for share in (1, 1.0)
    ]
    assert [cells_by_heading(runs)["deletion %"](run) for run in runs] == ["50.0", "50.0"]


def test_no_attack_takes_the_place_of_a_measure() -> None:
    names = ("typos", "accuracy", "synonyms")
    run = sample(text_attacks=[{"attack": name, "accuracy": 0.1} for name in names])
    cells = cells_by_heading([run])
    assert [cells[heading](run) for heading in ("typos %", "accuracy %")] == ["75.0", "80.0"]
    under_attack = ("typos attack %", "accuracy attack %", "synonyms %")
    assert [cells[heading](run) for heading in under_attack] == ["10.0"] * 3
    with pytest.raises(UsageError, match="two measures of the table are called 'PGD 0.02 %'"):
        cells_by_heading([sample(text_attacks=[{"attack": "PGD 0.02", "accuracy": 0.1}])])


def test_a_perplexity_is_not_in_percent() -> None:
    model = sample(metric="perplexity", metrics={"perplexity": 12.3456, "typo_perplexity": 23.4567})
    cells = cells_by_heading([model])
    assert [cells[title](model) for title in ("perplexity", "typos, perplexity")] == ["12.346", "23.457"]


def test_runs_of_one_task_on_different_data_are_noted() -> None:
    films, messages = sample(test_digest="f1"), sample(test_digest="5a")
    assert "measured on different data" in terminal_table([films, messages]).caption
    assert "measured on different data" not in terminal_table([films, films, sample()]).caption


def test_few_runs_are_columns_and_many_are_rows() -> None:
    headings, rows = headings_and_rows(samples())
    assert headings == ["", "plain", "uegr"]
    assert rows[0] == ["accuracy %", "80.0", "80.0"]
    headings, rows = headings_and_rows([sample(seed=seed) for seed in range(6)])
    assert headings[1] == "accuracy %"
    assert [row[0] for row in rows] == [f"uegr, seed {seed}" for seed in range(6)]


def test_terminal_table_fits_eighty_columns() -> None:
    text = StringIO()
    Console(file=text, width=80).print(terminal_table(samples()))
    Console(file=text, width=80).print(terminal_table([sample(seed=seed) for seed in range(20)]))
    assert "…" not in text.getvalue()
    assert "PGD 0.02 %" in text.getvalue()


def test_numbers_under_edits_of_the_training_are_marked_and_the_changes_told() -> None:
    attack = {"attack": "deepwordbug", "accuracy": 0.5, "words_changed": 0.1, "similarity": 0.9}
    limited = {**attack, "attack": "synonyms", "words_changed": 0.3, "options": {"similarity": 0.8}, "similarity": None}
    runs = [
        sample(method="plain", text_attacks=[attack, limited], typo_trained_on=False),
        sample(text_attacks=[{**attack, "trained_on": True, "words_changed": 0.2}]),
    ]
    cells = cells_by_heading(runs)
    assert [cells["deepwordbug %"](run) for run in runs] == ["50.0", "50.0 *"]
    assert [cells["typos %"](run) for run in runs] == ["75.0", "75.0 *"], "DeepWordBug makes typing errors, too"
    caption = terminal_table(runs).caption or ""
    assert "*: trained on such edits. Words changed in the texts that fool a model, and cosine" in caption
    assert caption.endswith("before (its limit): deepwordbug 15.0 %, 0.90; synonyms 30.0 %, – (0.8).")
    assert "trained on" not in (terminal_table(runs[:1]).caption or "")
    assert cells_by_heading([sample(typo_trained_on=True)])["typos %"](sample(typo_trained_on=True)) == "75.0 *"


def test_an_attack_on_a_part_of_the_test_data_is_noted() -> None:
    few = sample(test_examples=1000, robustness=RUN["robustness"] | {"examples": 200})
    assert "PGD attacked a part of the test data, 200 of 1000 examples" in terminal_table([few]).caption
    whole = sample(test_examples=200, robustness=RUN["robustness"] | {"examples": 200})
    assert "a part" not in terminal_table([whole]).caption
