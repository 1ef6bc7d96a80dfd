"""The tables of the study of the selective update: experiments/selective_tables.py."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments import selective_tables


def test_a_mark_needs_more_than_one_seed_and_a_difference_beyond_chance(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    runs = []
    accuracies = {"plain": (0.5, 0.6, 0.7), "better": (0.6001, 0.7, 0.7999), "other": (0.4, 0.7, 0.8)}
    for method, values in accuracies.items():
        for seed, accuracy in enumerate(values):
            runs.append({"situation": "100 sentences", "method": method, "seed": seed, "accuracy": accuracy})
    runs.append({"situation": "20 % wrong", "method": "plain", "seed": 0, "accuracy": 0.5})
    runs.append({"situation": "20 % wrong", "method": "better", "seed": 0, "accuracy": 0.9})
    path = tmp_path / "selective.json"
    path.write_text(json.dumps({"runs": runs}))
    monkeypatch.setattr(selective_tables, "FILE", path)

    tables = selective_tables.selective_tables()
    plain, better, other = tables["few"].splitlines()[2:]
    assert plain == "| plain | 0–3 | 60.0 | – |"
    assert better.startswith("| better | 0–3 | **70.0 (+10.0 [+10.0, +10.0])**")
    assert "**" not in other
    assert tables["noise"].splitlines()[-1] == "| better | 0–1 | 90.0 (+40.0) | – |"
    assert "3 differences" in tables["summary"] and "1 remain" in tables["summary"]
