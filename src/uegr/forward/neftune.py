"""NEFTune: uniform noise on the embeddings of the one pass (Jain et al. 2023, arXiv 2310.05914).

    e' = e + alpha / sqrt(T d) * U(-1, 1),   T the number of tokens, d the width

T counts an example's real tokens, as in the paper; Hugging Face's Trainer counts the padding too, so there the noise
of an example depends on the batch it sits in.
"""

from __future__ import annotations

from typing import ClassVar

from torch import nn

from uegr.errors import UsageError
from uegr.forward.forward_stage import Batch, ForwardStage, Loss, Step, forward_pass
from uegr.modeling.embeddings import embedding_width, token_mask
from uegr.modeling.objective import objective_for
from uegr.perturb.embedding_noise import uniform_noise


class NEFTuneForward(ForwardStage):
    """Plain fine-tuning on noisy embeddings.

    Args:
        noise_alpha: alpha (paper: 5, 10 or 15; the Trainer's neftune_noise_alpha).
    """

    perturbs: ClassVar[bool] = True
    needs: ClassVar[str] = "token embeddings"

    def __init__(self, *, noise_alpha: float = 5.0) -> None:
        if noise_alpha < 0:
            raise UsageError(f"noise_alpha must not be negative, not {noise_alpha}.")
        self.noise_alpha = noise_alpha

    def attach(self, model: nn.Module) -> None:
        embedding_width(model)

    def __call__(self, model: nn.Module, batch: Batch, step: Step) -> Loss:
        noise = uniform_noise(token_mask(batch), embedding_width(model), self.noise_alpha, step.generator)
        logits = forward_pass(model, batch, step, delta=noise)
        objective = objective_for(model, logits, batch["labels"])
        return Loss(objective.mean(objective.loss(logits), step.num_items))
