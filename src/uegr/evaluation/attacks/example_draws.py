"""Random numbers of each example of a batch from a generator of its own, over its own tokens.

So a random start depends neither on the other examples of its batch nor on the padding.
"""

import random
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from uegr.perturb.ball import Ball

Draw = Callable[[int, torch.Generator], Tensor]
"""From a number of tokens n and a generator to random numbers (n, width)."""


def example_generators(seed: int, examples: Sequence[int], radius: int, restart: int) -> list[torch.Generator]:
    """One generator, on the CPU, for each example.

    Args:
        seed: of the attack.
        examples: positions of the examples among those that are attacked.
        radius: index of the radius.
        restart: number of the restart.
    """
    seeds = (random.Random(f"{seed}:{example}:{radius}:{restart}").getrandbits(63) for example in examples)
    return [torch.Generator().manual_seed(own_seed) for own_seed in seeds]


def over_tokens(draw: Draw, mask: Tensor, width: int, generators: Sequence[torch.Generator]) -> Tensor:
    """What is drawn for the real tokens of each example, 0 on padding, (B, T, width).

    Args:
        draw: called for each example.
        mask: 1 on real tokens, (B, T, 1).
        width: of the drawn numbers.
        generators: of the B examples.
    """
    is_token = mask.squeeze(-1).bool().cpu()
    drawn = torch.zeros((*is_token.shape, width))
    counts: list[int] = is_token.sum(dim=1).tolist()
    drawn[is_token] = torch.cat([draw(count, generator) for count, generator in zip(counts, generators, strict=True)])
    return drawn.to(mask.device)


def random_starts(
    ball: Ball, radius: Tensor, mask: Tensor, width: int, generators: Sequence[torch.Generator]
) -> Tensor:
    """A random point of the ball of each example, (B, T, width); see `Ball.random_point`, and `over_tokens`."""

    def unit_point(tokens: int, generator: torch.Generator) -> Tensor:
        return ball.random_point(torch.ones(1), torch.ones(1, tokens, 1), width, generator)[0]

    return radius * over_tokens(unit_point, mask, width, generators)
