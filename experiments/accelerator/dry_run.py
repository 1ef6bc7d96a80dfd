"""Dry run: pack, run, run again and merge, with a tiny model on the CPU."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
from transformers import BertConfig, BertModel

from experiments.accelerator.comparison import read_comparison
from experiments.accelerator.pack import pack
from experiments.accelerator.package import ROOT, Package
from experiments.accelerator.result_parts import merge_parts
from experiments.accelerator.run import run
from uegr.errors import TrainingError
from uegr.modeling.scratch.scratch_tokenizer import train_tokenizer

GRID = Path(__file__).with_name("dry_run.yaml")
NO_NETWORK = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
"""A port that nothing listens on."""


def dry_run() -> None:
    """Do all of it in a temporary folder, with the installed libraries instead of wheels."""
    with tempfile.TemporaryDirectory() as temporary:
        home, machine = Path(temporary, "home"), Path(temporary, "machine")
        os.environ["UEGR_MODELS"] = str(home / "models")
        _save_tiny_model(home / "models/tiny")
        package = Package(machine / "package")
        pack(package, "tiny", [GRID], with_wheels=False)
        print(f"wheels: {', '.join(package.manifest()['wheels'])}")
        _run_on_machine(machine)
        merge_parts(machine / "out", home / "results")
        missing = read_comparison(GRID).missing(home / "results")
        run(package, home / "results", machine / "second_out", minutes=1, jobs=1, cpu=True)
        second_log = (machine / "second_out/log.txt").read_text(encoding="utf-8")
    if missing or "dry_run: 0 new runs" not in second_log:
        raise TrainingError(f"dry run: {missing} results are missing, and the second call said: {second_log}")
    print("dry run: all results came back, and a second call ran nothing.")


def _save_tiny_model(folder: Path) -> None:
    tokenizer = train_tokenizer(pd.read_csv(ROOT / "examples/reviews.csv")["text"])
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _run_on_machine(machine: Path) -> None:
    """Run in an environment that knows neither the data and models of this one nor a network."""
    command = ["bash", str(ROOT / "experiments/accelerator.sh"), "run", "--cpu", "--jobs", "1"]
    command += ["--folder", str(machine / "package"), "--results", str(machine / "results")]
    environment = {"PYTHON": sys.executable, "PATH": os.defpath, "HOME": str(machine), "OUT": str(machine / "out")}
    subprocess.run(command, check=True, env={**environment, **NO_NETWORK})  # noqa: S603
