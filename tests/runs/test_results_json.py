from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.sample_runs import RUN, log, samples
from uegr.errors import UsageError
from uegr.runs.results_json import document, read_results, read_results_and_logs, write_results


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


def test_runs_of_other_files_models_and_columns_have_other_settings(folder: Path) -> None:
    def settings(train: str, model: str, column: str, folder_name: str = "a") -> dict[str, object]:
        config = {"model": model, "data": {"train_file": train, "text_column": column}, "epochs": 3, "seed": 1}
        digests = {"files": {train: "1234567"}, "model_folder": {model: f"{folder_name}bcdefg"}}
        (folder / "run.json").write_text(json.dumps({"schema": 1, "finished": True, "config": config, **digests}))
        return read_results_and_logs([folder])[0].settings

    first = settings("x.csv", "encoder", "text")
    assert first == {"epochs": 3, "text_column": "text", "train_file": "123456", "model_folder": "abcdef"}
    assert settings("copy/x.csv", "other/encoder", "text") == first, "the same content in other places"
    assert settings("x.csv", "encoder", "text", "b") != first
    assert settings("x.csv", "encoder", "title") != first
