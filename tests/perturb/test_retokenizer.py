"""Rows are read into words and written back as they were."""

from __future__ import annotations

import pytest

from support.edited_text import TEXTS, encode
from uegr.perturb.retokenizer import Retokenizer


@pytest.mark.parametrize("pairs", [False, True])
@pytest.mark.parametrize("pads_left", [False, True])
def test_rows_are_read_and_written_as_they_were(pairs: bool, pads_left: bool) -> None:
    encoder, batch = encode(pairs=pairs, pads_left=pads_left)
    retokenizer = Retokenizer(encoder)
    for i, ids in enumerate(batch["input_ids"].tolist()):
        is_real = batch["attention_mask"][i].tolist()
        real = [token for token, flag in zip(ids, is_real, strict=True) if flag]
        row = retokenizer.read(real)
        words = (TEXTS[i] + (" " + TEXTS[::-1][i] if pairs else "")).split()
        assert [word.text for word in row.words] == words
        for word in row.words:
            assert encoder.convert_ids_to_tokens([real[t] for t in word.tokens]) == [word.text]
        assert retokenizer.write(row, {}, 99) == (real, list(range(len(real))))
        written, origin = retokenizer.write(row, {row.words[-1]: "great film"}, 99)
        assert encoder.decode(written, skip_special_tokens=True).split() == [*words[:-1], "great", "film"]
        assert len(written) == len(origin) == len(real) + 1
        cut, _ = retokenizer.write(row, {row.words[-1]: "the " * 50}, len(real) + 2)
        assert len(cut) == len(real) + 2
