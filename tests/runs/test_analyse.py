from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from uegr.atomic_files import write_json
from uegr.errors import UsageError
from uegr.evaluation.similarity import HiddenStatesError
from uegr.runs.analyse import analyse_run
from uegr.runs.results_json import read_results
from uegr.runs.run_folder import RESULTS, RUN, read_run


def test_parts_are_added_one_after_the_other(evaluated_run: Path) -> None:
    events: list[tuple[str, int, int]] = []
    analyse_run(evaluated_run, ["calibration"], examples=4)
    result = analyse_run(evaluated_run, ["selective"], on_part=lambda *event: events.append(event))
    assert set(result.analysis) == {"calibration", "selective"}
    assert result == read_results(evaluated_run)[0]
    assert events == [("analysing", 0, 1), ("analysing", 1, 1)]


def test_a_run_that_was_not_evaluated_is_refused(evaluated_run: Path) -> None:
    (evaluated_run / RESULTS).unlink()
    with pytest.raises(UsageError, match="measure the run first"):
        analyse_run(evaluated_run)


def test_parts_are_kept_where_a_later_one_is_impossible(evaluated_run: Path) -> None:
    with pytest.raises(UsageError, match="--ood subj,trec"):
        analyse_run(evaluated_run, ["calibration", "ood"])
    assert set(read_results(evaluated_run)[0].analysis) == {"calibration"}


def test_a_pretrained_model_that_has_changed_is_no_reference(evaluated_run: Path, tmp_path: Path) -> None:
    record = read_run(evaluated_run)
    (digest,) = record["model_folder"].values()
    folder = tmp_path / "model"
    shutil.copytree(record["config"]["model"], folder)
    record["config"]["model"], record["model_folder"] = str(folder), {str(folder): digest}
    write_json(evaluated_run / RUN, record)
    (folder / "README.md").write_text("A note.")
    analyse_run(evaluated_run, ["similarity"], examples=4)
    weights = load_file(folder / "model.safetensors")
    save_file({name: tensor + 0.1 for name, tensor in weights.items()}, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(UsageError, match="model' has changed since the training began: restore it, or name the other"):
        analyse_run(evaluated_run, ["similarity"], examples=4)
    del record["model_folder"]  # a run of an earlier version
    write_json(evaluated_run / RUN, record)
    analyse_run(evaluated_run, ["similarity"], examples=4)


def test_a_part_that_the_model_does_not_allow_is_left_out_of_all(
    evaluated_run: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_states(*_: object) -> None:
        raise HiddenStatesError("it does not return its hidden states")

    monkeypatch.setattr("uegr.runs.analyse.measure_similarity", no_states)
    analysis = analyse_run(evaluated_run, examples=2).analysis
    assert set(analysis) == {"calibration", "selective", "saliency", "landscape"}
    assert "it does not return its hidden states: the part similarity is left out" in caplog.text
    with pytest.raises(UsageError, match="leave out --parts similarity"):
        analyse_run(evaluated_run, ["similarity"], examples=2)


def test_one_example_is_refused(evaluated_run: Path) -> None:
    with pytest.raises(UsageError, match="at least 2 examples, not 1"):
        analyse_run(evaluated_run, examples=1)
