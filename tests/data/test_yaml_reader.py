"""Values of YAML files are those that their writer meant, or a text that an option refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from uegr.data.yaml_reader import load_yaml
from uegr.errors import UsageError


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("0", 0),
        ("-12", -12),
        ("+5", 5),
        ("100_000", 100_000),
        ("0x1F", 31),
        ("0.05", 0.05),
        (".5", 0.5),
        ("1.", 1.0),
        ("-1.5e-3", -0.0015),
        ("1e-4", 1e-4),
        ("2E3", 2000.0),
        ("-.inf", float("-inf")),
        ("010", "010"),  # 8 in YAML 1.1
        ("007", "007"),
        ("1:30", "1:30"),  # 90 in YAML 1.1
        ("1:30.5", "1:30.5"),
        ("0b11", "0b11"),
        ("1e", "1e"),
        (".", "."),
        ("-", [None]),
        ("true", True),
        ("~", None),
    ],
)
def test_numbers_are_those_of_every_reader(written: str, value: Any, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(written)
    read = load_yaml(tmp_path / "a.yaml")
    assert read == value and type(read) is type(value)


def test_a_mapping_with_a_merge_is_merged_into_another(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: &a {x: 1, y: 1}\nb: &b {<<: *a, x: 2}\nc: {<<: *b, y: 3}\nd: {<<: [*b, *a]}\n")
    read = load_yaml(tmp_path / "a.yaml")
    assert (read["b"], read["c"], read["d"]) == ({"x": 2, "y": 1}, {"x": 2, "y": 3}, {"x": 2, "y": 1})


@pytest.mark.parametrize("written", ["a: 1\na: 2", "a: {b: 1, b: 1}", "a: &a {x: 1}\nb: {<<: *a, y: 1, y: 2}"])
def test_a_repeated_key_is_refused(written: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(written)
    with pytest.raises(UsageError, match="the key '.' appears twice"):
        load_yaml(tmp_path / "a.yaml")
