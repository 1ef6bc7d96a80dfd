"""One data-parallel process: trains a small BERT with each method on its share of fixed batches and saves the weights.

torchrun --nproc_per_node 2 worker.py FOLDER {ddp,fsdp,accelerate} ...
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
import torch.distributed as dist
from accelerate import Accelerator
from torch.nn.parallel import DistributedDataParallel

sys.path.insert(0, str(Path(__file__).parents[1]))
from support.small_models import batch, bert
from uegr import make_config

STEPS, EXAMPLES = 4, 8
OPTIONS = {
    "plain": {},
    "uegr": {"dropout": (0.0, 0.0), "refresh": 2, "mask_mode": "frozen", "probability": "top_share", "share": 0.5},
}


def train(method_name: str, wrapper: str, rank: int, world: int) -> dict[str, torch.Tensor]:
    """The weights after four steps on the rank's share of eight examples of one length, without dropout."""
    model = bert(dropout=0.0)
    if wrapper == "ddp":
        trained: torch.nn.Module = DistributedDataParallel(model)
    elif wrapper == "fsdp":
        from torch.distributed.fsdp import fully_shard

        for layer in model.bert.encoder.layer:
            fully_shard(layer)
        trained = fully_shard(model)
    else:
        trained = model
    backward = torch.Tensor.backward
    sgd = torch.optim.SGD(trained.parameters(), lr=0.1, momentum=0.9)
    method = make_config(method_name, OPTIONS[method_name]).attach(model=trained, optimizer=sgd)
    optimizer = method.optimizer
    if wrapper == "accelerate":
        accelerator = Accelerator(cpu=True)
        trained, optimizer = accelerator.prepare(trained, optimizer)
        backward = accelerator.backward
    trained.train()
    for i in range(STEPS):
        whole = batch(EXAMPLES, seed=i)
        whole["input_ids"], whole["attention_mask"] = (
            whole["input_ids"].clamp_min(4),
            torch.ones_like(whole["labels"])[:, None].expand(-1, whole["input_ids"].shape[1]),
        )
        share = {key: value[rank::world].contiguous() for key, value in whole.items()}
        backward(method.loss(share, model=trained))
        optimizer.step()
        optimizer.zero_grad()
    weights = {key: value.detach() for key, value in model.state_dict().items()}
    return {key: value.full_tensor() if hasattr(value, "full_tensor") else value for key, value in weights.items()}


def train_on_texts_of_several_lengths(rank: int) -> None:
    """Batches that one rank alone could join: the ranks must still make the same number of forward passes."""
    model = DistributedDataParallel(bert())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    method = make_config("uegr", {"passes": 3}).attach(model=model, optimizer=optimizer)
    for i in range(STEPS):
        method.loss(batch(EXAMPLES, 30 if i % 2 == rank else 7, seed=i), model=model.train()).backward()
        method.optimizer.step()
        method.optimizer.zero_grad()


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
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
