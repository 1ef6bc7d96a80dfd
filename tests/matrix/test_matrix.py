"""Every registered pair of stages, on every architecture, kind of task and training setting."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from cells import ERROR, NOT_APPLICABLE, SETTINGS, method_pairs, run_cell, stage_pairs
from zoo import ARCHITECTURES, KINDS, usual_kind


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("pair", stage_pairs())
def test_kinds_of_task(pair: str, architecture: str, kind: str) -> None:
    cell = run_cell(stage_pairs()[pair], architecture, kind)
    if cell.status == NOT_APPLICABLE:
        pytest.skip(cell.reason)
    assert cell.status != ERROR, cell.reason


@pytest.mark.parametrize("setting", SETTINGS[1:])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("pair", method_pairs())
def test_training_settings(pair: str, architecture: str, setting: str) -> None:
    """The pairs that are methods: between them they hold every stage."""
    cell = run_cell(stage_pairs()[pair], architecture, usual_kind(architecture), setting)
    if cell.status == NOT_APPLICABLE:
        pytest.skip(cell.reason)
    assert cell.status != ERROR, cell.reason
