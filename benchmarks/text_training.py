"""An epoch of adversarial training on edited text: TextAttack's trainer beside UEGR's text adversary.

    python -m benchmarks.text_training run [ROUNDS]    in turn, into benchmarks/results/text_training.json
    python -m benchmarks.text_training table           into docs/performance.md

The same model, sentences and batches, one thread, the processor's seconds. TextAttack lives in an environment of its
own (requirements/textattack.txt; UEGR_TEXTATTACK_PYTHON). Its recipe is DeepWordBug, which needs no download; A2T does.
Both train on misspelt text; TextAttack searches for each misspelling with the model, UEGR scores all misspellings of a
batch by one backward pass.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset

from benchmarks.document import replace_block
from benchmarks.timing import RESULTS, machine, ratio, taken_on
from uegr.atomic_files import write_json
from uegr.data.data_source import DataSource
from uegr.data.encoding import batches, encode
from uegr.evaluation.attacks.textattack import runner
from uegr.evaluation.attacks.textattack.bridge import in_textattack
from uegr.libraries import silence_libraries
from uegr.methods.registry import make_config
from uegr.modeling.model_loading import EMBEDDED_MODEL, load_classifier, load_tokenizer
from uegr.perturb.words import FUNCTION_WORDS

SENTENCES, BATCH, RECIPE = 64, 32, "DeepWordBugGao2018"
METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("plain", {}),
    "uegr, text adversary, k 1": ("uegr", {"passes": 1, "epsilon": 0.0, "text": "characters"}),
}
RESULT, DOCUMENT = RESULTS / "text_training.json", Path("docs/performance.md")


def run(rounds: int) -> None:
    """Measure and write the result."""
    torch.set_num_threads(1)
    data = DataSource(task="rotten_tomatoes", max_train_examples=SENTENCES).load(0)
    model, tokenizer = load_classifier(EMBEDDED_MODEL, data.label_names, 0), load_tokenizer(EMBEDDED_MODEL)
    seconds: dict[str, list[float]] = {name: [] for name in [*METHODS, "TextAttack's trainer"]}
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        job = {
            "model": folder,
            "recipe": RECIPE,
            "rows": [
                [text, int(label)] for text, label in zip(data.train["sentence"], data.train["label"], strict=True)
            ],
            "batch_size": BATCH,
            "stop_words": sorted(FUNCTION_WORDS),
            "helpers": str(Path(runner.__file__).parent),
        }
        for _ in range(rounds):
            for name, (method, options) in METHODS.items():
                seconds[name].append(_epoch(data.train, data.label_names, method, options))
            seconds["TextAttack's trainer"].append(in_textattack(Path(__file__).with_name("textattack_epoch.py"), job))
    result = {"machine": machine(), "rounds": rounds, "sentences": SENTENCES, "batch": BATCH, "seconds": seconds}
    write_json(RESULT, result)
    print(table(result))


def _epoch(rows: Dataset, label_names: Any, name: str, options: dict[str, Any]) -> float:
    """Seconds of one epoch of ours, in float32 as theirs."""
    model, tokenizer = load_classifier(EMBEDDED_MODEL, label_names, 0).train(), load_tokenizer(EMBEDDED_MODEL)
    method = make_config(name, options).create()
    method.bind(tokenizer)
    optimizer = method.wrap_optimizer(torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True), model)
    start = time.process_time()
    for _, batch in batches(encode(rows, tokenizer, ("sentence",), 128), tokenizer, BATCH):
        method.loss(batch).backward()
        optimizer.step()
        optimizer.zero_grad()
    return time.process_time() - start


def table(result: dict[str, Any]) -> str:
    """Markdown: seconds per sentence, and as multiples of plain training."""
    lines = ["| an epoch of | seconds per sentence | × plain |", "|---|---|---|"]
    for name, taken in result["seconds"].items():
        per_sentence = statistics.median(taken) / result["sentences"]
        lines.append(f"| {name} | {per_sentence:.3f} | {ratio(taken, result['seconds']['plain']):.1f} |")
    return "\n".join(
        [*lines, "", f"{taken_on(result['machine'])}, {result['sentences']} sentences, {result['rounds']} rounds."]
    )


def main() -> None:
    """Entry point."""
    command, *rest = sys.argv[1:] or ["table"]
    silence_libraries()
    if command == "run":
        run(int(rest[0]) if rest else 3)
    else:
        replace_block(DOCUMENT, "text_training", table(json.loads(RESULT.read_text())))


if __name__ == "__main__":
    main()
