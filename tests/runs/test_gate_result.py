"""A limit is exact, and the files and the terminal say what failed."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from uegr.runs.gate_result import GateLine, GateResult


@pytest.mark.parametrize(
    ("value", "limit", "is_minimum", "texts"),
    [
        (0.25, 0.1, False, ("0.250", "at most 0.100")),
        (0.14503, 0.145, False, ("0.14503", "at most 0.145")),
        (0.14499, 0.145, False, ("0.14499", "at most 0.145")),
        (0.0007, 0.0005, False, ("0.0007", "at most 0.0005")),
        (0.0, 0.0005, False, ("0.0000", "at most 0.0005")),
        (1.0, 0.9996, True, ("1.0000", "at least 0.9996")),
        (1 / 3, 1 / 3, True, ("0.3333333333333333", "at least 0.3333333333333333")),
        (1e-20, 0.0, False, ("1e-20", "at most 0.000")),
    ],
)
def test_a_limit_is_exact_and_the_value_is_on_its_side(
    value: float, limit: float, is_minimum: bool, texts: tuple[str, str]
) -> None:
    assert GateLine("ece", value, limit, is_minimum, True).texts(decimals=3) == texts


def test_the_files_say_what_failed(tmp_path: Path) -> None:
    lines = [GateLine("accuracy", 0.7, 0.9, True, False), GateLine("ece", 0.02, 0.05, False, True)]
    GateResult('a <model> & "more"', 10, 10, lines, [], []).write(tmp_path)
    assert json.loads((tmp_path / "gate.json").read_text())["passed"] is False
    suite = ElementTree.parse(tmp_path / "gate.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    failures = [failure.get("message") for failure in suite.iter("failure")]
    assert failures == ["accuracy is 0.7000 and must be at least 0.9000"]
    close = [GateLine("ece", 0.05001, 0.05, False, False)]
    GateResult("model", 10, 10, close, [], []).write(tmp_path)
    assert 'message="ece is 0.05001 and must be at most 0.0500"' in (tmp_path / "gate.xml").read_text()


def test_names_with_control_characters_make_valid_xml(tmp_path: Path) -> None:
    GateResult("m\x0b\udcff", 1, 1, [GateLine("recall of a\x08b", 0.0, 1.0, True, False)], [], []).write(tmp_path)
    assert next(ElementTree.parse(tmp_path / "gate.xml").iter("testcase")).get("name") == "recall of a\ufffdb"
    assert ElementTree.parse(tmp_path / "gate.xml").getroot().get("name") == "uegr gate m\ufffd\ufffd"
