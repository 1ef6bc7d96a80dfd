"""The tokens of a batch as a model looks them up, one text per row, and which of them are real."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def token_mask(batch: Mapping[str, Any]) -> Tensor:
    """1 where a token is real and 0 on padding, shape (B, T, 1), float32; see `rows_of_tokens` for choices."""
    ids, mask = rows_of_tokens(batch), batch.get("attention_mask")
    if isinstance(mask, Tensor) and mask.shape == batch["input_ids"].shape:
        return mask.reshape(*ids.shape, 1).float()
    if isinstance(mask, Tensor) and mask.dim() > 2 and mask.shape[-2:] == (ids.shape[-1], ids.shape[-1]):
        return _is_read(mask).expand(ids.shape).unsqueeze(-1).float()
    return torch.ones((*ids.shape, 1), device=ids.device)


def _is_read(mask: Tensor) -> Tensor:
    """Which tokens any token attends to, (B, T), by a mask of all pairs (B, T, T) or (B, heads, T, T).

    As in transformers, a mask of four dimensions in floating point is added to the scores, 0 for a pair that counts;
    every other mask is 1 for such a pair.
    """
    pairs = mask >= 0 if mask.dim() == 4 and mask.is_floating_point() else mask > 0
    return pairs.flatten(1, -2).any(dim=1)


def rows_of_tokens(batch: Mapping[str, Any]) -> Tensor:
    """The token ids (B, T); the choices (B, C, T) of examples of multiple choice are (B * C, T)."""
    ids: Tensor = batch["input_ids"]
    return ids.reshape(-1, ids.shape[-1]) if ids.dim() > 2 else ids
