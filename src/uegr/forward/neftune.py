"""NEFTune: uniform noise on the embeddings of the only pass (Jain et al. 2023, arXiv 2310.05914).

    e' = e + alpha / sqrt(T d) * U(-1, 1),   T the number of tokens, d the width

T counts the real tokens of an example, as in the paper; Hugging Face's Trainer counts the padding too, so there the
noise of an example depends on its batch.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import nn

from uegr.forward.forward_stage import ForwardStage, Loss
from uegr.forward.model_pass import forward_pass
from uegr.forward.step_inputs import Batch, Step
from uegr.modeling.embeddings import embedding_width
from uegr.modeling.real_tokens import token_mask
from uegr.options import Options, option
from uegr.perturb.embedding_noise import length_scaled_noise


@dataclass(frozen=True, kw_only=True)
class NEFTuneOptions(Options):
    """Options of `NEFTuneForward`."""

    noise_alpha: float = option(5.0, "alpha (paper: 5, 10 or 15; the Trainer's neftune_noise_alpha)", at_least=0)


class NEFTuneForward(ForwardStage):
    """Plain fine-tuning on noisy embeddings."""

    options_class: ClassVar[type[Options]] = NEFTuneOptions
    options: NEFTuneOptions
    perturbs: ClassVar[bool] = True
    needs: ClassVar[str] = "token embeddings"

    def __call__(self, model: nn.Module, batch: Batch, step: Step) -> Loss:
        alpha, mask = self.options.noise_alpha, token_mask(batch)
        noise = length_scaled_noise(alpha, mask, embedding_width(model), step.generator)
        logits = forward_pass(model, batch, step, delta=noise)
        task = step.task(model, logits, batch)
        return Loss(task.mean(task.loss(logits), step.num_items))
