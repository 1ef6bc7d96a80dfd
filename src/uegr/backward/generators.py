"""Randomness of masks: one generator a device, seeded alike on every data-parallel rank."""

from __future__ import annotations

import torch


class Generators(dict[torch.device, torch.Generator]):
    """`Generators(seed)[device]`: made when first asked for."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed = seed

    def __missing__(self, device: torch.device) -> torch.Generator:
        self[device] = torch.Generator(device).manual_seed(self.seed)
        return self[device]
