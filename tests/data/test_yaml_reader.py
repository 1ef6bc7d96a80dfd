"""Values of YAML files are those that their writer meant, or a text that an option refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from uegr.data.yaml_reader import load_yaml


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
