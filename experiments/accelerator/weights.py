"""A model's files with its weights in half precision, for the way to the machine."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from uegr.errors import UsageError

TEXT_FILES = (".json", ".txt", ".model")
"""Endings of the configuration and the tokenizer."""


def copy_in_half_precision(source: Path, target: Path) -> None:
    """Copy a Hugging Face model folder: configuration, tokenizer, and the float32 weights rounded to float16."""
    weights = sorted(source.glob("*.safetensors"))
    if not weights:
        raise UsageError(f"'{source}' holds no .safetensors file: save the model with save_pretrained.")
    target.mkdir(parents=True, exist_ok=True)
    for path in source.iterdir():
        if path.is_file() and path.suffix in TEXT_FILES:
            shutil.copyfile(path, target / path.name)
    for path in weights:
        _convert(path, target / path.name, torch.float32, torch.float16)


def widen_all(folder: Path) -> None:
    """Cast the float16 weights of all models under a folder to float32, in place."""
    for path in folder.rglob("*.safetensors"):
        _convert(path, path, torch.float16, torch.float32)


def _convert(source: Path, target: Path, before: torch.dtype, after: torch.dtype) -> None:
    tensors = load_file(source)
    converted = {name: tensor.to(after) if tensor.dtype == before else tensor for name, tensor in tensors.items()}
    for name, tensor in converted.items():
        if tensors[name].isfinite().all() and not tensor.isfinite().all():
            raise UsageError(
                f"the weights '{name}' of '{source}' are too large for half precision: take another model."
            )
    partial = target.with_name(f".{target.name}.partial")
    save_file(converted, partial, metadata={"format": "pt"})  # which transformers asks for
    partial.replace(target)
