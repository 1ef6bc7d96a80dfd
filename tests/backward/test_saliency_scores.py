"""The three saliency scores."""

from __future__ import annotations

import torch
from torch import nn

from uegr.backward.saliency_scores import SaliencyScores


def test_scores_equal_their_formulas() -> None:
    parameter = nn.Parameter(torch.tensor([2.0, -1.0, 0.5]))
    parameter.grad = torch.tensor([1.0, -3.0, 0.0])
    assert SaliencyScores("gradient").score(0, parameter).tolist() == [1.0, 3.0, 0.0]
    assert SaliencyScores("taylor").score(0, parameter).tolist() == [2.0, 3.0, 0.0]
    fisher = SaliencyScores("fisher", decay=0.5)
    fisher.observe({0: parameter})
    fisher.observe({0: parameter})
    torch.testing.assert_close(fisher.score(0, parameter), torch.tensor([0.75, 6.75, 0.0]))


def test_without_decay_fisher_is_the_plain_mean_since_the_last_clear() -> None:
    parameter, fisher = nn.Parameter(torch.zeros(2)), SaliencyScores("fisher", decay=None)
    for gradient in ([9.0, 9.0], [1.0, 0.0], [3.0, 2.0]):
        parameter.grad = torch.tensor(gradient)
        if gradient[0] == 1.0:
            fisher.clear()
        fisher.observe({0: parameter})
    torch.testing.assert_close(fisher.score(0, parameter), torch.tensor([5.0, 2.0]))


def test_a_borrowed_score_is_the_second_moment_and_nothing_is_stored() -> None:
    parameter, fisher = nn.Parameter(torch.zeros(2)), SaliencyScores("fisher")
    fisher.from_optimizer = True
    parameter.grad = torch.ones(2)
    fisher.observe({0: parameter})
    assert not fisher.means
    moment = torch.tensor([4.0, 5.0])
    assert torch.equal(fisher.score(0, parameter, {"exp_avg_sq": moment}), moment)
    assert torch.equal(fisher.score(0, parameter, {}), torch.zeros(2))
