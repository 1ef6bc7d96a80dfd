"""What is packed for a machine without a network, how it is stopped, and how results are merged."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from uegr.compare.grid import make_grid
from uegr.compare.results_file import ResultsFile
from uegr.data.named_tasks import load_task
from uegr.errors import UsageError
from uegr.modeling.model_loading import load_model, load_tokenizer

ROOT = Path(__file__).parents[2]
RUN = {"cost": {}, "metrics": {}}


@pytest.fixture(autouse=True)
def repository_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))


def test_weights_arrive_in_float32_rounded_once_to_float16(model_folder: Path, tmp_path: Path) -> None:
    from experiments.accelerator.weights import copy_in_half_precision, widen_all

    copy_in_half_precision(model_folder, tmp_path / "model")
    packed = load_file(tmp_path / "model/model.safetensors")
    widen_all(tmp_path)
    arrived, before = load_file(tmp_path / "model/model.safetensors"), load_file(model_folder / "model.safetensors")
    assert arrived.keys() == before.keys()
    for name, weights in before.items():
        assert packed[name].dtype == torch.float16 and arrived[name].dtype == torch.float32
        torch.testing.assert_close(arrived[name], weights.half().float(), rtol=0, atol=0)
    folder = str(tmp_path / "model")
    load_model(folder, "classification", ["bad", "good"], 0, load_tokenizer(folder))


def test_wheels_are_what_the_project_needs_and_the_machine_lacks() -> None:
    from experiments.accelerator.wheels import missing_libraries

    assert missing_libraries().keys() == {"datasets", "dill", "multiprocess", "seqeval"}
    pytest.importorskip("optuna", reason="the extra tune is not installed")
    search = missing_libraries(frozenset({"tune"}))
    assert {"optuna", "alembic", "sqlalchemy", "mako", "colorlog"} <= search.keys() and "torch" not in search


def test_a_package_that_is_too_large_is_refused_with_its_sizes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from experiments.accelerator import package

    monkeypatch.setattr(package, "MOST_BYTES", 2**20)
    (tmp_path / "staged/models").mkdir(parents=True)
    (tmp_path / "staged/models/weights").write_bytes(os.urandom(3 * 2**20))
    packed = package.Package(tmp_path / "package")
    with pytest.raises(UsageError, match=re.escape("3.0 MiB (wheels 0.0, models 3.0), and at most 1 MiB")):
        packed.seal(tmp_path / "staged", {})
    assert not packed.exists and not list(packed.folder.glob("*.zip"))


def test_only_the_model_that_the_grid_trains_is_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    from experiments.accelerator.needs import check_model

    monkeypatch.setenv("UEGR_MODELS", "/models")
    grid = {"methods": ["plain"], "tasks": ["trec"], "seeds": 1, "models": ["$UEGR_MODELS/bert-tiny"]}
    cells = make_grid(grid, "g").cells
    for name in ("bert-tiny", "$UEGR_MODELS/bert-tiny", "/models/bert-tiny"):
        assert check_model(name, cells) == "$UEGR_MODELS/bert-tiny"
    with pytest.raises(UsageError, match="bert-tiny, not all-MiniLM-L6-v2 alone"):
        check_model("all-MiniLM-L6-v2", cells)


def test_another_comparison_does_not_run_from_the_package(tmp_path: Path) -> None:
    from experiments.accelerator.__main__ import main
    from experiments.accelerator.package import Package

    with pytest.raises(UsageError, match=r"there is no package in .* pack MODEL GRID"):
        Package(tmp_path).manifest()
    content = {"model": "all-MiniLM-L6-v2", "comparisons": ["experiments/grids/main.yaml"]}
    (tmp_path / "package.json").write_text(json.dumps(content))
    with pytest.raises(UsageError, match=r"holds experiments/grids/main\.yaml with all-MiniLM-L6-v2: run it"):
        main(["all-MiniLM-L6-v2", str(ROOT / "experiments/grids/text.yaml"), "--folder", str(tmp_path)])


def test_results_in_several_parts_are_merged_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from experiments.accelerator import result_parts

    monkeypatch.setattr(result_parts, "PART_BYTES", 150)
    cells = make_grid({"methods": ["plain"], "tasks": ["trec"], "seeds": 3}, "g").cells
    machine, home = ResultsFile(tmp_path / "machine/g.jsonl"), ResultsFile(tmp_path / "home/g.jsonl")
    machine.reserve(cells)
    home.enter(cells[0], {**RUN, "made": "at home"})
    for cell in cells[:2]:
        machine.enter(cell, RUN)
    for new in (1, 0):
        result_parts.write_parts(["g"], tmp_path / "machine", tmp_path / "out")
        result_parts.merge_parts(tmp_path / "out", tmp_path / "home")
        assert f"{new} new runs, of 2 that came back" in capsys.readouterr().out
    assert [home.find(cell) for cell in cells] == [{**RUN, "made": "at home"}, RUN, None]
    assert len(home.path.read_text().splitlines()) == 3, "one line per cell, with the missing one"
    parts = sorted((tmp_path / "out").glob("results.zip.*"))
    assert len(parts) > 1
    for lost in (parts[-1], parts[0]):
        lost.unlink()
        with pytest.raises(UsageError, match="does not hold all parts"):
            result_parts.merge_parts(tmp_path / "out", tmp_path / "home")


WORKER = "import signal, time; signal.signal(2, signal.SIG_IGN); open('ready', 'w').close(); time.sleep(600)"
PARENT = f"""
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", {WORKER!r}]).pid, flush=True)
try:
    time.sleep(600)
