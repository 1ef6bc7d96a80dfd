"""`Method`: a forward stage and a backward stage behind one object, for any training loop.

method = UEGRConfig(passes=2).attach(model=model, optimizer=optimizer, train_loader=loader)
model.train()
for batch in loader:
    method.loss(batch).backward()         # forward stage
    method.optimizer.step()               # backward stage
    method.optimizer.zero_grad()
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from uegr.backward.backward_stage import optimizer_parameters
from uegr.backward.mixout import restore_mixed_weights
from uegr.backward.staged_optimizer import StagedOptimizer, check_optimizer, check_trains
from uegr.errors import UsageError
from uegr.forward.forward_stage import checked_loss
from uegr.forward.model_pass import run_stage
from uegr.forward.step_inputs import Batch, Step
from uegr.forward.task_options import TaskOptions
from uegr.forward.view_reader import ViewReader, view_reader_of
from uegr.forward.viewed_passes import read_view
from uegr.methods.attached_model import AttachedModel
from uegr.methods.method_arguments import (
    check_backward_only,
    checked_num_items,
    checked_seed,
    weights_tensor,
)
from uegr.methods.method_config import MethodConfig
from uegr.methods.method_state import SHAPES, check_state, shapes_of
from uegr.methods.preparation import observe_training_data, plain_loss, stage_inputs
from uegr.methods.step_cycle import StepCycle
from uegr.methods.training_position import TrainingPosition
from uegr.modeling.task_kinds.own_loss import ComputeLoss
from uegr.modeling.task_kinds.task_kind import LossFunction
from uegr.modeling.tokenizer_match import check_tokenizer
from uegr.modeling.weight_dtypes import check_dtypes


class Method:
    """Two stages behind one object.

    All randomness is a function of `seed`, the rank and two counters (calls of the loss, optimizer steps), which
    `state_dict` holds. Dropout differs between data-parallel ranks; parameter masks are the same on all.

    Args:
        config: the method and its options.
        seed: of dropout, random starts and masks; at least 0.
        class_weights: weight of each class in the cross-entropy, C numbers.
        label_smoothing: of the cross-entropy, in [0, 1].
        loss_fn: your own loss of logits and labels, instead of the task's, for every pass of the method: one value per
            example (or token), or their mean.
        compute_loss: your own loss that runs the model itself, for losses that are not a function of logits and labels
            (reward models, contrastive losses, other trainers). It takes a model and a batch, and returns a scalar
            loss, the mean over the batch, and the logits or None. Without logits there is no divergence between passes.

    Raises:
        UsageError: `compute_loss` is given together with another argument about the loss, or `loss_fn` together with
            class weights or label smoothing, which it would not use; one of the two is not a function; class weights
            are negative or not numbers; the label smoothing is out of range; or the seed is not a whole number of at
            least 0.
    """

    def __init__(
        self,
        config: MethodConfig,
        *,
        seed: int = 0,
        class_weights: Iterable[float] | None = None,
        label_smoothing: float = 0.0,
        loss_fn: LossFunction | None = None,
        compute_loss: ComputeLoss | None = None,
    ) -> None:
        self.config, self.seed = config, checked_seed(seed)
        self.task_options = TaskOptions(weights_tensor(class_weights), label_smoothing, loss_fn, compute_loss)
        self._view = config.parsed_views()[0]
        self._attached_or_none: AttachedModel | None = None
        self.reset()

    def reset(self) -> Method:
        """Forget the model, the optimizer and the state of both stages, and return the method for a second training.

        A step that the loop has not finished is given up, and leaves nothing in the model.
        """
        if self._attached_or_none is not None:
            self._step_cycle.undo_unfinished_step()
        self.forward, self.backward = self.config.forward(self.config), self.config.backward(self.config)
        self.terms: dict[str, Tensor] = {}
        """Parts of the last loss, detached scalars."""
        self._position = TrainingPosition(self.seed)
        self._view_reader: ViewReader | None = None
        self._attached_or_none = None
        self._backward_only = False
        return self

    @property
    def name(self) -> str:
        """The method's name in logs, tables and results."""
        return self.config.method

    @property
    def optimizer(self) -> StagedOptimizer:
        """Your optimizer with this method's backward stage in front; use it instead of your own."""
        return self._attached.optimizer

    @property
    def edits_texts(self) -> bool:
        """Whether views edit texts: the method has such views, and the tokenizer that it is attached to allows them."""
        return self._view_reader is not None

    def attach(
        self,
        *,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        tokenizer: Any = None,
        train_loader: Iterable[Batch] | None = None,
        accumulation_steps: int = 1,
        backward_only: bool = False,
    ) -> Method:
        """Bind the method to a model and an optimizer; for the arguments see `MethodConfig.attach`.

        With a `train_loader` it calls `prepare`. Without `backward_only`, a step whose loss did not come from
        `method.loss` is an error.

        Raises:
            UsageError: the method cannot work on this model (see `uegr.check`), with this optimizer or with this
                tokenizer; it has another optimizer already; or it cannot do without its forward stage, and
                `backward_only` asks for that (it would then be plain fine-tuning, or its update needs the loss).
        """
        if backward_only:
            check_backward_only(self.name, self.forward, self.backward)
        if tokenizer is not None:
            check_tokenizer(tokenizer)
        self._backward_only = backward_only
        self.wrap_optimizer(optimizer, model, tokenizer)
        if train_loader is not None:
            self.prepare(train_loader, accumulation_steps=accumulation_steps)
        return self

    def loss(self, batch: Any, *, num_items: Tensor | int | None = None, model: nn.Module | None = None) -> Tensor:
        """The loss of a batch: a scalar to call backward() on.

        Under `torch.no_grad()` it is the task's loss of one plain pass, for validation.

        Args:
            batch: a dict with "labels" and the model's inputs; with `compute_loss`, any batch that this function takes.
            num_items: divide the summed loss by this number of targets instead of the batch's own: for gradient
                accumulation, the number of targets in all accumulated batches. Not used with a `compute_loss` whose
                batch holds no labels that fit its logits: divide the loss by the number of batches.
            model: the model to run, in train mode; by default the attached one. Pass the wrapper (DDP, torch.compile)
                here if the loop has wrapped the model.

        Raises:
            UsageError: the batch has no labels, or labels that do not fit the model's outputs; `num_items` is not a
                number of targets; `model` is another model; or the method is not attached or not prepared.
        """
        attached = self._attached
        if not self.backward.prepared:
            raise UsageError(
                f"{self.name} scores the pretrained weights before training: give attach(...) a train_loader, or call "
                "method.prepare(loader) once."
            )
        model = attached.model_to_run(model)
        batch = stage_inputs(model, batch, self.task_options, perturbs=self.forward.perturbs)
        num_items = checked_num_items(num_items, batch)
        make_step = partial(self._step, self._position.forward_seed(), self._position.steps, num_items)
        if not torch.is_grad_enabled():  # a validation loss is not part of the training
            return plain_loss(model, batch, make_step())
        self._step_cycle.before_loss(batch, make_step)
        if self.config.shares_one_view and self._view.edits:
            view_step = self._step(self._position.view_seed(), self._position.steps, num_items)
            batch = read_view(batch, self._view, view_step).batch
        with self._step_cycle.forward_stage(model, batch):
            result = checked_loss(run_stage(self.forward, model, batch, make_step()), type(self.forward).__name__)
        self._step_cycle.after_loss(model, batch, make_step, result.value)
        self.terms = result.terms
        return result.value

    def _step(self, seed: int, number: int, num_items: Tensor | int | None) -> Step:
        """The `Step` of one call of the loss; a replay makes it again, with the generator at its start."""
        return Step(
            torch.Generator().manual_seed(seed),
            number,
            num_items,
            self.task_options,
            perturbs=self.forward.perturbs,
            view_reader=self._view_reader,
            optimizer_weights=optimizer_parameters(self.optimizer.optimizer),
        )

    def _preparation_step(self, batch: int) -> Step:
        return self._step(self._position.preparation_seed(batch), 0, None)

    def prepare(self, batches: Iterable[Batch], *, accumulation_steps: int = 1, model: nn.Module | None = None) -> None:
        """One pass over the training data before the first step, for methods that score the pretrained weights.

        Only Child-Tuning D and RoAST need it; the other methods do nothing here. The weights do not change.

        Args:
            batches: the training data, for example a loader; each batch as for `loss`, on any device.
            accumulation_steps: batches per optimizer step. The scores come from the gradients of whole steps, here and
                in training, and an epoch is counted in steps.
            model: as for `loss`.

        Raises:
            UsageError: there is no batch, the number of accumulation steps is not at least 1, or the method is not
                attached.
        """
        if self.backward.prepared:
            return
        optimizer, model = self.optimizer.optimizer, self._attached.model_to_run(model)
        self.on_new_parameters()
        try:
            observe_training_data(self.backward, optimizer, model, batches, accumulation_steps, self._preparation_step)
        except BaseException:  # a second call must not add to the scores of a part of the data
            self.backward = self.config.backward(self.config)
            self.backward.attach(self._attached.model, optimizer)
            self._new_step_cycle()
            raise
        self.backward.finish_preparation()
        if not self.backward.prepared:
            raise UsageError(f"{type(self.backward).__name__}.finish_preparation() must set self.prepared = True.")

    def wrap_optimizer(
        self, optimizer: torch.optim.Optimizer, model: nn.Module, tokenizer: Any = None
    ) -> StagedOptimizer:
        """The optimizer with this method's backward stage in front; for the arguments see `attach`.

        Raises:
            UsageError: the method cannot work on this model (see `uegr.check`) or with this optimizer, or it has
                another optimizer already.
        """
        check_optimizer(optimizer)
        if self._attached_or_none is not None and self.optimizer.optimizer is not optimizer:
            raise UsageError(
                "this method has an optimizer already: put all parameters into one optimizer, or call method.reset() "
                "before a second training."
            )
        check_trains(optimizer, model)
        check_dtypes(optimizer_parameters(optimizer))
        restore_mixed_weights(model)
        self._view_reader = view_reader_of(self.config, model, tokenizer)
        self.forward.attach(model)
        self.backward.attach(model, optimizer)
        self._attached_or_none = AttachedModel(model, StagedOptimizer(optimizer, self))
        self._new_step_cycle()
        return self.optimizer

    def _new_step_cycle(self) -> None:
        self._step_cycle: StepCycle = StepCycle(
            name=self.name,
            attached=self._attached,
            forward=self.forward,
            backward=self.backward,
            position=self._position,
            backward_only=self._backward_only,
        )

    def step(self) -> None:
        """One backward stage; called by the wrapped optimizer.

        Raises:
            UsageError: no loss of this step came from `method.loss`, or there are no gradients.
        """
        self._step_cycle.run_backward_stage()

    def on_zero_grad(self) -> None:
        """Give up an unfinished step: the loop sets the gradients to zero. Called by the wrapped optimizer."""
        self._step_cycle.give_up()

    def on_new_parameters(self) -> None:
        """Look at the parameters again: the loop may have changed them. Called by the wrapped optimizer."""
        self._step_cycle.on_new_parameters()

    def cost(self) -> float:
        """Arithmetic of one step, in forward passes; plain fine-tuning is 3. See `ForwardStage.cost`."""
        return self.backward.cost(self.forward.cost())

    def state_dict(self) -> dict[str, Any]:
        return {
            "method": self.name,
            "calls": self._position.calls,
            "steps": self._position.steps,
            "forward": self.forward.state_dict(),
            "backward": self.backward.state_dict(),
            SHAPES: shapes_of(self.backward),
        }

    def check_state_dict(self, state: dict[str, Any]) -> None:
        """Check that a state can be loaded.

        Raises:
            UsageError: the state is another method's or another model's, or not a state of a method.
        """
        parameters = None if self._attached_or_none is None else optimizer_parameters(self.optimizer.optimizer)
        check_state(state, self.name, parameters)
        self.forward.check_state_dict(state["forward"])

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned.

        Raises:
            UsageError: see `check_state_dict`; nothing has then been loaded.
        """
        self.check_state_dict(state)
        self._position.calls, self._position.steps = state["calls"], state["steps"]
        self.forward.load_state_dict(state["forward"])
        self.backward.load_state_dict(state["backward"])

    @property
    def _attached(self) -> AttachedModel:
        if self._attached_or_none is None:
            raise UsageError("attach the method first: method = config.attach(model=model, optimizer=optimizer, ...).")
        return self._attached_or_none
