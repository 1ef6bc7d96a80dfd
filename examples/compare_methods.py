"""Compare methods over seeds, with paired tests. The same on the command line: uegr compare examples/grid.yaml."""

import argparse
from pathlib import Path

from rich.console import Console

from uegr.compare.grid import make_grid
from uegr.compare.grid_runner import run_grid
from uegr.compare.grid_summary import summarise
from uegr.compare.grid_table import terminal
from uegr.compare.result_slot import name_of_plain
from uegr.compare.results_file import ResultsFile
from uegr.compare.workspace import Workspace

parser = argparse.ArgumentParser()
parser.add_argument("--model", default="all-MiniLM-L6-v2")
parser.add_argument("--train_file", default="examples/reviews.csv")
parser.add_argument("--output_dir", type=Path, default=Path("runs/comparison"))
parser.add_argument("--max_steps", type=int, default=100)
parser.add_argument("--seeds", type=int, default=3)
args = parser.parse_args()

grid = make_grid(
    {
        "methods": ["plain", {"method": "freelb", "options": {"ascent_steps": 2}}, "uegr"],
        "tasks": [{"name": "reviews", "train_file": args.train_file}],
        "models": [args.model],
        "seeds": args.seeds,
        "defaults": {"max_steps": args.max_steps, "attack_examples": 50, "epsilons": [0, 0.02, 0.05]},
    },
    name="reviews",
)
workspace = Workspace(ResultsFile(args.output_dir / "results.jsonl"), args.output_dir / "runs")
run_grid(grid, workspace)
slots = workspace.results.slots(grid.cells)
for table in summarise(slots, name_of_plain(slots)):
    Console(width=160).print(terminal(table))
