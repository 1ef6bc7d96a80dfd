"""Test, retrain, gate: a text filter trained plainly, and one with a hardened encoder that trains on edited texts.

docs/robust_text.md has the numbers of this script on a guard against prompt injections and on offensive tweets.
"""

import argparse
from pathlib import Path

from uegr.data.data_source import DataSource
from uegr.libraries import silence_libraries
from uegr.runs.gate import run_gate
from uegr.runs.gate_policy import GatePolicy
from uegr.runs.harden import describe_hardening, harden_model
from uegr.runs.open_classifier import open_model
from uegr.runs.train import train_run
from uegr.training.hardening_config import HardeningConfig
from uegr.training.run_config import RunConfig

parser = argparse.ArgumentParser()
parser.add_argument("--model", default="all-MiniLM-L6-v2")
parser.add_argument("--train_file", default="examples/reviews.csv")
parser.add_argument("--holdout_file", help="labelled texts of the gate; without it a tenth of the training texts")
parser.add_argument("--text_column", default="text")
parser.add_argument("--label_column", default="label")
parser.add_argument("--texts", help="more texts for the hardening, with the same text column, comma-separated")
parser.add_argument("--hardened", type=Path, help="an encoder that is hardened already: it is paid for once")
parser.add_argument("--max_train_examples", type=int)
parser.add_argument("--harmless_file", help="labelled texts that only look suspicious")
parser.add_argument("--max_steps", type=int, default=-1)
parser.add_argument("--output_dir", type=Path, default=Path("runs/filter"))
args = parser.parse_args()

silence_libraries()
# What the filter must withstand; at most a tenth of the texts may change their prediction.
tricks = ["typos", "misspellings", "homoglyphs", "spaced", "leetspeak", "joined", "signs", "harmless"]
policy = GatePolicy(
    label_column=args.label_column,
    harmless_file=args.harmless_file,
    minimum={"accuracy": 0.8, **({"harmless_accuracy": 0.9} if args.harmless_file else {})},
    maximum={"ece": 0.1, "flip_rate": dict.fromkeys(tricks, 0.1)},
)

hardened = args.hardened
if hardened is None:
    hardened = args.output_dir / "encoder"
    hardening = HardeningConfig(
        model=args.model,
        texts=(args.train_file, *(args.texts.split(",") if args.texts else [])),
        text_column=args.text_column,
        held_out=(args.holdout_file,) if args.holdout_file else (),
        drop_overlap=True,
        max_steps=args.max_steps,
    )
    print(*describe_hardening(harden_model(hardening, hardened)), sep="\n")

data = DataSource(
    train_file=args.train_file,
    test_file=args.holdout_file,
    text_column=args.text_column,
    label_column=args.label_column,
    max_train_examples=args.max_train_examples,
)
plain = RunConfig(data, model=args.model, method="plain", max_steps=args.max_steps)
robust = RunConfig(
    data,
    model=str(hardened),
    method="uegr",
    options={"views": ("adversarial", "characters+words+mask")},
    normalize=("nfkc", "invisible", "confusables", "spaced", "leet"),
    max_steps=args.max_steps,
)
for name, config in {"plain": plain, "robust": robust}.items():
    train_run(config, args.output_dir / name)
    result = run_gate(open_model(args.output_dir / name), policy)
    print(f"\n{name}: {'passed' if result.passed else 'failed'}")
    for line in result.lines:
        print(f"  {'ok  ' if line.passed else 'FAIL'} {line.name}: {line.value:.3f}, limit {line.limit:g}")
    for note in result.notes():
        print(note)
