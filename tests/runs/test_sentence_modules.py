"""Which files of a sentence-transformers folder go beside the trained transformer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from uegr.runs.sentence_modules import copy_sentence_modules


def make_folder(folder: Path, *paths: str) -> Path:
    folder.mkdir()
    (folder / "modules.json").write_text(json.dumps([{"path": path} for path in paths]))
    for name in ("config.json", "model.safetensors", "2_Dense/model.safetensors", "2_Dense/config.json"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(f"the source's {name}")
    return folder


def copied(source: Path, target: Path) -> list[str]:
    target.mkdir()
    copy_sentence_modules(source, target)
    return sorted(str(file.relative_to(target)) for file in target.rglob("*") if file.is_file())


def test_data_of_the_modules_is_copied_and_the_transformer_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = make_folder(tmp_path / "source", "", "1_Normalize", "2_Dense")
    expected = ["2_Dense/config.json", "2_Dense/model.safetensors", "modules.json"]
    assert copied(source, tmp_path / "plain") == expected, "a module without a file has no folder on the hub"
    assert not caplog.records
    for name in ("pytorch_model.bin", "dense.py"):
        (source / "2_Dense" / name).write_text("code")
    assert copied(source, tmp_path / "without code") == expected
    assert "2_Dense/dense.py, 2_Dense/pytorch_model.bin" in caplog.text


def test_modules_whose_weights_cannot_be_copied_are_left_out_together(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """sentence-transformers cannot load a folder whose modules.json names a module without its weights."""
    source = make_folder(tmp_path / "source", "", "2_Dense")
    (source / "2_Dense" / "model.safetensors").rename(source / "2_Dense" / "pytorch_model.bin")
    assert copied(source, tmp_path / "target") == []
    assert "the weights in 2_Dense are not in safetensors" in caplog.text


@pytest.mark.parametrize("paths", [("", "../other"), ("", "/etc"), ("", "a/../2_Dense"), ("", ""), ("0_Transformer",)])
def test_modules_elsewhere_are_not_copied(
    paths: tuple[str, ...], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "other").mkdir()
    assert copied(make_folder(tmp_path / "source", *paths), tmp_path / "target") == []
    assert "are not copied: modules.json must name" in caplog.text


@pytest.mark.parametrize("content", ["{", "[]", "[3]", '[{"path": ""}, {"path": 3}]', '{"path": ""}'])
def test_a_broken_list_of_modules_loses_no_training(
    content: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = make_folder(tmp_path / "source", "")
    (source / "modules.json").write_text(content)
    assert copied(source, tmp_path / "target") == []
    assert "are not copied" in caplog.text


def test_a_folder_of_transformers_has_no_modules(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    assert copied(tmp_path / "source", tmp_path / "target") == []
