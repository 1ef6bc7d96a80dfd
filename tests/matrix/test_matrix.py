"""Methods on architectures, kinds of task and training settings, every two of them together.

`make matrix` trains the cells of every three, and more steps of each.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from cells import ERROR, NOT_APPLICABLE, SETTINGS, run_cell, stage_pairs
from zoo import ARCHITECTURES, KINDS, SCRATCH, applicable_kinds, usual_kind

from uegr import METHODS

REPLAYS = [name for name in METHODS if name in ("sam", "rose-first")]
LINEAGE = [name for name in METHODS if name != "uegr"]
"""Each on every architecture, and on BERT in every kind and setting; UEGR is tried everywhere."""
COMPILED = [("plain", "BERT"), *(("uegr", name) for name in ("BERT", "T5", "Llama", "DeBERTa-v2", "transformer"))]
"""Compiled here, one model of each kind, because it is slow; `make matrix` compiles every architecture."""


def error_of(name: str, architecture: str, kind: str, setting: str = "float32") -> str:
    """The error of a cell, "" where there is none; a cell that does not apply is skipped with its reason."""
    # One step without the state that an optimizer or a stage keeps and one with it. A GradScaler skips the first two.
    steps = 4 if setting == "fp16 + GradScaler" else 2
    cell = run_cell(name, architecture, kind, setting, steps=steps)
    if cell.status == NOT_APPLICABLE:
        pytest.skip(cell.reason)
    return cell.reason or cell.status if cell.status == ERROR else ""


@pytest.mark.parametrize(("architecture", "kind"), applicable_kinds())
def test_kinds_of_task(architecture: str, kind: str) -> None:
    assert error_of("uegr", architecture, kind) == ""


@pytest.mark.parametrize(
    ("architecture", "setting"),
    [
        (architecture, setting)
        for architecture in ARCHITECTURES
        for setting in SETTINGS[1:]
        if setting != "torch.compile" and not (architecture in SCRATCH and setting in ("checkpointing", "LoRA"))
    ],
)
def test_training_settings(architecture: str, setting: str) -> None:
    assert error_of("uegr", architecture, usual_kind(architecture), setting) == ""


@pytest.mark.parametrize(("name", "architecture"), COMPILED)
def test_compiled_models(name: str, architecture: str) -> None:
    assert error_of(name, architecture, usual_kind(architecture), "torch.compile") == ""


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("name", LINEAGE)
def test_lineage_on_every_architecture(name: str, architecture: str) -> None:
    assert error_of(name, architecture, usual_kind(architecture)) == ""


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("single", "causal LM", "seq2seq")])
@pytest.mark.parametrize("name", LINEAGE)
def test_lineage_on_every_kind_of_task(name: str, kind: str) -> None:
    assert error_of(name, "BERT", kind) == ""


@pytest.mark.parametrize("setting", [setting for setting in SETTINGS[1:] if setting != "torch.compile"])
@pytest.mark.parametrize("name", LINEAGE)
def test_lineage_in_training_settings(name: str, setting: str) -> None:
    if setting == "fp16 + GradScaler" and name in REPLAYS:
        assert "bf16 or float32" in run_cell(name, "BERT", "single", setting).reason
        return
    assert error_of(name, "BERT", "single", setting) == ""


@pytest.mark.parametrize("name", ["r3f", "roast", "smart"])
def test_clean_and_perturbed_passes_share_the_graph_of_a_compiled_model(name: str) -> None:
    assert error_of(name, "BERT", "single", "torch.compile") == ""


@pytest.mark.parametrize("pair", stage_pairs())
def test_every_forward_stage_composes_with_every_backward_stage(pair: str) -> None:
    assert error_of(pair, "BERT", "single") == ""
