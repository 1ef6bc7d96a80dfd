"""Class weights."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset

from uegr.data.class_weighting import class_weights
from uegr.data.user_data import load_files
from uegr.errors import UsageError


def test_balanced_weights_make_classes_count_alike() -> None:
    frame = pd.DataFrame({"text": ["a"] * 100, "label": [0] * 80 + [1] * 20})
    data = load_files(frame, frame[:2], frame[:2])
    weights = class_weights("balanced", data)
    assert weights == pytest.approx([100 / (2 * 80), 100 / (2 * 20)])
    assert np.mean(np.array(weights)[data.train["label"]]) == pytest.approx(1.0)
    assert class_weights((1, 5), data) == [1.0, 5.0]
    with pytest.raises(UsageError, match="2 numbers"):
        class_weights((1, 2, 3), data)
    with pytest.raises(UsageError, match="not all 0"):
        class_weights((0, 0), data)
    with pytest.raises(UsageError, match="has none"):
        class_weights("balanced", load_files(frame.assign(label=0.5), kind="regression"))


def test_balanced_weights_of_token_labels_count_words() -> None:
    rows = Dataset.from_dict({"words": [["a", "b", "c", "d"]] * 10, "label": [["O", "O", "O", "B-x"]] * 10})
    data = load_files(rows, rows, rows, text_column="words", kind="token")
    assert class_weights("balanced", data) == pytest.approx([4 / (2 * 1), 4 / (2 * 3)][::-1])
