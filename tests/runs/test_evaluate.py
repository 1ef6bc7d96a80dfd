from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from support.sample_runs import full
from uegr.errors import UsageError
from uegr.evaluation.attacks.pgd import PGD
from uegr.evaluation.packed_outcomes import unpack_bits
from uegr.runs.evaluate import ADDED, evaluate_run, validation_metric
from uegr.runs.finished_run import open_run
from uegr.runs.results_json import read_results, write_results


def test_evaluating_again_gives_the_same_numbers_and_keeps_what_was_added(evaluated_run: Path) -> None:
    before = read_results(evaluated_run)[0]
    write_results(evaluated_run, [replace(before, **{name: getattr(full(), name) for name in ADDED})])
    counts: list[tuple[int, int]] = []
    again = evaluate_run(
        evaluated_run,
        epsilons=(0.0, 0.05),
        attack=PGD(steps=1, restarts=1),
        on_examples=lambda done, total: counts.append((done, total)),
    )
    assert again == read_results(evaluated_run)[0]
    assert (again.metrics, again.robustness.values) == (before.metrics, before.robustness.values)
    assert again.text_attacks == full().text_attacks
    assert again.analysis == full().analysis
    assert again.test_digest == before.test_digest is not None
    assert counts[-1] == (again.test_examples, again.test_examples)
    assert "deepwordbug" in (evaluated_run / "README.md").read_text(), "the card is renewed"


def test_slices_and_outcomes_under_typing_errors_agree_with_the_metrics(evaluated_run: Path) -> None:
    result = read_results(evaluated_run)[0]
    assert result.outcomes is not None and result.test_examples is not None
    typos = unpack_bits(result.outcomes["typos"], result.test_examples)
    assert typos.mean() == pytest.approx(result.metrics["typo_accuracy"])
    for kind in ("class", "words"):
        parts = [part for part in result.slices if kind in part["slice"] and "unseen" not in part["slice"]]
        assert sum(part["examples"] for part in parts) == result.test_examples
        right = sum(part["examples"] * part["accuracy"] for part in parts)
        assert right == pytest.approx(result.test_examples * result.metrics["accuracy"])
    assert any("unseen" in part["slice"] for part in result.slices)


def test_the_rate_of_typing_errors_is_stored(evaluated_run: Path) -> None:
    assert read_results(evaluated_run)[0].typo_rate == 0.3
    evaluate_run(evaluated_run, epsilons=(0.0,), attack=PGD(steps=1, restarts=1), attack_examples=1, typo_rate=0.05)
    assert read_results(evaluated_run)[0].typo_rate == 0.05
    assert "| typos at rate 0.05 % |" in (evaluated_run / "README.md").read_text()


def test_validation_metric_is_that_of_the_task(evaluated_run: Path) -> None:
    title, value, examples = validation_metric(evaluated_run)
    assert (title, examples) == ("accuracy %", len(open_run(evaluated_run).data.validation))
    assert 0 <= float(value) <= 100


def test_an_unknown_split_is_refused(evaluated_run: Path) -> None:
    with pytest.raises(UsageError, match="choose one of test, validation"):
        evaluate_run(evaluated_run, split="train")
