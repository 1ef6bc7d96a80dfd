"""Runs in TextAttack's environment, on its own: seconds of one epoch of adversarial training by its trainer.

    python textattack_epoch.py JOB.json RESULT.json

JOB holds "model" (a folder), "recipe", "rows" (list of [text, label]), "batch_size", "stop_words" and "helpers", the
folder of uegr's runner for that environment. RESULT is the processor's seconds, on one thread.
"""

import importlib
import json
import os
import sys
import time
from pathlib import Path


def main() -> None:
    """Every sentence is attacked, and then trained on."""
    job_file, result_file = (Path(one).resolve() for one in sys.argv[1:3])
    job = json.loads(job_file.read_text(encoding="utf-8"))
    sys.path.insert(0, job["helpers"])
    importlib.import_module("runner").provide_stop_words(job_file.parent / "nltk_data", job["stop_words"])
    os.environ["NLTK_DATA"] = str(job_file.parent / "nltk_data")

    import textattack
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    torch.set_num_threads(1)
    model = AutoModelForSequenceClassification.from_pretrained(job["model"])
    tokenizer = AutoTokenizer.from_pretrained(job["model"], model_max_length=128)
    wrapper = textattack.models.wrappers.HuggingFaceModelWrapper(model, tokenizer)
    rows = [tuple(one) for one in job["rows"]]
    # A tuple of columns: its trainer adds a column to them as to a tuple.
    train, few = (textattack.datasets.Dataset(part, ("text",)) for part in (rows, rows[:1]))
    settings = textattack.TrainingArgs(
        num_epochs=1,
        num_clean_epochs=0,
        attack_epoch_interval=1,
        num_train_adv_examples=len(rows),
        per_device_train_batch_size=job["batch_size"],
        num_warmup_steps=0,
        parallel=False,
        checkpoint_interval_steps=None,
        checkpoint_interval_epochs=None,
        save_last=False,
        output_dir=str(job_file.parent / "out"),
    )
    attack = getattr(textattack.attack_recipes, job["recipe"]).build(wrapper)
    trainer = textattack.Trainer(wrapper, "classification", attack, train, few, settings)
    start = time.process_time()
    trainer.train()
    result_file.write_text(json.dumps(time.process_time() - start), encoding="utf-8")


if __name__ == "__main__":
    main()
