"""A method at work: a forward stage and a backward stage behind one object, for any training loop.

method = UEGRConfig(passes=2).attach(model=model, optimizer=optimizer, train_loader=loader)
for batch in loader:
    method.loss(batch).backward()         # forward stage
    method.optimizer.step()               # backward stage
    method.optimizer.zero_grad()
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from uegr.backward.replay import Replay
from uegr.backward.staged_optimizer import StagedOptimizer
from uegr.errors import UsageError
from uegr.forward.forward_stage import Batch, Step, TaskOptions
from uegr.forward.own_loss_batch import find_tokens
from uegr.forward.plain import PlainForward
from uegr.forward.view_reader import ViewReader, view_reader_of
from uegr.forward.viewed_passes import read_view
from uegr.methods.fabric import gradients_allowed
from uegr.methods.method_config import MethodConfig
from uegr.methods.training_position import TrainingPosition
from uegr.modeling.task_kinds.own_loss import ComputeLoss
from uegr.modeling.task_kinds.task_kind import LossFunction
from uegr.modeling.weight_formats import check_formats


class Method:
    """Two stages behind one object.

    All randomness is a function of `seed` and of two counters (calls of the loss, optimizer steps), which `state_dict`
    holds: dropout differs between data-parallel ranks, parameter masks are the same on all.

    Args:
        config: the method and its options.
        seed: of dropout, random starts and masks.
        class_weights: weight of each class in the cross-entropy.
        label_smoothing: of the cross-entropy, in [0, 1).
        loss_fn: your own loss of logits and labels, in place of the task's, for every pass of the method: one value per
            example (or token), or their mean.
        compute_loss: your own loss that runs the model itself, for losses that are no function of logits and labels
            (reward models, contrastive losses, other trainers): from a model and a batch to a scalar loss, a mean over
            the batch, and the logits or None. Without logits the passes are not held together by a divergence.
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
        self.config, self.seed = config, seed
        if compute_loss is not None and (class_weights is not None or label_smoothing or loss_fn is not None):
            raise UsageError(
                "compute_loss is the whole loss: put class weights, label smoothing and loss_fn into it, and leave "
                "those arguments out."
            )
        weights = None if class_weights is None else torch.tensor(list(class_weights), dtype=torch.float32)
        self.task_options = TaskOptions(weights, label_smoothing, loss_fn, compute_loss)
        self._view = config.parsed_views()[0]
        self.reset()

    def reset(self) -> Method:
        """Forget the model, the optimizer and all that was learned: attach again, for a second training."""
        self.forward, self.backward = self.config.forward(self.config), self.config.backward(self.config)
        self.terms: dict[str, Tensor] = {}
        """Parts of the last loss, detached scalars."""
        self._position = TrainingPosition(self.seed)
        self._replay = Replay(self.forward)
        self._view_reader: ViewReader | None = None
        self._model: nn.Module | None = None
        self._optimizer: StagedOptimizer | None = None
        self._begun = False
        self._has_gradients = False
        self._backward_only = False
        return self

    @property
    def name(self) -> str:
        """What logs, tables and results call it."""
        return self.config.method

    @property
    def optimizer(self) -> StagedOptimizer:
        """The user's optimizer with this method's backward stage in front; use it in the optimizer's place."""
        if self._optimizer is None:
            raise UsageError("attach the method first: method = config.attach(model=model, optimizer=optimizer, ...).")
        return self._optimizer

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
        """Bind the method to a model and an optimizer.

        Args:
            model: any module whose forward takes what a batch holds (except "labels") and returns an object with
                `.logits`.
            optimizer: the user's own; `method.optimizer` replaces it.
            tokenizer: of the model, a fast one, for views that edit texts. Without it UEGR's default view `auto` edits
                none.
            train_loader: batches of the training data; needed only by methods that score the pretrained weights
                first (Child-Tuning D, RoAST), see `prepare`.
            accumulation_steps: batches per optimizer step, for `prepare`.
            backward_only: use the backward stage alone, on the gradients of your own loss. Without it, a step whose
                loss did not come from `method.loss` is an error.

        Raises:
            UsageError: a stage cannot work on this model; see `uegr.check`.
        """
        if backward_only and self.backward.replays:
            raise UsageError(
                f"{self.name} computes a second gradient of method.loss(...): leave out backward_only=True, and "
                "compute the loss with method.loss(batch)."
            )
        self._backward_only = backward_only
        self.wrap_optimizer(optimizer, model, tokenizer)
        if train_loader is not None:
            self.prepare(train_loader, accumulation_steps=accumulation_steps)
        return self

    def loss(self, batch: Any, *, num_items: Tensor | int | None = None, model: nn.Module | None = None) -> Tensor:
        """The loss of a batch: a scalar to call backward() on.

        Args:
            batch: a dict with "labels" beside the model's inputs; with `compute_loss` whatever it takes.
            num_items: divide the summed loss by this number of targets and not by the batch's own: for gradient
                accumulation, the targets of all accumulated batches together.
            model: in train mode; the attached one if left out. A wrapper of it (DDP, torch.compile) may differ.

        Under `torch.no_grad()` it is the task's loss of one plain pass, for validation.

        Raises:
            UsageError: the batch has no labels, or the method is not attached or not prepared.
        """
        if self.task_options.compute_loss is None and "labels" not in batch:
            raise UsageError("the batch holds no 'labels': name the column of the targets 'labels'.")
        optimizer = self.optimizer.optimizer
        if not self.backward.prepared:
            raise UsageError(
                f"{self.name} scores the pretrained weights before training: give attach(...) a train_loader, or call "
                "method.prepare(loader) once."
            )
        model = self._attached(model)
        batch = self._as_read(model, batch)
        seed, steps = self._position.forward_seed(), self._position.steps

        def step() -> Step:
            generator = torch.Generator().manual_seed(seed)
            return Step(
                generator,
                steps,
                num_items,
                self.task_options,
                perturbs=self.forward.perturbs,
                view_reader=self._view_reader,
            )

        if not torch.is_grad_enabled():  # a validation loss: of one plain pass, and no part of the training
            return PlainForward()(model, batch, step()).value
        self.backward.before(optimizer, self._position.backward_seed())
        self._begun = True
        if self.config.most_views == 1 and self._view.edits:
            view_generator = torch.Generator().manual_seed(self._position.view_seed())
            batch = read_view(batch, self._view, replace(step(), generator=view_generator)).batch
        with gradients_allowed():
            result = self.forward(model, batch, step())
        if self.backward.replays:
            self._replay.record(model, batch, step, result.value)
        if result.value.requires_grad:
            result.value.register_hook(self._on_backward)
        self._position.calls += 1
        self.terms = result.terms
        return result.value

    def prepare(self, batches: Iterable[Batch], *, accumulation_steps: int = 1, model: nn.Module | None = None) -> None:
        """One pass over the training data before the first step, for methods that score the pretrained weights.

        Those are Child-Tuning D and RoAST; all others do nothing. The weights stay as they are.

        Args:
            batches: as for `loss`, a loader for example.
            accumulation_steps: batches per optimizer step. What is scored here and in training is a step's gradient,
                and an epoch is counted in steps.
            model: as for `loss`.
        """
        if self.backward.prepared:
            return
        optimizer, model = self.optimizer.optimizer, self._attached(model)
        was_training = model.training
        model.train()
        batches, index = iter(batches), itertools.count()
        while step_batches := list(itertools.islice(batches, accumulation_steps)):
            for batch in step_batches:
                generator = torch.Generator().manual_seed(self._position.preparation_seed(next(index)))
                step = Step(generator, task_options=self.task_options, perturbs=self.forward.perturbs)
                PlainForward()(model, self._as_read(model, batch), step).value.backward()
            self.backward.observe(optimizer)
            optimizer.zero_grad()
        model.train(was_training)
        self.backward.finish_preparation()

    def wrap_optimizer(
        self, optimizer: torch.optim.Optimizer, model: nn.Module, tokenizer: Any = None
    ) -> StagedOptimizer:
        """The optimizer with this method's backward stage in front; for the arguments see `attach`.

        Raises:
            UsageError: the method cannot work on this model (see `uegr.check`) or with this optimizer.
        """
        if isinstance(optimizer, StagedOptimizer) or hasattr(optimizer, "gradient_state"):
            raise UsageError(
                "attach the method to your own optimizer, once, before accelerator.prepare(...): a wrapped optimizer "
                "would step the method at every accumulated batch."
            )
        if self._optimizer is not None and self._optimizer.optimizer is not optimizer:
            raise UsageError(
                "this method has an optimizer already: put all parameters into one optimizer, or call method.reset() "
                "before a second training."
            )
        check_formats(parameter for group in optimizer.param_groups for parameter in group["params"])
        self._view_reader = view_reader_of(self.config, model, tokenizer)
        self.forward.attach(model)
        self.backward.attach(model, optimizer)
        self._model, self._optimizer = model, StagedOptimizer(optimizer, self)
        return self._optimizer

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        """One backward stage; called by the wrapped optimizer.

        Raises:
            UsageError: no loss of this step came from `method.loss`.
        """
        if not (self._begun or self._backward_only):
            raise UsageError(
                f"optimizer.step() without method.loss(...): {self.name} would train without its forward stage. "
                "Compute the loss with method.loss(batch) (your own loss function: loss_fn=...), or attach with "
                "backward_only=True."
            )
        with gradients_allowed():
            self.backward.update(optimizer, self._position.backward_seed(), self._replay)
        self.forward.release()
        self._replay.clear()
        self._begun = self._has_gradients = False
        self._position.steps += 1

    def on_zero_grad(self) -> None:
        """The loop sets the gradients to zero: a step that it has begun and not made is given up."""
        if self._has_gradients:
            self.backward.discard(self.optimizer.optimizer)
            self._replay.discard_gradients()
            self._begun = self._has_gradients = False

    def on_new_parameters(self) -> None:
        """The loop has added a parameter group to the optimizer."""
        assert self._model is not None
        self.backward.attach(self._model, self.optimizer.optimizer)

    def _on_backward(self, _gradient: Tensor) -> None:
        self._has_gradients = True

    def cost(self) -> float:
        """Arithmetic of one step in forward passes; plain fine-tuning is 3. See `ForwardStage.cost`."""
        return self.backward.cost(self.forward.cost())

    def state_dict(self) -> dict[str, Any]:
        return {
            "calls": self._position.calls,
            "steps": self._position.steps,
            "forward": self.forward.state_dict(),
            "backward": self.backward.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._position.calls, self._position.steps = state["calls"], state["steps"]
        self.forward.load_state_dict(state["forward"])
        self.backward.load_state_dict(state["backward"])

    def _as_read(self, model: nn.Module, batch: Any) -> Batch:
        """The batch as the stages read it."""
        compute_loss = self.task_options.compute_loss
        if compute_loss is None:
            return batch  # type: ignore[no-any-return]
        return find_tokens(model, batch, compute_loss, perturbs=self.forward.perturbs)

    def _attached(self, model: nn.Module | None) -> nn.Module:
        model = self._model if model is None else model
        assert model is not None  # set together with the optimizer
        return model
