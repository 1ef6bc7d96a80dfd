"""The tables of docs/robust_text_results.md: the published metric of each task, and the class that accuracy hides."""

from __future__ import annotations

from experiments.robust_text import COLUMNS
from experiments.robust_text_differences import differences_table

from support.sample_runs import sample


def test_clean_is_the_published_metric() -> None:
    run = sample(metric="macro_f1", metrics={"accuracy": 0.9, "macro_f1": 0.5})
    assert COLUMNS["clean"](run) == 50.0


def test_the_rarest_class_is_shown_where_the_metric_is_not_accuracy() -> None:
    films, questions, tweets = differences_table("text_test.jsonl").split("minus plain as it is | clean")[1:]
    assert "Recall" not in films + questions
    assert "Recall of the class offensive (240 texts), minus plain as it is: as it is, uegr -4.2 [" in tweets
    assert "uegr minus plain there -9.2 [-14.3, -4.0]." in " ".join(tweets.split())
