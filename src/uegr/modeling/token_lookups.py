"""The tokens that a model looks up for a batch without "input_ids": several texts per example, or texts that the loss
tokenizes itself."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

PADDING = 0
"""The id that pads rows to one length; any id would do, because its mask is 0."""


class LookedUpTokens(dict[str, Any]):
    """The rows of all lookups below each other: "input_ids" and "attention_mask", (R, T), padded to the longest.

    Args:
        inputs: the batch that the loop gives to the loss.
        lookups: the token ids of each call of the embedding layer, in order, (B_i, T_i) or (T_i,).
        padding_id: of the tokenizer; None: every token is real.
    """

    def __init__(self, inputs: Any, lookups: Sequence[Tensor], padding_id: int | None = None) -> None:
        rows = [ids.reshape(-1, ids.shape[-1]) for ids in lookups]
        longest = max((ids.shape[1] for ids in rows), default=0)
        real = [(torch.ones_like(ids) if padding_id is None else ids != padding_id).long() for ids in rows]
        if rows:
            super().__init__(
                input_ids=torch.cat([F.pad(ids, (0, longest - ids.shape[1]), value=PADDING) for ids in rows]),
                attention_mask=torch.cat([F.pad(mask, (0, longest - mask.shape[1])) for mask in real]),
            )
        self.inputs = inputs
        self._shapes = [ids.shape for ids in rows]

    def part_of(self, delta: Tensor, call: int) -> Tensor | None:
        """The part (B_i, T_i, d) of a perturbation (R, T, d) for one call of the layer; None for any further call."""
        if call >= len(self._shapes):
            return None
        first = sum(rows for rows, _ in self._shapes[:call])
        rows, length = self._shapes[call]
        return delta[first : first + rows, :length]
