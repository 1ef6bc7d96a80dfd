"""A loss of the user's own that runs the model itself: pairs of texts, texts tokenized on the way, no logits."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from support.reviews import tokenizer
from support.small_models import batch, bert
from uegr import METHODS, FreeLBConfig, MethodConfig, PlainConfig, RDropConfig, UEGRConfig, UsageError, make_config
from uegr.methods.method import Method
from uegr.modeling.embeddings import input_embeddings


def classified(model: nn.Module, data: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """The loss that the methods compute themselves."""
    logits = model(**{name: value for name, value in data.items() if name != "labels"}).logits
    return F.cross_entropy(logits, data["labels"]), logits


def paired(model: nn.Module, data: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """Two texts of different length in one batch, as a reward model has them."""
    first, second = model(**data["chosen"]).logits, model(**data["rejected"]).logits
    return -F.logsigmoid(first[:, 0] - second[:, 0]).mean(), torch.cat([first, second])


def pair(seed: int = 0) -> dict[str, Any]:
    texts = (batch(4, length, seed=seed + length) for length in (6, 9))
    chosen, rejected = ({name: value for name, value in text.items() if name != "labels"} for text in texts)
    return {"chosen": chosen, "rejected": rejected}


def attached(config: MethodConfig, model: nn.Module, **arguments: Any) -> Method:
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    return config.attach(model=model.train(), optimizer=optimizer, **arguments)


@pytest.mark.parametrize("name", METHODS)
def test_the_tasks_own_loss_given_as_a_function_changes_nothing(name: str) -> None:
    weights = []
    for arguments in ({}, {"compute_loss": classified}):
        model = bert()
        method = attached(METHODS[name](), model, train_loader=[batch(seed=9)], **arguments)
        for seed in range(3):
            method.loss(batch(seed=seed)).backward()
            method.optimizer.step()
            method.optimizer.zero_grad()
        weights.append(model.state_dict())
    for key, value in weights[0].items():
        if "key.bias" in key:  # no loss depends on it: AdamW makes steps of its rounding
            continue
        torch.testing.assert_close(weights[1][key], value, rtol=1e-4, atol=1e-5, msg=key)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_lowers_a_loss_of_pairs(name: str) -> None:
    model = bert()
    method = attached(METHODS[name](), model, compute_loss=paired, train_loader=[pair()])

    def loss() -> float:
        with torch.no_grad():
            return float(method.loss(pair()))

    before = loss()
    for _ in range(15):
        method.loss(pair()).backward()
        method.optimizer.step()
        method.optimizer.zero_grad()
    assert loss() < 0.7 * before


def test_the_adversary_moves_the_tokens_of_both_texts_and_no_padding() -> None:
    model = bert()
    seen: list[Tensor] = []

    def recorded(model: nn.Module, data: dict[str, Any]) -> tuple[Tensor, Tensor]:
        # Registered after the method's own hook, so it sees what that gave back.
        handle = input_embeddings(model).register_forward_hook(lambda _l, _i, output: seen.append(output.detach()))
        try:
            return paired(model, data)
        finally:
            handle.remove()

    data = pair()
    config = UEGRConfig(epsilon=0.3, by_confidence=False)
    attached(config, model, compute_loss=recorded).loss(data)
    words = input_embeddings(model).weight.detach()  # type: ignore[union-attr]
    moved = [
        text - words[data[name]["input_ids"]] for name, text in zip(("chosen", "rejected"), seen[-2:], strict=True)
    ]
    assert not data["rejected"]["attention_mask"].all()
    for name, part in zip(("chosen", "rejected"), moved, strict=True):
        real = data[name]["attention_mask"].bool()
        assert (part[real].norm(dim=-1) > 0).all()
        assert (part[~real] == 0).all()


def test_without_logits_the_adversary_works_and_there_is_no_divergence() -> None:
    model = bert()
    method = attached(
        UEGRConfig(epsilon=0.5, dropout=(0.0, 0.0), by_confidence=False),
        model,
        compute_loss=lambda model, data: (paired(model, data)[0], None),
    )
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    method.loss(pair()).backward()
    assert method.terms["pass_loss"] > method.terms["clean_loss"]
    assert method.terms["divergence"] == 0
    with pytest.raises(UsageError, match="this loss gives no logits"):
        attached(RDropConfig(), bert(), compute_loss=lambda model, data: (paired(model, data)[0], None)).loss(pair())


@pytest.mark.parametrize("gives_logits", [True, False])
@pytest.mark.parametrize("epsilon", [0.06, 0.0])
def test_a_clean_pass_that_is_held_fixed_keeps_the_value_of_its_loss(gives_logits: bool, epsilon: float) -> None:
    """It has no weight in the loss, and joins the divergence where there are logits."""
    terms = []
    for clean_weight in (0.0, 1e-9):
        method = attached(
            UEGRConfig(epsilon=epsilon, detach_clean=True, clean_weight=clean_weight, by_confidence=False),
            bert(),
            compute_loss=lambda model, data: (paired(model, data)[0], paired(model, data)[1] if gives_logits else None),
        )
        method.loss(pair()).backward()
        terms.append(method.terms)
    for name, value in terms[1].items():
        torch.testing.assert_close(terms[0][name], value, msg=name)
    assert bool(terms[0]["divergence"] > 0) == gives_logits


def test_without_logits_a_single_example_has_confidence_1() -> None:
    """Its label is not compared with a constant that stands for the logits."""
    losses = []
    for by_confidence in (True, False):
        method = attached(
            UEGRConfig(by_confidence=by_confidence, dropout=(0.0, 0.0)),
            bert(dropout=0.0),
            compute_loss=lambda model, data: (classified(model, data)[0], None),
        )
        method.loss(batch(1))
        losses.append(method.terms["pass_loss"])
    torch.testing.assert_close(losses[0], losses[1])


def test_gradients_reach_every_weight_once() -> None:
    """Plain fine-tuning of the function is the function."""
    model = bert()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    attached(PlainConfig(), model, compute_loss=paired).loss(pair()).backward()
    gradients = {
        name: parameter.grad.clone() for name, parameter in model.named_parameters() if parameter.grad is not None
    }
    model.zero_grad()
    paired(model, pair())[0].backward()
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(gradients[name], parameter.grad, msg=name)


def test_wrong_use_is_explained() -> None:
    with pytest.raises(UsageError, match="compute_loss is the whole loss"):
        UEGRConfig().create(compute_loss=paired, label_smoothing=0.1)
    with pytest.raises(UsageError, match="never calls the embedding layer of .* with gradients enabled"):
        attached(FreeLBConfig(), bert(), compute_loss=lambda _m, _d: (torch.zeros(()), None)).loss(pair())
    with pytest.raises(UsageError, match="one text per row in its input_ids"):
        views = UEGRConfig(views=("adversarial", "characters"))
        attached(views, bert(), compute_loss=paired, tokenizer=tokenizer()).loss(pair())


@pytest.mark.parametrize("loss", [torch.ones(4), 0.5])
def test_a_loss_that_is_no_scalar_is_refused(loss: Any) -> None:
    method = attached(UEGRConfig(), bert(), compute_loss=lambda model, data: (loss, model(**data).logits))
    with pytest.raises(UsageError, match=r"must be a scalar tensor, not .*: take its mean\(\)"):
        method.loss(batch())


def test_a_function_that_returns_the_loss_alone_is_refused() -> None:
    method = attached(PlainConfig(), bert(), compute_loss=lambda model, data: classified(model, data)[0])
    with pytest.raises(UsageError, match="compute_loss must return two values: the loss, and the logits or None"):
        method.loss(batch())


@pytest.mark.parametrize(
    "config",
    [UEGRConfig(dropout=(0.0, 0.0)), *(make_config(name) for name in ("fgm", "freelb", "smart", "neftune"))],
    ids=lambda config: config.method,
)
def test_a_reference_pass_without_gradients_is_not_perturbed(config: MethodConfig) -> None:
    """A loss that runs a reference first trains as one that runs it last."""

    def with_reference(seen: list[Tensor], first: bool, model: nn.Module, data: Any) -> tuple[Tensor, Tensor]:
        inputs = {key: value for key, value in data.items() if key != "labels"}
        logits = None if first else model(**inputs).logits
        with torch.no_grad():
            seen.append(model(**inputs).logits)
        logits = model(**inputs).logits if logits is None else logits
        return (logits - seen[-1]).square().mean() + F.cross_entropy(logits, data["labels"]), logits

    losses = []
    for first in (True, False):
        model, seen = bert(dropout=0.0), list[Tensor]()
        loss = attached(config, model, compute_loss=partial(with_reference, seen, first)).loss(batch())
        loss.backward()
        losses.append(loss.detach())
        with torch.no_grad():
            plain = model(**{key: value for key, value in batch().items() if key != "labels"}).logits
        for logits in seen:
            torch.testing.assert_close(logits, plain)
    torch.testing.assert_close(*losses)
