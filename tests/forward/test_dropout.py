from __future__ import annotations

import pytest
import torch

from uegr.errors import UsageError
from uegr.forward.dropout_rates import AdaptiveDropout, DropoutMode


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_combination_and_spread() -> None:
    assert AdaptiveDropout(2, (0.1, 0.3), "combination").rates(5, generator()) == [0.1, 0.3]
    assert AdaptiveDropout(3, (0.1, 0.3)).rates(5, generator()) == pytest.approx([0.1, 0.2, 0.3])
    assert AdaptiveDropout(1, (0.1, 0.3)).rates(5, generator()) == pytest.approx([0.2])


@pytest.mark.parametrize("mode", ["step", "layer"])
def test_drawn_rates_lie_in_the_range_and_are_fresh(mode: DropoutMode) -> None:
    dropout, source = AdaptiveDropout(2, (0.1, 0.3), mode), generator()
    first, second = dropout.rates(5, source), dropout.rates(5, source)
    flat = torch.tensor([*first, *second]).flatten()
    assert ((flat >= 0.1) & (flat <= 0.3)).all()
    assert first != second
    assert first == dropout.rates(5, generator())
    assert torch.tensor(first).shape == ((2,) if mode == "step" else (2, 5))


def test_feedback_climbs_while_the_passes_agree_and_falls_while_they_do_not() -> None:
    dropout = AdaptiveDropout(2, (0.1, 0.3), "feedback", target=0.05, gain=0.1)
    middle = dropout.rates(1, generator())[1]
    for _ in range(3):
        dropout.observe(torch.tensor(0.0))
    raised = dropout.rates(1, generator())[1]
    for _ in range(20):
        dropout.observe(torch.tensor(1.0))
    assert dropout.rates(1, generator()) == pytest.approx([0.1, 0.1])
    assert raised > middle == pytest.approx(0.2)


def test_feedback_is_remembered() -> None:
    dropout, twin = (AdaptiveDropout(2, (0.1, 0.3), "feedback") for _ in range(2))
    dropout.observe(torch.tensor(0.0))
    twin.load_state_dict(dropout.state_dict())
    assert twin.rates(1, generator()) == dropout.rates(1, generator())


@pytest.mark.parametrize(
    ("passes", "dropout", "mode"),
    [
        (0, (0.1, 0.3), "spread"),
        (2, (0.3, 0.1), "spread"),
        (2, (0.1, 1.0), "spread"),
        (2, (-0.1, 0.3), "step"),
        (2, (0.1, 0.2, 0.3), "spread"),
        (3, (0.1, 0.3), "combination"),
        (2, (0.1, 0.3), "sometimes"),
    ],
)
def test_senseless_settings_are_refused(passes: int, dropout: tuple[float, ...], mode: DropoutMode) -> None:
    with pytest.raises(UsageError):
        AdaptiveDropout(passes, dropout, mode)
