from __future__ import annotations

from io import StringIO

from rich.console import Console

from support.sample_runs import sample
from uegr.runs.evaluation_notes import leakage_line
from uegr.runs.transfer_summary import transfer_table

LEAKAGE = {"examples": 10, "exact": 1, "near": 3, "similarity": 0.6}


def test_transfer_table_shows_what_training_had_seen() -> None:
    entry = {"task": "cr", "metric": "accuracy", "metrics": {"accuracy": 0.7}, "test_examples": 10, "leakage": LEAKAGE}
    unseen = [{"examples": 7, "accuracy": 0.5}, {"examples": 0, "accuracy": None}]
    text = StringIO()
    result = sample(transfer=[{**entry, "unseen": part} for part in unseen])
    Console(file=text, width=120).print(transfer_table(result))
    assert "50.0 of 7" in text.getvalue()
    assert [line.split()[-1] for line in text.getvalue().splitlines() if "70.0" in line] == ["7", "–"]


def test_transfer_table_shows_texts_of_a_hardening_where_they_are_known() -> None:
    entry = {"task": "cr", "metric": "accuracy", "metrics": {"accuracy": 0.7}, "test_examples": 10}
    entry |= {"unseen": {"examples": 7, "accuracy": 0.5}}
    text = StringIO()
    result = sample(transfer=[{**entry, "leakage": {**LEAKAGE, "hardening": 4}}, {**entry, "leakage": LEAKAGE}])
    Console(file=text, width=120).print(transfer_table(result))
    assert [line.split()[-1] for line in text.getvalue().splitlines() if "70.0" in line] == ["4", "–"]


def test_leakage_is_one_sentence() -> None:
    assert leakage_line(sample()) == "leakage: not measured."
    line = leakage_line(sample(leakage=LEAKAGE))
    assert "of 10 test texts 1 are in the training data and 2 more are nearly equal to one" in line
    assert "hardening" not in line
    line = leakage_line(sample(leakage={**LEAKAGE, "hardening": 4}))
    assert line.endswith("Jaccard 0.6 or more); 4 are in the texts of the hardening.")
