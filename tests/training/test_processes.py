"""Which process writes and prints."""

import pytest

from uegr.training.processes import is_first_process, on_first_process


@pytest.mark.parametrize(
    ("world", "rank", "first"),
    [(None, None, True), (None, "3", True), ("2", "0", True), ("2", "1", False), ("", "", True)],
)
def test_the_first_process_is_that_of_a_launcher(
    world: str | None, rank: str | None, first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cluster may number its jobs in RANK, without a launcher: such a process is alone."""
    for name, value in {"WORLD_SIZE": world, "RANK": rank}.items():
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    assert is_first_process() is first
    if not world:
        assert on_first_process(lambda: 7) == 7
