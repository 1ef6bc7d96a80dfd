"""The random numbers a mask is drawn with: one per element of the model, none of them stored.

Each step draws one tile A of uniform numbers. Row r of a parameter uses the tile plus a shift b_r, modulo 1; b_r is a
hash (splitmix64) of the seed, the parameter and r. Numbers therefore depend only on seed, parameter and position, and
cost one addition each.

Any two numbers are independent and uniform: in different columns because A is, in different rows because b is. Means,
variances and covariances, all that Theorem 1 speaks of, are therefore exactly those of wholly independent draws [ours].
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

TILE = 1 << 17
GRID = 1 << 23
"""Uniform numbers are multiples of 1/GRID: sums of two of them are exact in float32."""


class Draws:
    """Uniform random numbers in [0, 1) for the elements of a list of parameters, a function of `seed`.

    Args:
        seed: 63 bits; a different one per step, the same on every data-parallel rank.
    """

    def __init__(self, seed: int) -> None:
        self._seed_hash = _splitmix64(np.array([seed], dtype=np.uint64))
        generator = torch.Generator().manual_seed(seed)
        words = torch.empty(TILE, dtype=torch.int32).random_(0, GRID, generator=generator)
        self._tile = words.float().div_(GRID)
        self._on: dict[torch.device, Tensor] = {}

    def tile(self, device: torch.device) -> Tensor:
        """The step's tile A on a device, float32, shape (TILE,)."""
        if device not in self._on:
            self._on[device] = self._tile.to(device)
        return self._on[device]

    def shifts(self, parameter: int, rows: int) -> NDArray[np.float32]:
        """The shifts b of the rows of one parameter, shape (rows,)."""
        counters = np.arange(rows, dtype=np.uint64) + (np.uint64(parameter) << np.uint64(32))
        words = _splitmix64(counters + self._seed_hash)
        return (words >> np.uint64(41)).astype(np.float32) / np.float32(GRID)

    def portions(self, parameter: int, *tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
        """Random numbers and the matching elements of a parameter's tensors, flat, TILE elements at a time.

        On a GPU there is one portion. The tensors have one size and are contiguous; portions are views, so writing to
        them changes the tensors.
        """
        flat = [tensor.view(-1) for tensor in tensors]
        if flat[0].device.type != "cpu":  # many small kernels would cost more than the memory they save
            yield self.uniforms(parameter, flat[0]), *flat
            return
        tile = self.tile(flat[0].device)
        rows = zip(*(tensor.split(TILE) for tensor in flat), strict=True)
        for shift, row in zip(self.shifts(parameter, -(-flat[0].numel() // TILE)).tolist(), rows, strict=True):
            yield (tile[: row[0].numel()] + shift).frac_(), *row

    def uniforms(self, parameter: int, like: Tensor) -> Tensor:
        """Random numbers of a parameter's elements, float32, shape and device of `like`."""
        tile = self.tile(like.device)
        shifts = torch.from_numpy(self.shifts(parameter, -(-like.numel() // TILE))).to(like.device)
        return (tile + shifts.unsqueeze(1)).frac_().flatten()[: like.numel()].view(like.shape)


def _splitmix64(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of splitmix64 (Steele, Lea and Flood 2014): from counters to numbers that look independent."""
    mixed = words + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
