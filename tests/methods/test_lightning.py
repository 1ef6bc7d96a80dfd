"""The door of Lightning: automatic and manual optimization, accumulation, clipping, bf16, resuming, and Fabric."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from support.small_models import batch, bert
from uegr import METHODS, FreeLBConfig, MethodConfig, PlainConfig, UEGRConfig
from uegr.methods.method import Method

lightning = pytest.importorskip("lightning", reason="needs Lightning: pip install lightning")

BATCHES = [batch(4, 6, seed=i) for i in range(6)]


class Automatic(lightning.LightningModule):
    def __init__(self, config: MethodConfig) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.model = bert().train()
        self.method = config.create(seed=0)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-3)
        return self.method.reset().attach(model=self.model, optimizer=optimizer, train_loader=BATCHES).optimizer

    def training_step(self, data: dict[str, Tensor], _index: int) -> Tensor:
        return self.method.loss(data)


class Manual(Automatic):
    automatic_optimization = False

    def __init__(self, config: MethodConfig) -> None:
        super().__init__(config)
        self.automatic_optimization = False

    def training_step(self, data: dict[str, Tensor], _index: int) -> None:  # type: ignore[override]
        optimizer: Any = self.optimizers()
        self.manual_backward(self.method.loss(data))
        self.clip_gradients(optimizer, gradient_clip_val=1.0)
        optimizer.step()
        optimizer.zero_grad()


def loader() -> DataLoader[Any]:
    return DataLoader(BATCHES, batch_size=None)  # type: ignore[arg-type]


def fitted(module: Any, folder: Path, checkpoint: Path | None = None, **settings: Any) -> Any:
    trainer = lightning.Trainer(
        **{"max_epochs": 1, "accelerator": "cpu", "logger": False, "enable_checkpointing": False, **settings},
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
    )
    trainer.fit(module, loader(), ckpt_path=checkpoint, **({} if checkpoint is None else {"weights_only": False}))
    return trainer


def own_loop(config: MethodConfig, *, accumulation: int = 1, clip: float | None = None) -> dict[str, Tensor]:
    """The weights after the same batches in a loop of one's own."""
    module = Automatic(config)
    method, optimizer = module.method, module.configure_optimizers()
    for index, data in enumerate(BATCHES, start=1):
        (method.loss(data) / accumulation).backward()
        if index % accumulation == 0:
            if clip is not None:
                torch.nn.utils.clip_grad_norm_(module.model.parameters(), clip)
            optimizer.step()
            optimizer.zero_grad()
    return module.model.state_dict()


def assert_equal(weights: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    for name, value in expected.items():
        torch.testing.assert_close(weights[name], value, rtol=0, atol=0, msg=name)


@pytest.mark.parametrize("name", list(METHODS))
def test_automatic_optimization_equals_a_loop_of_ones_own(name: str, tmp_path: Path) -> None:
    config = METHODS[name]()
    module = Automatic(config)
    fitted(module, tmp_path)
    assert_equal(module.model.state_dict(), own_loop(config))


@pytest.mark.parametrize("config", [PlainConfig(), UEGRConfig(), FreeLBConfig()], ids=lambda config: config.method)
def test_accumulation_and_clipping_equal_a_loop_of_ones_own(config: MethodConfig, tmp_path: Path) -> None:
    module = Automatic(config)
    fitted(module, tmp_path, accumulate_grad_batches=2, gradient_clip_val=0.5)
    assert_equal(module.model.state_dict(), own_loop(config, accumulation=2, clip=0.5))
    assert module.method.state_dict()["steps"] == 3


def test_manual_optimization_equals_a_loop_of_ones_own(tmp_path: Path) -> None:
    module = Manual(UEGRConfig())
    fitted(module, tmp_path)
    assert_equal(module.model.state_dict(), own_loop(UEGRConfig(), clip=1.0))


def test_a_resumed_training_ends_as_an_uninterrupted_one(tmp_path: Path) -> None:
    whole = Automatic(UEGRConfig())
    fitted(whole, tmp_path, max_epochs=2)
    half = Automatic(UEGRConfig())
    fitted(half, tmp_path, max_epochs=1).save_checkpoint(tmp_path / "half.ckpt")
    for resumed in (Automatic(UEGRConfig()), half):  # in another process, and in this one
        fitted(resumed, tmp_path, tmp_path / "half.ckpt", max_epochs=2)
        assert resumed.method.state_dict()["steps"] == whole.method.state_dict()["steps"] == 12
        assert_equal(resumed.model.state_dict(), whole.model.state_dict())


def test_a_fit_after_a_search_for_the_learning_rate_equals_a_loop_of_ones_own(tmp_path: Path) -> None:
    module = Automatic(UEGRConfig())
    trainer = lightning.Trainer(
        **{"max_epochs": 1, "accelerator": "cpu", "logger": False, "enable_checkpointing": False},
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    lightning.pytorch.tuner.Tuner(trainer).lr_find(module, loader(), num_training=4, update_attr=False)
    trainer.fit(module, loader())
    assert_equal(module.model.state_dict(), own_loop(UEGRConfig()))


def test_bf16_trains(tmp_path: Path) -> None:
    module = Automatic(UEGRConfig())
    before = {name: value.clone() for name, value in module.model.state_dict().items()}
    fitted(module, tmp_path, precision="bf16-mixed")
    assert any(not torch.equal(value, before[name]) for name, value in module.model.state_dict().items())
    assert all(bool(torch.isfinite(value).all()) for value in module.model.state_dict().values())


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "bf16-true"])
@pytest.mark.parametrize("name", ["plain", "uegr", "freelb", "sam", "r-drop"])
def test_fabric_trains(name: str, precision: str) -> None:
    fabric = lightning.Fabric(accelerator="cpu", precision=precision)
    torch.manual_seed(0)
    model = bert().train()
    method = METHODS[name]().attach(model=model, optimizer=torch.optim.AdamW(model.parameters(), lr=1e-3))
    wrapped, optimizer = fabric.setup(model, method.optimizer)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    for data in BATCHES[:3]:
        loss = method.loss(data, model=wrapped)
        fabric.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
        assert bool(torch.isfinite(loss))
    assert method.state_dict()["steps"] == 3
    assert any(not torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_a_batch_is_one_loss_and_one_step(tmp_path: Path) -> None:
    module = Automatic(UEGRConfig())
    method: Method = module.method
    fitted(module, tmp_path)
    assert method.state_dict()["calls"] == method.state_dict()["steps"] == len(BATCHES)
