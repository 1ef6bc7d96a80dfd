from __future__ import annotations

from support.compare_samples import first_task, made_up_grid, made_up_run, made_up_slots, made_up_tables
from uegr.cli.terminal import console
from uegr.compare.cell import Cell
from uegr.compare.grid_summary import summarise
from uegr.compare.grid_table import cells, footnote, headings, markdown, terminal
from uegr.compare.result_slot import Run


def test_text_has_means_intervals_counts_and_marks() -> None:
    tables = made_up_tables()
    heads, rows = headings(tables[1]), [cells(tables[1], line) for line in tables[1].lines]
    assert heads == ["method", "n", "accuracy %", "robust %", "PGD 0.02", "typos %", "ECE", "FLOPs ×", "time ×"]
    uegr = rows[1]
    assert uegr[:2] == ["uegr", "4/5"]
    assert uegr[3].startswith("**") and uegr[3].endswith("** ▲") and " ± " in uegr[3]
    assert uegr[5] == "–"
    assert markdown(heads, rows).splitlines()[3] == f"| {' | '.join(uegr)} |"
    with console.capture() as captured:
        console.print(terminal(tables[0]))
    assert "▲" in captured.get() and "**" not in captured.get()
    assert footnote(tables[0]) == ""


def test_a_cost_is_the_mean_of_the_runs_that_have_one() -> None:
    def run_of(cell: Cell) -> Run:
        run = made_up_run(cell)
        if cell.method == "sam" or cell.seed == 0:
            run["cost"] = {"seconds": 1.0}
        return run

    (table,) = summarise(made_up_slots([cell for cell in first_task(made_up_grid()) if cell.seed < 2], run_of))
    costs = {line.method: cells(table, line)[-2:] for line in table.lines}
    assert costs["plain"] == ["2.00", "3.00"] and costs["sam"] == ["–", "–"]


def test_a_footnote_counts_collapsed_runs() -> None:
    def run_of(cell: Cell) -> Run:
        run = made_up_run(cell)
        if cell.method == "sam" and cell.seed == 0:
            run["robustness"]["accuracy"] = [0.53, 0.53]
        return run

    (table,) = summarise(made_up_slots([cell for cell in first_task(made_up_grid()) if cell.seed < 2], run_of))
    assert "(nearly) the same prediction for every text: 1 of 2 runs of sam." in footnote(table)
    with console.capture() as captured:
        console.print(terminal(table))
    assert "collapsed to a constant prediction" in " ".join(captured.get().split())


def test_no_mark_contradicts_the_means_where_seeds_are_missing() -> None:
    """UEGR is better than plain on each of its three seeds, and plain is much better on the two others."""

    def run_of(cell: Cell) -> Run | None:
        run = {key: value for key, value in made_up_run(cell).items() if key != "outcomes"}
        gain = 0.05 + 0.001 * cell.seed if cell.method == "uegr" else 0.0
        run["metrics"] = {"accuracy": [0.80, 0.81, 0.79, last, last][cell.seed] + gain}
        return None if cell.method == "uegr" and cell.seed > 2 else run

    marks = {}
    for last in (0.8, 0.95):
        slots = made_up_slots([cell for cell in first_task(made_up_grid()) if cell.method != "sam"], run_of)
        (table,) = summarise(slots)
        marks[last] = [cells(table, line)[2] for line in table.lines]
        assert "on the seeds that both have" in footnote(table)
    assert marks[0.8][1].startswith("**") and marks[0.8][1].endswith("▲")
    assert not {*"*▲▼"} & {*"".join(marks[0.95])}


def test_a_footnote_says_that_runs_were_measured_on_different_data() -> None:
    digests = iter(["a", None, "b", "a"])
    slots = made_up_slots(
        first_task(made_up_grid())[:4], lambda cell: {**made_up_run(cell), "test_digest": next(digests)}
    )
    (table,) = summarise(slots)
    assert footnote(table).startswith("The runs were measured on different test data, and cannot be compared.")


def test_a_footnote_names_the_methods_that_were_trained_on_the_edits_of_an_attack() -> None:
    def run_of(cell: Cell) -> Run:
        attack = {"attack": "deepwordbug", "accuracy": 0.5, "trained_on": cell.method == "uegr", "words_changed": 0.2}
        run = made_up_run(cell)
        return run | {"text_attacks": [attack], "metrics": {**run["metrics"], "typo_accuracy": 0.6}}

    (table,) = summarise(made_up_slots(first_task(made_up_grid()), run_of))
    assert footnote(table) == (
        "Trained on such edits: uegr under typos, deepwordbug. Words changed in the texts that fool a model, and "
        "cosine to the text before: deepwordbug 20.0 %, –."
    )


def test_a_footnote_counts_texts_that_an_attack_could_not_change() -> None:
    def run_of(cell: Cell) -> Run:
        untouched = 88 if cell.method == "sam" else 0
        attacks = [{"attack": "spaced", "accuracy": 0.5, "examples": 100, "untouched": untouched}]
        return made_up_run(cell) | {"text_attacks": attacks}

    (table,) = summarise(made_up_slots(first_task(made_up_grid()), run_of))
    assert footnote(table) == "Texts that an attack could not change, which count as right: spaced 88 of 100."
