"""The steps of one commit: plain, and UEGR with and without its clean term. For before and after.

    PYTHONPATH=SRC_OF_THE_COMMIT python benchmarks/step.py LABEL [ROUNDS]

appends to benchmarks/results/history.json. Only what every version has is used. Seconds are those of the process, on
one thread, so that other work on the machine does not count; ratios are medians over rounds in turn.
"""

import copy
import json
import statistics
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from uegr.data.data_source import DataSource
from uegr.data.encoding import batches, encode
from uegr.methods.registry import create_method
from uegr.modeling.model_loading import EMBEDDED_MODEL, load_classifier, load_tokenizer

RESULT = Path(__file__).parent / "results" / "history.json"
ENTRIES = {"plain": ("plain", {}), "k 2": ("uegr", {"clean_weight": 0.0}), "k 2 and clean": ("uegr", {})}


def main() -> None:
    """Time the version that is on the path."""
    torch.set_num_threads(1)
    label, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 11
    data = DataSource(task="rotten_tomatoes", max_train_examples=2000).load(0)
    tokenizer = load_tokenizer(EMBEDDED_MODEL)
    model = load_classifier(EMBEDDED_MODEL, data.label_names, 0).train()
    ordered = [one for _, one in batches(encode(data.train, tokenizer, data.text_columns, 128), tokenizer, 32)]
    batch = ordered[len(ordered) // 2]
    steps = {}
    for name, (key, options) in ENTRIES.items():
        twin, method = copy.deepcopy(model), create_method(key, **options)
        adamw = torch.optim.AdamW(twin.parameters(), lr=1e-5, fused=True)
        steps[name] = (twin, method, method.wrap_optimizer(adamw, twin))
    flops, times = {}, {name: [] for name in steps}
    for at in range(rounds + 2):
        for name, (twin, method, optimizer) in steps.items():
            with FlopCounterMode(display=False) if at == 0 else nullcontext() as counter:  # then a round to warm up
                start = time.process_time()
                with torch.autocast("cpu", torch.bfloat16, enabled=torch.cpu._is_avx512_bf16_supported()):
                    loss = method.loss(twin, batch)
                loss.backward()
                middle = time.process_time()
                optimizer.step()
                optimizer.zero_grad()
                end = time.process_time()
            if counter is not None:
                flops[name] = counter.get_total_flops()
            if at >= 2:
                times[name].append((end - start, end - middle))
    rows = {}
    for name, taken in times.items():
        ratio = statistics.median(own[0] / plain[0] for own, plain in zip(taken, times["plain"], strict=True))
        rows[name] = {
            "seconds": statistics.median(one[0] for one in taken),
            "update_seconds": statistics.median(one[1] for one in taken),
            "time_ratio": ratio,
            "flop_ratio": flops[name] / flops["plain"],
        }
    history = json.loads(RESULT.read_text()) if RESULT.exists() else []
    RESULT.write_text(json.dumps([*history, {"label": label, "rounds": rounds, "rows": rows}], indent=1) + "\n")
    print(label, json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
