"""UEGR's forward stage: an adversarial sample through k sub-models that must agree.

    delta* ~ argmax_{|delta| <= epsilon} CE(f(e + delta), y)
    L_adv  = 1/k sum_i CE(P_i, y),   P_i = softmax f(e + delta*; dropout r_i)
    L_JS   = H(mean_i P_i) - 1/k sum_i H(P_i)
    L      = L_adv + lambda * L_JS  [paper]  + gamma * CE(P_0, y), P_0 the clean pass, in the JS too  [ours]

To first order L_adv = CE + epsilon * |grad_e CE|_*: it regularises the input gradient (arXiv 2503.16550).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, Literal, get_args

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from uegr.errors import UsageError, unknown
from uegr.forward.adversaries.adversary import Adversary, AttackedBatch
from uegr.forward.adversaries.embedding_adversary import EmbeddingAdversary
from uegr.forward.adversaries.mixed_adversary import MixedAdversary
from uegr.forward.adversaries.text_adversary import TextAdversary
from uegr.forward.clean_pass import CleanPass, clean_pass
from uegr.forward.compiled import dropout_sites
from uegr.forward.dropout_rates import AdaptiveDropout, DropoutMode
from uegr.forward.forward_stage import Batch, ForwardStage, Loss, Step, draw_seed, forward_pass
from uegr.forward.lean import one_by_one, replayed
from uegr.forward.pass_runner import Batching, SubModels
from uegr.forward.plain import PlainForward
from uegr.forward.schedule import Schedule
from uegr.modeling.dropout_sites import DropoutSites, Rates
from uegr.modeling.embeddings import SharedEmbeddings
from uegr.modeling.objective import objective_for
from uegr.modeling.profile import profile_section
from uegr.perturb.ball import Norm

Text = Literal["off", "words", "characters", "both"]


class UEGRForward(ForwardStage):
    """Adversarial sample, k adaptive-dropout passes, Jensen-Shannon consistency.

    Args:
        passes: k, the number of adversarial sub-models.
        dropout: range (low, high) of the dropout rates, or the k rates for dropout_mode "combination".
        dropout_mode: how the rates are chosen; see `AdaptiveDropout`.
        dropout_target: the divergence that dropout_mode "feedback" steers to, in nats.
        adversary: False leaves the sample clean (an ablation): k dropout passes and JS alone.
        epsilon: radius of the perturbation; relative to the embedding norm unless relative=False.
        norm, relative, steps, step_size, random_start: see `EmbeddingAdversary`.
        text: what else the adversary may do [ours]: edit "words" (synonyms), "characters" (misspellings) or "both".
            With adversary=False it edits the text of every example and leaves embeddings alone.
        edit_rate: see `TextAdversary`.
        text_share: probability, an example, that its text is edited and not its embeddings perturbed.
        by_confidence: the radius of an example is so much of epsilon as the model is sure of its label on the clean
            sample [ours]: the same epsilon for all, from the first step, can pin a fresh model at the majority class.
        ramp: epsilon climbs linearly from 0 over this share of the training [ours], the other way out of that.
        js_weight: lambda, the weight of the divergence.
        clean_weight: gamma [ours]. Above 0, the attack's own clean pass counts as one more sub-model: its
            error is added with this weight and its output joins the divergence, at the price of no forward.
        batching, shared_layers: how the k passes are run; see `SubModels`.
        reuse: the clean pass's own backward is the attack [ours], which saves one forward's worth; the clean output is
            then a constant in the divergence. See `uegr.forward.clean_pass`.
        lean: one pass in memory at a time, for k passes more of arithmetic (see `lean`); the same gradients.
        every, warmup: plain steps in between, or at first, which cost a third [ours]; see `Schedule`.
    """

    perturbs: ClassVar[bool] = True
    needs: ClassVar[str] = "token embeddings, dropout"

    def __init__(
        self,
        *,
        passes: int = 2,
        dropout: tuple[float, ...] = (0.1, 0.3),
        dropout_mode: DropoutMode = "spread",
        dropout_target: float = 0.02,
        adversary: bool = True,
        epsilon: float = 0.06,
        norm: Norm = "l2",
        relative: bool = True,
        steps: int = 1,
        step_size: float | None = None,
        random_start: bool = False,
        by_confidence: bool = True,
        ramp: float = 0.0,
        text: Text = "off",
        edit_rate: float = 0.25,
        text_share: float = 0.5,
        js_weight: float = 1.0,
        clean_weight: float = 1.0,
        batching: Batching = "auto",
        shared_layers: float = 0.0,
        reuse: bool = False,
        lean: bool = False,
        every: int = 1,
        warmup: float = 0.0,
    ) -> None:
        self.schedule = Schedule(every, warmup)
        for name, weight in (("js_weight", js_weight), ("clean_weight", clean_weight)):
            if weight < 0:
                raise UsageError(f"{name} must not be negative, not {weight}.")
        self.dropout = AdaptiveDropout(passes, dropout, dropout_mode, target=dropout_target)
        opponent = EmbeddingAdversary(
            epsilon=epsilon,
            norm=norm,
            relative=relative,
            steps=steps,
            step_size=step_size,
            random_start=random_start,
            ramp=ramp,
            by_confidence=by_confidence,
        )
        self.adversary: Adversary | None = opponent if adversary else None
        if text not in get_args(Text):
            raise unknown("text", text, get_args(Text))
        if text != "off":
            editor = TextAdversary(edits=text, edit_rate=edit_rate)
            self.adversary = MixedAdversary(opponent, editor, text_share) if adversary else editor
        self.js_weight, self.clean_weight = js_weight, clean_weight
        self.sub_models = SubModels(batching, shared_layers)
        if reuse and (clean_weight == 0.0 or not adversary or random_start):
            raise UsageError("reuse needs a clean term and an attack that starts at the clean sample.")
        if lean and (reuse or shared_layers or batching == "joint"):
            raise UsageError("lean keeps one pass in memory: reuse, shared_layers and joint batching keep more.")
        self.reuse, self.lean = reuse, lean
        self._plain = PlainForward()
        self._sites: DropoutSites | None = None

    def bind(self, tokenizer: PreTrainedTokenizerBase) -> None:
        if self.adversary is not None:
            self.adversary.bind(tokenizer)

    def attach(self, model: nn.Module) -> None:
        DropoutSites(model)
        self.sub_models.attach(model)
        if self.adversary is not None:
            self.adversary.attach(model)

    def __call__(self, model: nn.Module, batch: Batch, step: Step) -> Loss:
        self.release()
        if not self.schedule.full(step.step, step.total_steps):
            return self._plain(model, batch, step)
        self._sites = sites = dropout_sites(model, self.dropout.fixed)
        rates = self.dropout.rates(len(sites), step.generator)
        if self.lean:
            return self._one_by_one(model, batch, step, rates)
        step.embeddings = SharedEmbeddings(model)
        with profile_section("attack"):
            known = clean_pass(model, batch, step, sites) if self.reuse else None
            attacked = self._attack(model, batch, step, clean=self.clean_weight > 0, known=known)
        with profile_section("passes"):
            outputs = self.sub_models(model, attacked.batch, step, delta=attacked.delta, sites=sites, rates=rates)
        return self._combine(model, attacked.batch, step, outputs, attacked.clean, known)

    def _one_by_one(self, model: nn.Module, batch: Batch, step: Step, rates: list[Rates]) -> Loss:
        """The same loss, with one pass in memory at a time."""
        clean_step = replayed(step)  # the first pass is the clean one, be it the attack's or one of its own
        if self.clean_weight > 0 and self._clean_cost() == 3.0:
            draw_seed(step)
        attacked = self._attack(model, batch, step, clean=False)
        passes = []
        for rate in rates:
            passes.append(partial(self._again, model, attacked.batch, replayed(step), attacked.delta, rate))
            draw_seed(step)
        if self.clean_weight > 0:
            passes.append(partial(self._again, model, batch, clean_step, None, None))
        found: list[Loss] = []

        def loss_of(outputs: list[Tensor]) -> Tensor:
            clean = outputs[-1] if self.clean_weight > 0 else None
            found.append(self._combine(model, attacked.batch, step, outputs[: len(rates)], clean))
            return found[0].value

        return Loss(one_by_one(model, passes, loss_of), found[0].terms)

    def _again(
        self, model: nn.Module, batch: Batch, step: Callable[[], Step], delta: Tensor | None, rates: Rates | None
    ) -> Tensor:
        return forward_pass(model, batch, step(), delta=delta, sites=self._sites, rates=rates)

    def _combine(
        self,
        model: nn.Module,
        batch: Batch,
        step: Step,
        adversarial: list[Tensor],
        clean: Tensor | None,
        known: CleanPass | None = None,
    ) -> Loss:
        """The loss from the logits of all passes; `known` has that of the clean one already."""
        objective = objective_for(model, adversarial[0], batch["labels"])
        errors = torch.stack([objective.loss(one) for one in adversarial]).mean(dim=0)
        terms = {"adversarial_loss": objective.mean(errors, step.num_items)}
        loss, outputs = terms["adversarial_loss"], adversarial
        if clean is not None:
            error = objective.mean(objective.loss(clean), step.num_items) if known is None else known.loss
            terms["clean_loss"] = error
            loss = loss + self.clean_weight * terms["clean_loss"]
            outputs = [*adversarial, clean]
        each = objective.divergence_of_each(outputs)
        names = [f"divergence_pass_{i + 1}" for i in range(len(adversarial))] + ["divergence_clean"]
        terms |= {name: objective.mean(one, step.num_items) for name, one in zip(names, each, strict=False)}
        divergence = each.mean(dim=0)
        self.dropout.observe(objective.mean(divergence))
        terms["divergence"] = objective.mean(divergence, step.num_items)
        loss = loss + self.js_weight * terms["divergence"]
        return Loss(loss, {name: term.detach() for name, term in terms.items()})

    def _attack(
        self, model: nn.Module, batch: Batch, step: Step, clean: bool, known: CleanPass | None = None
    ) -> AttackedBatch:
        """The sample to train on, and the clean logits if they are asked for."""
        if self.adversary is None:
            return AttackedBatch(batch, None, forward_pass(model, batch, step, sites=self._sites) if clean else None)
        if known is None:
            return self.adversary.attack(model, batch, step, self._sites, clean=clean)
        attacked = self.adversary.attack(model, batch, step, self._sites, known=known)
        return replace(attacked, clean=known.logits)

    def cost(self) -> float:
        clean, passes = self.clean_weight > 0, self.dropout.passes
        attack = 0.0 if self.adversary is None else self.adversary.cost(False)
        # Lean, every pass goes forward twice, the clean one too.
        made = 4.0 * (passes + clean) if self.lean else self.sub_models.cost(passes) + clean * self._clean_cost()
        full = attack + made - self.reuse
        share = self.schedule.share
        return share * full + (1.0 - share) * self._plain.cost()

    def _clean_cost(self) -> float:
        """Of the clean pass where it counts in the loss: 3, or 2 where the attack makes its forward anyway."""
        return 3.0 if self.adversary is None else self.adversary.cost(True) - self.adversary.cost(False)

    def release(self) -> None:
        if self._sites is not None:
            self._sites.release()
            self._sites = None

    def state_dict(self) -> dict[str, Any]:
        return {
            "dropout": self.dropout.state_dict(),
            "adversary": None if self.adversary is None else self.adversary.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.dropout.load_state_dict(state["dropout"])
        if self.adversary is not None:
            self.adversary.load_state_dict(state["adversary"])