except KeyboardInterrupt:
    print("asked to stop", flush=True)
"""


def state_of(process: str) -> str:
    """What ps calls the state of a process; empty if there is none."""
    shown = subprocess.run(["ps", "-o", "stat=", "-p", process], capture_output=True, text=True, check=False).stdout
    return shown.strip()[:1]


@pytest.mark.parametrize("stopped_by", ["deadline", "signals"])
def test_all_processes_are_stopped(stopped_by: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The command's own process gets SIGINT; a worker that ignores it is killed. A second signal, which timeout sends,
    does no harm."""
    from experiments.accelerator.machine import StopRequest, run_until

    stop = StopRequest(time.monotonic() + 600)

    def request() -> None:
        while not (tmp_path / "ready").exists():
            time.sleep(0.05)
        if stopped_by == "deadline":
            stop.deadline = time.monotonic()
        else:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=request)
    with stop.listening():
        thread.start()
        run_until([sys.executable, "-c", PARENT], tmp_path, stop)
        thread.join()
    worker, said = capfd.readouterr().out.splitlines()
    assert said == "asked to stop"
    end = time.monotonic() + 10  # a killed process does nothing more, but the system needs a moment to remove it
    while (state := state_of(worker)) not in ("", "Z") and time.monotonic() < end:
        time.sleep(0.05)
    assert state in ("", "Z"), "gone, or dead and not yet collected"


def test_missing_runs_of_a_search_are_counted(tmp_path: Path) -> None:
    pytest.importorskip("optuna", reason="the extra tune is not installed")
    from experiments.accelerator.comparison import read_comparison

    file = tmp_path / "search.yaml"
    file.write_text("methods: [plain]\nsearch: {learning_rate: [5e-5, 1e-4]}\ntrials: 3\ntasks: [trec]\nseeds: 2\n")
    comparison = read_comparison(file)
    assert (comparison.command, comparison.total, comparison.missing(tmp_path)) == ("tune", 6, 6)
    reserved = json.loads((tmp_path / "search.jsonl").read_text().splitlines()[0])
    (tmp_path / "search.jsonl").write_text(json.dumps({**reserved, "run": RUN}) + "\n")
    assert comparison.missing(tmp_path) == 5


def test_a_list_of_methods_with_search_spaces_makes_a_grid_no_search() -> None:
    from experiments.accelerator.comparison import read_comparison

    assert read_comparison(ROOT / "experiments/grids/thirteen.yaml").command == "compare"
    assert read_comparison(ROOT / "experiments/tuning/sentences.yaml").command == "tune"


def test_of_a_task_that_is_only_tested_on_the_drawn_test_examples_travel(
    data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from experiments.accelerator.needs import needs_of
    from experiments.accelerator.staging import stage_test

    monkeypatch.setenv("UEGR_DATA", str(data_folder))
    tasks = [{"name": "sst2", "transfer": ["imdb"]}]
    grid = make_grid(
        {"methods": ["plain"], "tasks": tasks, "seeds": 1, "defaults": {"max_test_examples": 50}}, "transfer"
    )
    needs = needs_of(grid.cells)
    assert needs.tasks == {"sst2"} and needs.tested == {"imdb": 50}
    stage_test("imdb", 50, tmp_path)
    drawn = load_task("imdb").limited(test=50).test
    monkeypatch.setenv("UEGR_DATA", str(tmp_path))
    assert load_task("imdb").limited(test=50).test.to_dict() == drawn.to_dict()
    assert [path.name for path in (tmp_path / "imdb").iterdir()] == ["test.parquet"]
