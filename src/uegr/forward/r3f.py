"""R3F: the output must not change under a little random noise on the embeddings (Aghajanyan et al. 2020,
arXiv 2008.03156).

    L = CE(P, y) + lambda * (KL(P | Q) + KL(Q | P)),   Q = f(e + z),  z ~ U(-sigma, sigma) or N(0, sigma^2)

Regression: squared difference [ours; the released code leaves the term out].
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import nn

from uegr.forward.forward_stage import ForwardStage, Loss
from uegr.forward.model_pass import forward_pass
from uegr.forward.step_inputs import Batch, Step
from uegr.modeling.embeddings import embedding_width
from uegr.modeling.perturbed_pass import zero_delta
from uegr.modeling.real_tokens import token_mask
from uegr.modeling.shared_embeddings import SharedEmbeddings
from uegr.options import Options, option
from uegr.perturb.embedding_noise import draw_noise

Noise = Literal["uniform", "normal"]


@dataclass(frozen=True, kw_only=True)
class R3FOptions(Options):
    """Options of `R3FForward`."""

    noise: Noise = option("uniform", "the distribution of z: uniform or normal")
    noise_scale: float = option(1e-5, "sigma, in units of the embedding (released code: 1e-5)", at_least=0)
    kl_weight: float = option(1.0, "lambda, the weight of the symmetric KL (released code: 1)", at_least=0)


class R3FForward(ForwardStage):
    """A clean pass, a noisy pass, and the symmetric KL between them."""

    options_class: ClassVar[type[Options]] = R3FOptions
    options: R3FOptions
    perturbs: ClassVar[bool] = True
    needs: ClassVar[str] = "token embeddings"

    def __call__(self, model: nn.Module, batch: Batch, step: Step) -> Loss:
        step.embeddings = SharedEmbeddings(model)
        mask, width, o = token_mask(batch), embedding_width(model), self.options
        # Both passes take a delta, so that they share one lookup of the embeddings.
        clean = forward_pass(model, batch, step, delta=zero_delta(batch, width))
        noise = draw_noise(o.noise, o.noise_scale, mask, width, step.generator)
        noisy = forward_pass(model, batch, step, delta=noise)
        task = step.task(model, clean, batch)
        loss = task.mean(task.loss(clean), step.num_items)
        divergence = task.mean(task.symmetric_kl(clean, noisy), step.num_items)
        terms = {"task_loss": loss.detach(), "divergence": divergence.detach()}
        return Loss(loss + o.kl_weight * divergence, terms)

    def cost(self) -> float:
        return 6.0
