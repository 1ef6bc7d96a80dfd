from __future__ import annotations

from pathlib import Path

import pytest
from transformers import BertModel

from support.reviews import tokenizer
from uegr.runs.run_folder import read_run
from uegr.runs.training_folder import finish_run, prepare_run


def begun(folder: Path, *, overwrite: bool = False) -> None:
    prepare_run(folder, {"method": "plain"}, resume=False, overwrite=overwrite, precision="fp32")


def test_a_kill_while_a_run_is_removed_leaves_it_to_be_removed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    begun(folder)
    names = ("a.safetensors", "model.safetensors", "training_log.json", "zoo.json")
    for name in names:
        (folder / name).touch()
    unlink, removed = Path.unlink, []

    def killed_at_the_end(path: Path, missing_ok: bool = False) -> None:
        if len(removed) == len(names):
            raise SystemError("power cut")
        removed.append(path.name)
        unlink(path)

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.unlink", killed_at_the_end)
        with pytest.raises(SystemError):
            begun(folder, overwrite=True)
    assert [path.name for path in folder.iterdir()] == ["run.json"], "the file that makes the folder a run goes last"
    begun(folder, overwrite=True)


def test_a_checkpoint_that_cannot_be_removed_leaves_the_run_finished(
    tmp_path: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As on Windows, while another process reads one of its files."""
    folder = tmp_path / "run"
    begun(folder)
    for step in (1, 2):
        (folder / f"checkpoint-{step}").mkdir()

    def refuse(_folder: Path) -> None:
        raise PermissionError(13, "The process cannot access the file")

    monkeypatch.setattr("uegr.locked_files.remove_folder", refuse)
    model = BertModel.from_pretrained(model_folder)
    finish_run(folder, {"config": {}}, [], model, tokenizer())
    assert read_run(folder)["finished"]
    assert sum("delete it yourself" in record.getMessage() for record in caplog.records) == 2
