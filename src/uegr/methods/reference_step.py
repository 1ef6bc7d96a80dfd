"""One whole UEGR step in its most readable form: the place to start reading, and what the fast form is tested against.

Nothing here is fast: the ranks come from a full sort, the passes run one after another, and the update writes tensors
as large as the model. `UEGRForward` and `SelectiveBackward` compute the same numbers.
"""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from uegr.forward.model_pass import seeded
from uegr.methods.registry import UEGRConfig
from uegr.modeling.dropout_sites import DropoutSites
from uegr.modeling.embeddings import embedding_scale
from uegr.modeling.perturbed_pass import perturbed
from uegr.modeling.real_tokens import token_mask


def reference_loss(model: nn.Module, batch: Mapping[str, Tensor], config: UEGRConfig, seeds: Sequence[int]) -> Tensor:
    """The forward stage for classification, one ascent step and the l2 norm: sample, passes, loss.

    Args:
        model: in train mode.
        batch: input_ids, attention_mask and labels (B,).
        config: epsilon, dropout, js_weight and clean_weight are used.
        seeds: of the dropout of the clean pass and of the k passes, 1 + k numbers.
    """
    inputs = {name: values for name, values in batch.items() if name != "labels"}
    labels, mask, scale = batch["labels"], token_mask(batch), embedding_scale(model)

    def logits_of(delta: Tensor, rate: float | None, seed: int) -> Tensor:
        with DropoutSites(model).at(rate, seed), seeded(seed, delta.device), perturbed(model, batch, delta):
            return model(**inputs).logits.float()  # type: ignore[no-any-return]

    # The clean pass P_0 and the gradient of the summed loss at the token embeddings.
    delta = torch.zeros((*mask.shape[:2], scale.width), device=mask.device, requires_grad=True)
    clean = logits_of(delta, None, seeds[0])
    clean_losses = F.cross_entropy(clean, labels, reduction="none")
    (gradient,) = torch.autograd.grad(clean_losses.sum(), delta, retain_graph=True)
    gradient = gradient * mask

    # delta* = epsilon c g / |g|: the radius is relative to the embedding norm, c is the confidence in the label.
    chance = 1.0 / clean.shape[-1]
    confidence = ((torch.exp(-clean_losses.detach()) - chance) / (1.0 - chance)).clamp(0.0, 1.0)
    radius = config.epsilon * scale.norm * mask.sum(dim=1).sqrt() * confidence[:, None]
    length = gradient.flatten(1).norm(dim=1).clamp_min(1e-12)
    delta_star = (radius / length[:, None])[:, :, None] * gradient

    # k sub-models P_1 .. P_k read the adversarial sample.
    rates = config.pass_rates()
    outputs = [logits_of(delta_star, rate, seed) for rate, seed in zip(rates, seeds[1:], strict=True)]
    adversarial_loss = torch.stack([F.cross_entropy(logits, labels) for logits in outputs]).mean()

    # JS = H(mean_i P_i) - mean_i H(P_i), the clean output included.
    probabilities = torch.stack([logits.softmax(dim=-1) for logits in [*outputs, clean]])
    divergence = (_entropy(probabilities.mean(dim=0)) - _entropy(probabilities).mean(dim=0)).mean()
    return adversarial_loss + config.js_weight * divergence + config.clean_weight * clean_losses.mean()


@torch.no_grad()
def reference_update(
    optimizer: torch.optim.Optimizer, scores: Sequence[Tensor], uniforms: Sequence[Tensor], config: UEGRConfig
) -> None:
    """The backward stage with the mask mode "update": rank, select, step.

    Args:
        optimizer: the user's own; all its parameters are selectable.
        scores: saliency of each parameter's elements, from earlier steps.
        uniforms: one number in [0, 1) per element.
        config: alpha, beta and p_min are used.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    flat = torch.cat([score.flatten() for score in scores])
    ranks = flat.argsort().argsort().float() / (len(flat) - 1)
    p = torch.sigmoid(2.0 * config.beta * (ranks - config.alpha)).clamp(config.p_min, 1.0)
    p_of_parameter = p.split([score.numel() for score in scores])
    before = [parameter.detach().clone() for parameter in parameters]
    optimizer.step()
    for parameter, old, p_flat, u in zip(parameters, before, p_of_parameter, uniforms, strict=True):
        p_j = p_flat.view_as(parameter)
        selected = u < p_j  # m ~ Bernoulli(p)
        parameter.copy_(torch.where(selected, old + (parameter - old) / p_j, old))


def _entropy(probabilities: Tensor) -> Tensor:
    return -(probabilities * probabilities.log()).sum(dim=-1)
