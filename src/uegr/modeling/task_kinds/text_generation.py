"""Text that is generated: sequence-to-sequence and causal language models."""

import math
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from uegr.data.kind import IGNORED_LABEL
from uegr.modeling.task_kinds.task_kind import Outputs
from uegr.modeling.task_kinds.tokens import Tokens

LARGEST_NLL = 709.0
"""The exponential of a larger number overflows; a training that diverged has such a loss."""


class Generation(Tokens):
    """Labels are the token ids to be generated, shape (B * T,); -100 marks padding."""

    metric_names: ClassVar[tuple[str, ...]] = ("bleu", "perplexity", "token_accuracy", "nll")
    curve_metric: ClassVar[str] = "token_accuracy"

    def attack_loss(self, logits: Tensor) -> Tensor:
        return self.outputs(logits)[:, 0]

    def outputs(self, logits: Tensor) -> Tensor:
        """Per sequence: summed NLL in nats, number of tokens predicted correctly, number of tokens, shape (B, 3)."""
        is_correct = (self.flat_logits(logits).argmax(dim=-1) == self.labels) & self.is_target
        values_per_token = (self.default_loss(logits), is_correct, self.is_target)
        return torch.stack(
            [values.reshape(self.batch_size, -1).sum(dim=1).float() for values in values_per_token], dim=1
        )

    @classmethod
    def metrics(cls, outputs: Outputs, labels: NDArray[Any]) -> dict[str, float]:
        """NLL per target token, its exponential, and the share of tokens predicted correctly given those before."""
        nll, correct, count = outputs.sum(axis=0).tolist()
        perplexity = math.exp(min(nll / count, LARGEST_NLL))
        return {"nll": nll / count, "perplexity": perplexity, "token_accuracy": correct / count}


class CausalGeneration(Generation):
    """The output at a token is compared with the label of the next token; `labels` are shifted already."""

    metric_names: ClassVar[tuple[str, ...]] = ("perplexity", "token_accuracy", "nll")

    @staticmethod
    def target_labels(labels: Tensor) -> Tensor:
        return F.pad(labels[:, 1:], (0, 1), value=IGNORED_LABEL).reshape(-1)
