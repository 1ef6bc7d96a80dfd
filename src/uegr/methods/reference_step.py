"""One whole UEGR step in its most readable form: the place to start reading, and what the fast form is tested against.

`reference_training_step` is the step, `reference_loss` its forward stage and `reference_update` its backward stage.
Nothing here is fast: the ranks come from a full sort, the passes run one after another, and the update writes tensors
as large as the model. `UEGRForward` and `SelectiveBackward` compute the same numbers.
"""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import fields

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from uegr.backward.backward_stage import optimizer_parameters
from uegr.backward.parameter_positions import body_positions
from uegr.errors import UsageError
from uegr.forward.model_pass import seeded
from uegr.methods.registry import UEGRConfig
from uegr.modeling.dropout_sites import DropoutSites
from uegr.modeling.embeddings import EmbeddingScale, embedding_scale
from uegr.modeling.perturbed_pass import perturbed
from uegr.modeling.real_tokens import token_mask

FOLLOWED = (
    *("views", "passes", "dropout", "epsilon", "js_weight", "clean_weight", "checkpoint_passes"),
    *("alpha", "beta", "p_min"),
)
"""The options that the reference follows; the others must have their defaults, except refresh, which is not used. What
the passes read is given by `edited`, and not by `views`."""


def reference_training_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    batch: Mapping[str, Tensor],
    config: UEGRConfig,
    *,
    seeds: Sequence[int],
    uniforms: Sequence[Tensor],
    edited: Mapping[int, Mapping[str, Tensor]] | None = None,
    label_shares: Tensor | None = None,
    scale: EmbeddingScale | None = None,
) -> Tensor:
    """One whole step of UEGR: loss, gradients, update. Returns the loss, a scalar.

    Args:
        model, batch, seeds, edited, label_shares, scale: see `reference_loss`.
        optimizer: AdamW, whose second moment is the saliency score. Its first step updates every weight.
        config: see `FOLLOWED`. The ranks are computed in every step, as with refresh=1.
        uniforms: see `reference_update`.

    Raises:
        UsageError: the reference does not follow an option that is set.
    """
    loss = reference_loss(model, batch, config, seeds, edited=edited, label_shares=label_shares, scale=scale)
    loss.backward()
    parameters = optimizer_parameters(optimizer)
    body = body_positions(model, optimizer)
    if optimizer.state:
        scores = [
            optimizer.state[parameter]["exp_avg_sq"].clone() if i in body and parameter in optimizer.state else None
            for i, parameter in enumerate(parameters)
        ]
        reference_update(optimizer, scores, uniforms, config)
    else:
        optimizer.step()
    optimizer.zero_grad()
    return loss.detach()


