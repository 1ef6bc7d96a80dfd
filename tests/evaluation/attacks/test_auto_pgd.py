"""The adaptive step of AutoPGD."""

from __future__ import annotations

from uegr.evaluation.attacks.auto_pgd import checkpoints


def test_checkpoints_come_ever_closer() -> None:
    """For 100 steps: those of the paper's formula, w_j = ceil(p_j * 100)."""
    assert sorted(checkpoints(100)) == [22, 41, 57, 70, 80, 87, 93, 99]
