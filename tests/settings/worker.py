"""One data-parallel process: trains a small BERT with each method on its share of fixed batches and saves the weights.

torchrun --nproc_per_node 2 worker.py FOLDER {ddp,fsdp,accelerate,lightning} ...

With accelerate and Lightning the method is attached to the plain model, as the documentation says. "fsdp" shards the
model first; accelerate and the Trainer shard it after the method is attached, which must make no difference.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any
from unittest import mock

import torch
import torch.distributed as dist
from accelerate import Accelerator, DistributedType
from accelerate.state import AcceleratorState
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.nn.parallel import DistributedDataParallel

sys.path.insert(0, str(Path(__file__).parents[1]))
from support.reviews import tokenizer
from support.small_models import batch, bert
from support.small_trainer import arguments, rows
from uegr import FreeLBConfig, UEGRTrainer, make_config
from uegr.errors import UegrWarning

STEPS, EXAMPLES = 4, 8
OPTIONS = {
    "plain": {},
    "sam": {},
    "child-tuning-d": {},
    "uegr": {"dropout": (0.0, 0.0), "refresh": 2, "mask_mode": "frozen", "probability": "top_share", "share": 0.5},
}
ORDERS = ("child-tuning-d", "roast", "l2-sp", "mixout", "uegr")
"""Methods that are attached to a sharded model, and to one that is sharded later."""


def train(
    method_name: str, wrapper: str, rank: int, world: int, steps: int = STEPS, **attached: Any
) -> dict[str, torch.Tensor]:
    """The weights after some steps on the rank's share of eight examples of one length, without dropout.

    Args:
        method_name, wrapper, rank, world, steps: what is trained, how and how long.
        **attached: further arguments of `attach`.
    """
    model = bert(dropout=0.0)
    if wrapper == "ddp":
        trained: torch.nn.Module = DistributedDataParallel(model)
    elif wrapper == "fsdp":
        trained = sharded(model)
    else:
        trained = model
    backward = torch.Tensor.backward
    shares = [share(i, rank, world) for i in range(steps)]
    if wrapper == "lightning":
        return trained_by_lightning(model, method_name, shares)
    sgd = torch.optim.SGD(trained.parameters(), lr=0.1, momentum=0.9)
    with torch.no_grad():  # leaves FSDP's outer layers whole, with weights that are not those of the optimizer
        trained(**batch(2))
    config = make_config(method_name, OPTIONS.get(method_name, {}))
    loader = None if wrapper == "fsdp after attach" else shares
    method = config.attach(model=trained, optimizer=sgd, train_loader=loader, **attached)
    optimizer = method.optimizer
    if wrapper in ("fsdp after attach", "fsdp after preparation"):
        trained = sharded(model, sgd)
        with torch.no_grad():
            trained(**batch(2))
        method.prepare(shares, model=trained)
    if wrapper == "accelerate":
        accelerator = Accelerator(cpu=True)
        trained, optimizer = accelerator.prepare(trained, optimizer)
        backward = accelerator.backward
    trained.train()
    for data in shares:
        backward(method.loss(data, model=trained))
        optimizer.step()
        optimizer.zero_grad()
    weights = {key: value.detach() for key, value in model.state_dict().items()}
    return {key: value.full_tensor() if hasattr(value, "full_tensor") else value for key, value in weights.items()}


def sharded(model: torch.nn.Module, optimizer: torch.optim.Optimizer | None = None) -> torch.nn.Module:
    """The model with a part of each weight on each process, also in the optimizer: the way of accelerate."""
    names = {id(weight): name for name, weight in model.named_parameters()}
    for layer in model.bert.encoder.layer:
        fully_shard(layer)
    fully_shard(model)
    parts = dict(model.named_parameters())
    for group in [] if optimizer is None else optimizer.param_groups:
        group["params"] = [parts[names[id(weight)]] for weight in group["params"]]
    return model


def shard_before_and_after(rank: int) -> None:
    """A model that is sharded before the method is attached, after it, or after the preparation: the same weights."""
    for name in ORDERS:
        orders = ("fsdp", "fsdp after attach", "fsdp after preparation")
        first, *others = (train(name, order, rank, dist.get_world_size(), 2, tokenizer=tokenizer()) for order in orders)
        for other, order in zip(others, orders[1:], strict=True):
            for key, value in first.items():
                torch.testing.assert_close(other[key], value, msg=lambda text: f"{name}, {order}, {key}: {text}")  # noqa: B023


def share(seed: int, rank: int, world: int) -> dict[str, torch.Tensor]:
    """A process's share of eight examples without padding."""
    whole = batch(EXAMPLES, seed=seed)
    whole["input_ids"], whole["attention_mask"] = (
        whole["input_ids"].clamp_min(4),
        torch.ones_like(whole["labels"])[:, None].expand(-1, whole["input_ids"].shape[1]),
    )
    return {key: value[rank::world].contiguous() for key, value in whole.items()}


