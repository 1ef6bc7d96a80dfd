"""Foreign texts are recognised."""

from __future__ import annotations

import numpy as np

from uegr.evaluation.ood import ood_auroc


def test_foreign_texts_are_told_by_what_is_less_certain() -> None:
    own, foreign = np.array([[5.0, 0.0], [0.0, 4.0]]), np.array([[0.3, 0.0], [0.1, 0.2]])
    assert ood_auroc(own, foreign) == {"max_softmax": 1.0, "energy": 1.0}
    assert ood_auroc(own, own) == {"max_softmax": 0.5, "energy": 0.5}
    # Sure of itself, yet of little energy: the two scores look at different things.
    assert ood_auroc(np.array([[9.0, 9.0]]), np.array([[0.0, -9.0]])) == {"max_softmax": 0.0, "energy": 1.0}
