from __future__ import annotations

from datasets import Dataset

from uegr.data.row_digest import digest_of_rows

ROWS = Dataset.from_dict({"text": ["good film", "bad plot"], "label": [1, 0]})


def test_equal_rows_have_equal_digests_however_they_are_stored() -> None:
    renamed = ROWS.rename_column("text", "sentence")
    mapped = Dataset.from_dict({"text": ["other", "good film", "bad plot"], "label": [0, 1, 0]}).select([1, 2])
    assert len({digest_of_rows(rows, rows.column_names) for rows in (ROWS, renamed, mapped)}) == 1


def test_another_text_label_or_order_gives_another_digest() -> None:
    others = [
        ROWS.select([1, 0]),
        ROWS.select([0]),
        Dataset.from_dict({"text": ["good film", "bad plots"], "label": [1, 0]}),
        Dataset.from_dict({"text": ["good film", "bad plot"], "label": [1, 1]}),
    ]
    assert len({digest_of_rows(rows, ["text", "label"]) for rows in (ROWS, *others)}) == 5