def trained_by_lightning(
    model: torch.nn.Module, method_name: str, shares: list[dict[str, torch.Tensor]]
) -> dict[str, torch.Tensor]:
    """The same training in a LightningModule, which Lightning wraps as a whole."""
    import lightning

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model, self.method = model.train(), make_config(method_name, OPTIONS[method_name]).create(seed=0)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            sgd = torch.optim.SGD(self.model.parameters(), lr=0.1, momentum=0.9)
            return self.method.attach(model=self.model, optimizer=sgd, train_loader=shares).optimizer

        def training_step(self, data: dict[str, torch.Tensor], _index: int) -> torch.Tensor:
            return self.method.loss(data)

    trainer = lightning.Trainer(
        **{"accelerator": "cpu", "devices": dist.get_world_size(), "strategy": "ddp", "max_epochs": 1},
        **dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False),
        use_distributed_sampler=False,
    )
    trainer.fit(Module(), torch.utils.data.DataLoader(shares, batch_size=None))  # type: ignore[arg-type]
    return {key: value.detach() for key, value in model.state_dict().items()}


def train_without_the_wrapper(rank: int) -> None:
    """A loop that forgets to give the loss its wrapped model is warned in the first step, in each process."""
    model = bert()
    DistributedDataParallel(model)
    method = make_config("plain").attach(model=model.train(), optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
    for i in range(2):
        with warnings.catch_warnings(record=True) as raised:
            warnings.simplefilter("always")
            method.loss(share(i, rank, dist.get_world_size())).backward()
            method.optimizer.step()
            method.optimizer.zero_grad()
        assert any("gradients differ between the processes" in str(w.message) for w in raised) == (i == 0)


def train_on_texts_of_several_lengths(rank: int) -> None:
    """Batches that one rank alone could join: the ranks must still make the same number of forward passes."""
    model = DistributedDataParallel(bert())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    method = make_config("uegr", {"passes": 3}).attach(model=model, optimizer=optimizer)
    for i in range(STEPS):
        method.loss(batch(EXAMPLES, 30 if i % 2 == rank else 7, seed=i), model=model.train()).backward()
        method.optimizer.step()
        method.optimizer.zero_grad()


def log_with_the_trainer(folder: Path) -> None:
    """Each logged term is that of all processes: the loss of FreeLB is its only one."""
    steps = {"max_steps": 2, "logging_steps": 1, "logging_nan_inf_filter": False}
    trainer = UEGRTrainer(bert(), arguments(folder, **steps), method=FreeLBConfig(), train_dataset=rows())
    trainer.train()
    entries = [entry for entry in trainer.state.log_history if "loss" in entry]
    assert len(entries) == 2
    for entry in entries:
        assert abs(entry["loss"] - entry["adversarial_loss"]) < 1e-5, entry


def resume_sharded_with_the_trainer(folder: Path) -> None:
    """A training that is resumed from a checkpoint of FSDP2 gives the weights of one that was not interrupted."""
    make_state = AcceleratorState.__init__

    def sharding_state(state: AcceleratorState, *args: Any, fsdp_plugin: Any = None, **kwargs: Any) -> None:
        make_state(state, *args, fsdp_plugin=fsdp_plugin, **kwargs)
        if fsdp_plugin is not None:  # accelerate itself shards on GPUs only
            state.distributed_type, state.fsdp_plugin = DistributedType.FSDP, fsdp_plugin

    sharding = {"version": 2, "transformer_layer_cls_to_wrap": ["BertLayer"], "state_dict_type": "SHARDED_STATE_DICT"}
    saving = {"max_steps": 2, "save_strategy": "steps", "save_steps": 1}
    results = []
    with mock.patch.object(AcceleratorState, "__init__", sharding_state), warnings.catch_warnings():
        warnings.simplefilter("error", UegrWarning)
        for checkpoint in (None, str(folder / "checkpoint-1")):
            trainer = UEGRTrainer(
                bert(),
                arguments(folder, fsdp=True, fsdp_config=dict(sharding), **saving),
                method=make_config("child-tuning-d"),
                train_dataset=rows(),
            )
            trainer.train(resume_from_checkpoint=checkpoint)
            assert isinstance(trainer.model, FSDPModule)
            results.append({key: value.full_tensor() for key, value in trainer.model.named_parameters()})
    assert all(torch.equal(results[1][key], value) for key, value in results[0].items())


def main() -> None:
    folder, wrappers = Path(sys.argv[1]), sys.argv[2:]
    if "accelerate" in wrappers:
        Accelerator(cpu=True)  # makes the process group itself
    else:
        dist.init_process_group("gloo")
    rank = dist.get_rank()
    for wrapper in wrappers:
        for method in OPTIONS:
            weights = train(method, wrapper, rank, dist.get_world_size())
            torch.save(weights, folder / f"{wrapper}-{method}-{rank}.pt")
    if "ddp" in wrappers:
        train_on_texts_of_several_lengths(rank)
        train_without_the_wrapper(rank)
    if "fsdp" in wrappers:
        shard_before_and_after(rank)
        resume_sharded_with_the_trainer(folder / "sharded")
    if "accelerate" in wrappers:
        log_with_the_trainer(folder / "trainer")
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
