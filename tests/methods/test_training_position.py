"""The seeds of a training: no two alike, and a function of the position alone."""

from __future__ import annotations

from uegr.methods.training_position import TrainingPosition


def seeds(position: TrainingPosition) -> list[int]:
    batches = [position.preparation_seed(batch) for batch in range(3)]
    return [position.forward_seed(), position.view_seed(), position.backward_seed(), *batches]


def test_no_two_parts_of_a_training_draw_the_same_numbers() -> None:
    every = [seed for calls in range(3) for seed in seeds(TrainingPosition(seed=7, calls=calls, steps=calls))[:3]]
    every += seeds(TrainingPosition(seed=8))
    assert len(set(every)) == len(every)
    assert all(0 <= seed < 2**63 for seed in every)


def test_the_same_position_has_the_same_seeds() -> None:
    assert seeds(TrainingPosition(7, calls=2, steps=1)) == seeds(TrainingPosition(7, calls=2, steps=1))
    assert TrainingPosition(7, calls=2).backward_seed() == TrainingPosition(7, calls=3).backward_seed()
