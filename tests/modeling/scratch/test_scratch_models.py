"""A saved model from scratch opens by transformers' Auto classes, after one documented import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import torch

from uegr.modeling.model_loading import load_classifier
from uegr.modeling.scratch.scratch_models import SCRATCH

PROGRAM = """
import json, sys
import uegr.modeling.scratch
import torch
from transformers import AutoModel, AutoModelForSequenceClassification

ids = torch.tensor([[2, 7, 9, 3]])
opened = [auto.from_pretrained(folder).eval() for folder in sys.argv[1:] for auto in
          (AutoModel, AutoModelForSequenceClassification)]
print(json.dumps([model(input_ids=ids).logits.tolist() for model in opened]))
"""


def test_the_auto_classes_open_every_model_from_scratch(tmp_path: Path) -> None:
    """In a new process, where nothing else of uegr has been imported."""
    expected: list[torch.Tensor] = []
    for name in SCRATCH:
        model = load_classifier(name, ["a", "b", "c"], seed=0, vocab_size=50).eval()
        model.save_pretrained(tmp_path / name)
        expected += [model(input_ids=torch.tensor([[2, 7, 9, 3]])).logits] * 2
    command = [sys.executable, "-c", PROGRAM, *(str(tmp_path / name) for name in SCRATCH)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    torch.testing.assert_close(torch.tensor(json.loads(result.stdout)), torch.stack(expected))
