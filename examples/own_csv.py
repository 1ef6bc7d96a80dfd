"""Train, evaluate and report on your own CSV file. The same on the command line:

uegr train --train_file examples/reviews.csv --text_column text --label_column label --output_dir runs/csv
uegr evaluate runs/csv --attack_examples 100
"""

import argparse
from pathlib import Path

from uegr.data.data_source import DataSource
from uegr.runs.evaluate import evaluate_run
from uegr.runs.train import train_run
from uegr.training.run_config import RunConfig

parser = argparse.ArgumentParser()
parser.add_argument("--model", default="all-MiniLM-L6-v2")
parser.add_argument("--train_file", default="examples/reviews.csv")
parser.add_argument("--output_dir", type=Path, default=Path("runs/csv"))
parser.add_argument("--max_steps", type=int, default=200)
args = parser.parse_args()

source = DataSource(train_file=args.train_file, text_column="text", label_column="label")
config = RunConfig(source, model=args.model, method="uegr", options={"epsilon": 0.06}, max_steps=args.max_steps)
train_run(config, args.output_dir, on_step=lambda step, total: print(f"step {step} of {total}"))
result = evaluate_run(args.output_dir, attack_examples=100)
print(result.metrics)
print("accuracy under attack:", dict(zip(result.robustness.epsilons, result.robustness.values, strict=True)))