def reference_loss(
    model: nn.Module,
    batch: Mapping[str, Tensor],
    config: UEGRConfig,
    seeds: Sequence[int],
    *,
    edited: Mapping[int, Mapping[str, Tensor]] | None = None,
    label_shares: Tensor | None = None,
    scale: EmbeddingScale | None = None,
) -> Tensor:
    """The forward stage for classification, one ascent step and the l2 norm: sample, passes, loss.

    Args:
        model: in train mode.
        batch: input_ids, attention_mask and labels (B,).
        config: see `FOLLOWED`.
        seeds: of the dropout of the clean pass and of the k passes, 1 + k numbers.
        edited: index of a pass, from 0 (index i is P_{i+1}) -> the batch that it reads instead of the adversarial
            sample. With the default views this is index 1, P_2. The edits are random and need a tokenizer, so they are
            made by the caller.
        label_shares: share of each class in the labels of the training so far, (C,); if None, equal shares.
        scale: of the model's embeddings before the training; if None, of those that it has now.

    Raises:
        UsageError: the reference does not follow an option that is set.
    """
    _check_followed(config)
    labels, mask, scale = batch["labels"], token_mask(batch), scale or embedding_scale(model)

    def logits_of(pass_batch: Mapping[str, Tensor], delta: Tensor | None, rate: float | None, seed: int) -> Tensor:
        moved = nullcontext() if delta is None else perturbed(model, pass_batch, delta)
        inputs = {name: values for name, values in pass_batch.items() if name != "labels"}
        with DropoutSites(model).at(rate, seed), seeded(seed, labels.device), moved:
            return model(**inputs).logits.float()  # type: ignore[no-any-return]

    # The clean pass P_0 and the gradient of the summed loss at the token embeddings.
    delta = torch.zeros((*mask.shape[:2], scale.width), device=mask.device, requires_grad=True)
    clean = logits_of(batch, delta, None, seeds[0])
    clean_losses = F.cross_entropy(clean, labels, reduction="none")
    (gradient,) = torch.autograd.grad(clean_losses.sum(), delta, retain_graph=True)
    gradient = gradient * mask

    # delta* = epsilon c g / |g|: the radius is relative to the embedding norm, c is the confidence in the label.
    # Chance is 1/C or, if that is more, the label's share.
    chance = torch.full_like(clean_losses, 1.0 / clean.shape[-1])
    if label_shares is not None:
        chance = torch.maximum(chance, label_shares[labels])
    confidence = ((torch.exp(-clean_losses.detach()) - chance) / (1.0 - chance)).clamp(0.0, 1.0)
    radius = config.epsilon * scale.norm * mask.sum(dim=1).sqrt() * confidence[:, None]
    length = gradient.flatten(1).norm(dim=1).clamp_min(1e-12)
    delta_star = (radius / length[:, None])[:, :, None] * gradient

    # k sub-models P_1 .. P_k read the adversarial sample or an edited text.
    edited = edited or {}
    outputs = [
        logits_of(edited[i], None, rate, seed) if i in edited else logits_of(batch, delta_star, rate, seed)
        for i, (rate, seed) in enumerate(zip(config.pass_rates(), seeds[1:], strict=True))
    ]
    pass_loss = torch.stack([F.cross_entropy(logits, labels) for logits in outputs]).mean()

    # JS = H(mean_i P_i) - mean_i H(P_i), the clean output included where it has a weight.
    compared = [*outputs, clean] if config.clean_weight > 0 else outputs
    probabilities = torch.stack([logits.softmax(dim=-1) for logits in compared])
    divergence = (_entropy(probabilities.mean(dim=0)) - _entropy(probabilities).mean(dim=0)).mean()
    return pass_loss + config.js_weight * divergence + config.clean_weight * clean_losses.mean()


@torch.no_grad()
def reference_update(
    optimizer: torch.optim.Optimizer, scores: Sequence[Tensor | None], uniforms: Sequence[Tensor], config: UEGRConfig
) -> None:
    """The backward stage with the mask mode "update": rank, select, step.

    Args:
        optimizer: the user's own.
        scores: saliency of each parameter's elements, from earlier steps; None for the parameters of the new head,
            which are always updated.
        uniforms: one number in [0, 1) per element, a tensor per parameter.
        config: alpha, beta and p_min are used.

    Raises:
        UsageError: the reference does not follow an option that is set.
    """
    _check_followed(config)
    parameters = optimizer_parameters(optimizer)
    selectable = [i for i, score in enumerate(scores) if score is not None]
    flat = torch.cat([score.flatten() for score in scores if score is not None])
    ranks = flat.argsort().argsort().float() / (len(flat) - 1)
    p = torch.sigmoid(2.0 * config.beta * (ranks - config.alpha)).clamp(config.p_min, 1.0)
    p_of_parameter = p.split([parameters[i].numel() for i in selectable])
    before = [parameters[i].detach().clone() for i in selectable]
    optimizer.step()
    for i, old, p_flat in zip(selectable, before, p_of_parameter, strict=True):
        parameter, p_j = parameters[i], p_flat.view_as(parameters[i])
        selected = uniforms[i] < p_j  # m ~ Bernoulli(p)
        parameter.copy_(torch.where(selected, old + (parameter - old) / p_j, old))


def _check_followed(config: UEGRConfig) -> None:
    defaults = UEGRConfig()
    for field in fields(config):
        if field.name not in (*FOLLOWED, "refresh") and getattr(config, field.name) != getattr(defaults, field.name):
            raise UsageError(
                f"the reference step does not follow {field.name}: leave it at its default. It follows "
                f"{', '.join(FOLLOWED)}."
            )


def _entropy(probabilities: Tensor) -> Tensor:
    return -(probabilities * probabilities.log()).sum(dim=-1)
