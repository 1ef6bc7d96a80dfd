"""A loss whose derivatives are known."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from uegr.evaluation.landscape.loss_surface import Surface

EIGENVALUES = [7.0, 4.0, 1.0, 0.5, -2.0] + [0.1] * 25


class Quadratic(Surface):
    """loss = 1/2 w'Hw, H with known eigenvalues in a random basis, as two summands over two parameters."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        basis, _ = torch.linalg.qr(torch.randn(30, 30, generator=generator))
        self.hessian = basis @ torch.diag(torch.tensor(EIGENVALUES)) @ basis.T
        shapes = [(4, 5), (10,)]
        weights = [nn.Parameter(torch.randn(shape, generator=generator)) for shape in shapes]

        def losses() -> Iterator[Tensor]:
            for share in (0.25, 0.75):
                w = torch.cat([weight.flatten() for weight in weights])
                yield share * 0.5 * w @ self.hessian @ w

        super().__init__(weights, losses)
