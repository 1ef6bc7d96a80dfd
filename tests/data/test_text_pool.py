"""A pool of unlabelled texts: what is read, and that no evaluation text gets in."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from uegr.data.text_pool import load_pool
from uegr.errors import UsageError


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "a.txt").write_text("The first text is here.\n\nA second one follows it\nthe first text is here\n")
    pd.DataFrame({"text": ["A third text in a table", "a SECOND one, follows it!"], "n": [1, 2]}).to_csv(
        tmp_path / "b.csv", index=False
    )
    pd.DataFrame({"text": ["A third text in this table"]}).to_csv(tmp_path / "held.csv", index=False)
    return {path.stem: str(path) for path in tmp_path.iterdir()}


def test_files_are_read_and_equal_texts_count_once(files: dict[str, str]) -> None:
    pool = load_pool([files["a"], files["b"]])
    assert pool.rows["text"][:] == ["The first text is here.", "A second one follows it", "A third text in a table"]
    assert pool.sources == {files["a"]: 3, files["b"]: 2}
    assert pool.held_out == {}


def test_files_may_have_columns_of_other_names_and_both_texts_of_a_pair_are_read(tmp_path: Path) -> None:
    """The second texts of held-out pairs were not held out, and the overlap was said to be 0."""
    pairs = {"question": ["who is there?", "what is it?"], "answer": ["The man at the old door", ""]}
    pd.DataFrame(pairs).to_csv(tmp_path / "pairs.csv", index=False)
    (tmp_path / "a.csv").write_text("message\nthe man at the old door\nanother text\n")
    texts, held_out = [str(tmp_path / "a.csv")], [str(tmp_path / "pairs.csv")]
    pool = load_pool(texts, text_column="message, question,answer", held_out=held_out, drop_overlap=True)
    assert pool.rows["text"][:] == ["another text"] and pool.held_out == {held_out[0]: 1}
    with pytest.raises(UsageError, match="pairs.csv has no column 'message': choose one of question, answer with"):
        load_pool(texts, text_column="message,body", held_out=held_out)
    with pytest.raises(UsageError, match="no file has the column 'anwser': correct it in --text_column"):
        load_pool(texts, text_column="message,question,anwser", held_out=held_out)


def test_a_comma_may_be_a_part_of_the_name_of_a_column(tmp_path: Path) -> None:
    pd.DataFrame({"text, long": ["a text of its own"], "text": ["another one"]}).to_csv(tmp_path / "a.csv", index=False)
    assert load_pool([str(tmp_path / "a.csv")], text_column="text, long").rows["text"][:] == ["a text of its own"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_lines_in_any_encoding_end_at_line_ends_only(
    encoding: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = "A caf\u00e9 with a line\x0cfeed\r\nand a second text\r\n\r\n"
    (tmp_path / "a.txt").write_bytes(text.encode(encoding))
    assert load_pool([str(tmp_path / "a.txt")]).rows["text"][:] == [
        "A caf\u00e9 with a line\x0cfeed",
        "and a second text",
    ]
    assert ("bytes of a.txt are not UTF-8: read as cp1252" in caplog.text) == (encoding == "cp1252")


def test_rows_without_text_are_left_out_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a.csv").write_text("text,n\nA text of the table,1\n,2\n")
    assert len(load_pool([str(tmp_path / "a.csv")]).rows) == 1
    assert "note: 1 rows of a.csv have no text: dropped." in caplog.text


def test_a_nearly_equal_evaluation_text_is_refused_and_left_out_if_asked(files: dict[str, str]) -> None:
    with pytest.raises(
        UsageError, match=r"1 of 1 texts .* also in sets that models are evaluated on \(1 of .*held.csv\)"
    ):
        load_pool([files["held"]], held_out=[files["held"]])
    with pytest.raises(UsageError, match="no texts are left: .*; name others with --texts"):
        load_pool([files["held"]], held_out=[files["held"]], drop_overlap=True)
    pool = load_pool([files["a"], files["held"]], held_out=[files["held"]], drop_overlap=True)
    assert len(pool.rows) == 2 and pool.held_out == {files["held"]: 1}


def test_the_evaluation_texts_of_a_task_in_the_pool_are_always_held_out(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UEGR_DATA", str(data_folder))
    with pytest.raises(UsageError, match="of rotten_tomatoes"):
        load_pool(["rotten_tomatoes"])
    pool = load_pool(["rotten_tomatoes"], drop_overlap=True, most=50, seed=1)
    assert len(pool.rows) == 50 and pool.held_out["rotten_tomatoes"] > 0
    again = load_pool(["rotten_tomatoes"], drop_overlap=True, most=50, seed=1)
    assert again.rows["text"][:] == pool.rows["text"][:]


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ([], "no texts: name files or tasks"),
        (["nothing.csv"], "'nothing.csv' is neither a task .* nor a file"),
        (["nothing.txt"], "'nothing.txt' is neither a task .* nor a file"),
    ],
)
def test_a_source_that_is_not_there_is_named(sources: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_pool(sources)
