"""The marks of changed words."""

from uegr.report.changed_words import mark_changes


def test_changed_words_are_marked_and_the_rest_stays() -> None:
    old, new = mark_changes("a  good film, I say", "a  goood film, so I say")
    assert old == [("a  ", False), ("good", True), (" film, I say", False)]
    assert new == [("a  ", False), ("goood", True), (" film, ", False), ("so ", True), ("I say", False)]


def test_a_script_without_spaces_is_marked_by_clauses() -> None:
    old, new = mark_changes("我喜欢这部电影，很好。", "我喜欢这部电影，很好!")
    assert old == [("我喜欢这部电影，", False), ("很好。", True)]
    assert new == [("我喜欢这部电影，", False), ("很好!", True)]


def test_a_long_text_is_marked_at_once() -> None:
    """Each space was compared with every other, which took minutes for such a text."""
    words = [f"word{i}" for i in range(20_000)]
    old, new = mark_changes(" ".join(words), " ".join([*words[:9], "other", *words[10:]]))
    assert [text for text, changed in (*old, *new) if changed] == ["word9", "other"]
