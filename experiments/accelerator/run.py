"""Run: the unfinished runs of the packed comparisons, until they are done or the time is over."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import torch

from experiments.accelerator.machine import StopRequest, jobs_at_once, run_until
from experiments.accelerator.package import ROOT, Package
from experiments.accelerator.result_parts import write_parts
from uegr.errors import UsageError


def run(package: Package, results: Path, out: Path, minutes: float, jobs: int | None, *, cpu: bool) -> None:
    """Run what is unfinished, then write results and log for the way back.

    Args:
        package: is unpacked first if it is not.
        results: the folder of NAME.jsonl, with the results of earlier calls; new ones are added.
        out: the folder for what goes back.
        minutes: after which running cells are stopped; what follows takes up to half a minute more.
        jobs: number of cells at once; by default what the machine takes.
        cpu: run without a GPU.
    """
    start = time.monotonic()
    _choose_device(cpu)
    package.unpack()
    package.enter()
    from experiments.accelerator.comparison import read_comparison
    from uegr.training.processor import processor_name

    comparisons = [read_comparison(ROOT / path) for path in package.manifest()["comparisons"]]
    jobs = jobs or jobs_at_once()
    before = [comparison.missing(results) for comparison in comparisons]
    stop = StopRequest(start + 60 * minutes)
    with stop.listening():
        for comparison, missing in zip(comparisons, before, strict=True):
            files = ["--results", str(results / f"{comparison.name}.jsonl")]
            files += ["--runs_dir", str(package.unpacked.resolve() / "runs" / comparison.name)]
            command = [sys.executable, "-m", "uegr.cli.main", comparison.command, str(comparison.path), *files]
            if missing and not stop.made:
                run_until([*command, "--jobs", str(jobs)], ROOT, stop)
    lines = []
    for comparison, missing in zip(comparisons, before, strict=True):
        left = comparison.missing(results)
        done = comparison.total - left
        lines.append(f"{comparison.name}: {missing - left} new runs; {done} of {comparison.total} done, {left} missing")
    lines += [f"device: {processor_name()}", f"jobs: {jobs}", f"seconds: {time.monotonic() - start:.0f}"]
    write_parts([comparison.name for comparison in comparisons], results, out)
    (out / "log.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join([*lines, f"to bring back: {out}"]))


def _choose_device(cpu: bool) -> None:
    """The CPU, or the first card: a run that sees several would spread its batches over them."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "0")
    os.environ["CUDA_VISIBLE_DEVICES"] = "" if cpu else visible.split(",")[0]  # read when CUDA is first used
    if not cpu and not torch.cuda.is_available():
        raise UsageError("there is no GPU here: run it on a machine with one, or with --cpu.")
