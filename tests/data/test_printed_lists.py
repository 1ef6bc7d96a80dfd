"""Lists printed into cells."""

from __future__ import annotations

import numpy as np
import pytest

from uegr.data.printed_lists import is_printed_list, read_printed_list
from uegr.errors import UsageError


@pytest.mark.parametrize("entries", [["a", "b"], ["it's", "b c"], [], [1, 0]])
def test_what_python_and_numpy_print_is_read(entries: list[object]) -> None:
    expected = [str(entry) for entry in entries]
    for printed in (str(entries), str(tuple(entries)), str(np.array(entries))):
        assert is_printed_list(printed)
        assert [str(entry) for entry in read_printed_list(printed, "row 0")] == expected


def test_other_texts_are_none() -> None:
    assert not is_printed_list("a, b")
    with pytest.raises(UsageError, match=r"rows.csv: row 3 holds .* which is not a list of labels"):
        read_printed_list("[a, b]", "rows.csv: row 3")
