from __future__ import annotations

import threading
from pathlib import Path

import pytest
from transformers import BertModel

from support.checkpoints import make_checkpoint
from support.reviews import tokenizer
from uegr.errors import UsageError
from uegr.runs.folder_lock import content_of, only_change
from uegr.runs.run_folder import read_run
from uegr.runs.training_folder import finish_run, prepare_run, remove_checkpoints, write_finished


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
    assert [path.name for path in content_of(folder)] == ["run.json"], "the file that makes the folder a run goes last"
    begun(folder, overwrite=True)


def test_a_run_is_not_removed_while_its_results_are_written(tmp_path: Path) -> None:
    """The results of the removed run would be written beside the new one."""
    folder = tmp_path / "run"
    begun(folder)
    (folder / "zoo.json").touch()
    training = threading.Thread(target=begun, args=(folder,), kwargs={"overwrite": True})
    with only_change(folder):
        training.start()
        training.join(timeout=0.3)
        assert training.is_alive() and (folder / "zoo.json").exists()
    training.join()
    assert not (folder / "zoo.json").exists()


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
    remove_checkpoints(folder)
    assert read_run(folder)["finished"]
    assert sum("delete it yourself" in record.getMessage() for record in caplog.records) == 2


def test_resume_continues_although_the_command_that_was_interrupted_had_overwrite(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    begun(folder)
    make_checkpoint(folder, 3)
    prepare_run(folder, {"method": "plain"}, resume=True, overwrite=True, precision="fp32")
    assert (folder / "checkpoint-3").exists()


def test_a_finished_run_is_not_replaced_by_resume_and_overwrite(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    begun(folder)
    write_finished(folder, {"config": {"method": "plain"}})
    with pytest.raises(UsageError, match="holds a finished run.*give --overwrite without --resume"):
        prepare_run(folder, {"method": "plain"}, resume=True, overwrite=True, precision="fp32")


@pytest.mark.parametrize("read", ["data", "model"])
def test_overwrite_keeps_what_the_run_reads(read: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    begun(folder)
    (folder / "texts.csv").write_text("text,label")
    inputs = {"data": {"data_files": [str(folder / "texts.csv")]}, "model": {"model": str(folder)}}[read]
    with pytest.raises(UsageError, match="which --overwrite empties: move it"):
        prepare_run(folder, {"method": "plain"}, resume=False, overwrite=True, precision="fp32", **inputs)
    assert (folder / "texts.csv").exists() and (folder / "run.json").exists()
