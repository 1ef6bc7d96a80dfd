"""Lists of misspellings that people have made: where they are read from, and what is said where there is none."""

from __future__ import annotations

import importlib.machinery
from collections.abc import Iterator
from pathlib import Path

import pytest

from uegr.errors import UsageError
from uegr.evaluation.attacks.perturbation_attack import PERTURBATION_ATTACKS
from uegr.perturb import natural_misspellings
from uegr.perturb.natural_misspellings import misspellings
from uegr.perturb.views import parse_view
from uegr.runs.gate_policy import GatePolicy


@pytest.fixture
def codespell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder in which the package codespell would lie; not installed until its dictionary is written."""
    package = tmp_path / "codespell_lib"
    (package / "data").mkdir(parents=True)
    spec = importlib.machinery.ModuleSpec("codespell_lib", None, origin=str(package / "__init__.py"))
    dictionary = package / "data" / "dictionary.txt"
    monkeypatch.setattr(natural_misspellings, "find_spec", lambda name: spec if dictionary.is_file() else None)
    misspellings.cache_clear()
    yield dictionary
    misspellings.cache_clear()


def test_lists_of_files_and_of_codespell_are_read_together(
    codespell: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codespell.write_text("thier->their\nfo->of, for\nxwindows->x\nnegoptionsotiate->negotiate\n", encoding="utf-8")
    (tmp_path / "lexical").mkdir()
    words = "beautiful\tbeutiful\nbeautiful\tbootyfull\ntheir\tthier\n"
    (tmp_path / "lexical" / "misspellings_birkbeck.txt").write_text(words, encoding="utf-8")
    monkeypatch.setenv("UEGR_DATA", str(tmp_path))
    assert misspellings() == {"beautiful": ["beutiful"], "their": ["thier"]}


def test_a_missing_list_is_reported_before_a_gate_or_an_attack_begins(codespell: Path) -> None:
    with pytest.raises(UsageError, match="no list of misspellings on this machine: pip install codespell"):
        GatePolicy(maximum={"flip_rate": {"misspellings": 0.1}})
    with pytest.raises(UsageError, match="no list of misspellings"):
        parse_view("adversarial+misspellings").load_lists()
    with pytest.raises(UsageError, match="no list of misspellings"):
        PERTURBATION_ATTACKS["misspellings"]()
    codespell.write_text("thier->their\n", encoding="utf-8")
    GatePolicy(maximum={"flip_rate": {"misspellings": 0.1}})
