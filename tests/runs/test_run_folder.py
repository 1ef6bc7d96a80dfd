from __future__ import annotations

import json
from pathlib import Path

import pytest
from transformers import BertModel

from support.reviews import tokenizer
from support.sample_runs import RUN, log, samples
from uegr.errors import UsageError
from uegr.runs.run_folder import (
    document,
    finish_run,
    prepare_run,
    read_results,
    read_results_and_logs,
    read_run,
    write_results,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "results.json").write_text(json.dumps(document([RUN])))
    (tmp_path / "training_log.json").write_text(json.dumps(log(4)))
    return tmp_path


def test_results_are_read_back(tmp_path: Path) -> None:
    write_results(tmp_path, samples())
    assert read_results(tmp_path) == read_results(tmp_path / "results.json") == samples()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not valid JSON"),
        ("[]", "not a results.json"),
        ('{"schema": 2, "runs": []}', "schema 1"),
        (json.dumps(document([{name: value for name, value in RUN.items() if name != "cost"}])), "lacks cost"),
        (json.dumps(document([{**RUN, "robustness": {"epsilons": [0.1], "accuracy": []}}])), "robustness.accuracy"),
    ],
)
def test_damaged_results_are_named(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text(content)
    with pytest.raises(UsageError, match=message):
        read_results(tmp_path)


def test_a_folder_has_its_log_and_a_file_has_none(folder: Path) -> None:
    with_log, without_log = read_results_and_logs([folder, folder / "results.json"])
    assert without_log.log == []
    assert with_log.series("loss") == ([1, 2, 3, 4], [2.0, 1.0, pytest.approx(2 / 3), 0.5])
    assert with_log.series("update_share")[0] == [1, 3]
    assert with_log.series("nothing") == without_log.series("loss") == ([], [])
    assert with_log.logged("divergence_") == ["divergence_pass_1", "divergence_clean"]


def test_a_damaged_log_is_named(folder: Path) -> None:
    (folder / "training_log.json").write_text("[{")
    with pytest.raises(UsageError, match=r"training_log\.json' is damaged"):
        read_results_and_logs([folder])


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
