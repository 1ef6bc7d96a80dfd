"""UEGR's forward stage: views of an example through k sub-models that must agree (arXiv 2503.16550).

    x_i    = view i of x: adversarial (e + delta*), an edited text, both, or clean  [ours]
    delta* ~ argmax_{|delta| <= epsilon} CE(f(e + delta), y)
    L_pass = 1/k sum_i CE(P_i, y),   P_i = softmax f(x_i; dropout r_i),   JS = H(mean P) - mean H(P)
    L      = L_pass + lambda * JS(P_1 .. P_k)  [paper]  + gamma * CE(P_0, y), P_0 the clean pass, in the JS too  [ours]

views=("adversarial",) [paper] regularises the input gradient: to first order L_pass = CE + epsilon * |grad_e CE|_*.
"""

from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn

from uegr.forward.clean_pass import (
    CleanPass,
    clean_pass_with_backward,
    clean_pass_with_gradient,
    clean_pass_without_gradient,
)
from uegr.forward.embedding_adversary import AdversarialStage, EmbeddingAdversary
from uegr.forward.forward_stage import Loss
from uegr.forward.pass_runner import JoinedWhereFaster, OneByOne, PassRunner
from uegr.forward.step_inputs import Batch, Step
from uegr.forward.uegr_options import UEGRForwardOptions
from uegr.forward.viewed_passes import can_edit, make_passes
from uegr.modeling.dropout_sites import DropoutSites
from uegr.modeling.profile import profile_section
from uegr.modeling.shared_embeddings import SharedEmbeddings
from uegr.options import Options
from uegr.perturb.ball import Ball
from uegr.perturb.projected_ascent import ProjectedAscent


class UEGRForward(AdversarialStage):
    """Views of an example through k dropout passes, Jensen-Shannon consistency."""

    options_class: ClassVar[type[Options]] = UEGRForwardOptions
    options: UEGRForwardOptions
    perturbs: ClassVar[bool] = True
    sets_dropout: ClassVar[bool] = True
    needs: ClassVar[str] = "token embeddings, dropout"

    def __init__(self, options: UEGRForwardOptions | None = None) -> None:
        super().__init__(options)
        ascent = ProjectedAscent(Ball(self.options.norm), self.options.ascent_steps)
        adversary = EmbeddingAdversary(ascent, self.options.epsilon, by_confidence=self.options.by_confidence)
        self.rates = self.options.pass_rates()
        self.adversary = adversary if self.options.is_adversarial() else None
        self.runner: PassRunner = OneByOne(recompute=True) if self.options.checkpoint_passes else JoinedWhereFaster()

    def __call__(self, model: nn.Module, batch: Batch, step: Step) -> Loss:
        step.sites = self.dropout_sites(model)
        step.embeddings = None if self.options.checkpoint_passes else SharedEmbeddings(model)
        with profile_section("attack"):
            clean = self._clean_pass(model, batch, step)
            delta = None if self.adversary is None else self.adversary.attack(model, batch, step, clean=clean)
        with profile_section("views"):
            gradient = None if clean is None else clean.gradient
            views = self.options.view_of_each_pass(self.options.passes, can_edit(batch, step))
            passes = make_passes(model, batch, step, views, self.rates, delta=delta, gradient=gradient)
        with profile_section("passes"):
            logits = self.runner.run(model, passes, step)
        return self._loss(model, batch, step, logits, clean if self.options.counts_clean() else None)

    def _clean_pass(self, model: nn.Module, batch: Batch, step: Step) -> CleanPass | None:
        """P_0, where the adversary or the loss needs it."""
        if self.options.reuse:
            return clean_pass_with_backward(model, batch, step)
        if self.adversary is None and not self.options.counts_clean():
            return None
        run = clean_pass_without_gradient if self.adversary is None else clean_pass_with_gradient
        counted, recompute = self.options.clean_weight > 0, self.options.checkpoint_passes
        return run(model, batch, step, keep_graph=counted, recompute=recompute)

    def _loss(self, model: nn.Module, batch: Batch, step: Step, passes: list[Tensor], clean: CleanPass | None) -> Loss:
        """L, from the logits of the passes and, where it counts, the clean pass."""
        o, task = self.options, step.task(model, passes[0], batch)
        mean = partial(task.mean, num_items=step.num_items)
        outputs = {f"pass_{i}": logits for i, logits in enumerate(passes, start=1)}
        loss = mean(torch.stack([task.loss(logits) for logits in passes]).mean(dim=0))
        terms = {"pass_loss": loss}
        if clean is not None:
            outputs["clean"] = clean.logits.detach() if o.detach_clean else clean.logits
            terms["clean_loss"] = mean(task.loss(clean.logits)) if clean.loss is None else clean.loss
            loss = loss + o.clean_weight * terms["clean_loss"]
        per_pass = task.divergence_per_pass([*outputs.values()])
        terms |= {f"divergence_{name}": mean(values) for name, values in zip(outputs, per_pass.detach(), strict=True)}
        terms["divergence"] = mean(per_pass.mean(dim=0))
        loss = loss + o.js_weight * terms["divergence"]
        return Loss(loss, {name: term.detach() for name, term in terms.items()})

    def attach(self, model: nn.Module) -> None:
        DropoutSites(model)  # refuses a model that has no place for dropout
        super().attach(model)

    def cost(self) -> float:
        return self.options.cost()
