"""The curvature of the loss: the largest eigenvalues of its Hessian, its trace, and its rise along a SAM step."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from uegr.evaluation.landscape.loss_surface import Surface


def largest_eigenvalues(surface: Surface, count: int = 2, *, tolerance: float = 0.01, seed: int = 0) -> list[float]:
    """The largest eigenvalues of the Hessian, in descending order, by implicitly restarted Lanczos (ARPACK).

    Args:
        surface: the loss, at its weights.
        count: number of eigenvalues.
        tolerance: relative error of an eigenvalue.
        seed: of the start vector.

    Returns:
        At most `count` values: those that converged within about 100 Hessian-vector products.
    """
    weights = surface.weights
    n = weights.numel()

    def product(vector: NDArray[np.float32]) -> NDArray[np.float32]:
        direction = torch.from_numpy(np.asarray(vector, dtype=np.float32).reshape(-1)).to(weights.device)
        return surface.hessian_times(direction).cpu().numpy()

    start = np.random.default_rng(seed).standard_normal(n).astype(np.float32)
    krylov = min(n, max(10, 2 * count + 1))
    operator = LinearOperator((n, n), matvec=product, dtype=np.float32)
    try:
        values = eigsh(
            operator, count, which="LA", v0=start, ncv=krylov, tol=tolerance, maxiter=10, return_eigenvectors=False
        )
    except ArpackNoConvergence as partial:
        values = partial.eigenvalues
    return sorted((float(value) for value in values), reverse=True)


def trace(surface: Surface, probes: int = 10, seed: int = 0) -> dict[str, float]:
    """Trace of the Hessian by Hutchinson's estimator: the mean of v'Hv over random sign vectors v."""
    generator = torch.Generator().manual_seed(seed)
    weights = surface.weights
    values = []
    for _ in range(probes):
        signs = torch.randint(0, 2, weights.shape, generator=generator).to(weights.device) * 2.0 - 1.0
        values.append(float(signs @ surface.hessian_times(signs)))
    error = float(np.std(values, ddof=1) / probes**0.5) if probes > 1 else float("nan")
    return {"mean": float(np.mean(values)), "standard_error": error, "probes": probes}


def sharpness(surface: Surface, rhos: Sequence[float]) -> dict[str, list[float]]:
    """The rise of the loss on a step of length rho up the gradient (SAM: Foret et al., arXiv 2010.01412), in nats."""
    gradient = surface.gradient()
    direction = gradient / gradient.norm().clamp_min(1e-12)
    base = surface.loss()
    increases = []
    for rho in rhos:
        with surface.moved(rho * direction):
            increases.append(surface.loss() - base)
    return {"rho": list(rhos), "increase": increases}
