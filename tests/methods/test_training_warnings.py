"""A training that does something else than its user expects says so, once, and its numbers stay as they are."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import (
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    AutoModelForMaskedLM,
    AutoModelForSeq2SeqLM,
    AutoModelForTokenClassification,
    BartConfig,
    BertConfig,
    FlaubertConfig,
    Gemma3Config,
    GPT2Config,
    MixtralConfig,
    T5Config,
    XLNetConfig,
)

from support.small_models import WORDS, Linear, batch, bert, gradients_of, llama, weights_of
from uegr.errors import UegrWarning
from uegr.libraries import silence_libraries
from uegr.methods.method import Method
from uegr.methods.method_lookup import METHODS, make_config

OWN_LOSS = "has a loss of its own"


def attached(name: str, model: nn.Module, **options: Any) -> Method:
    """A method around SGD; the model is in train mode."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return make_config(name, {}).attach(model=model.train(), optimizer=optimizer, seed=3, **options)


def warnings_of_loss(method: Method, data: dict[str, Tensor]) -> list[str]:
    """What the first loss warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        method.loss(data)
    return [str(warning.message) for warning in caught]


def two_steps(method: Method) -> None:
    for seed in range(2):
        method.loss(batch(seed=seed)).backward()
        method.optimizer.step()


# Eval mode


@pytest.mark.parametrize("name", ["plain", "uegr", "r-drop"])
def test_a_model_that_is_trained_in_eval_mode_is_warned_of_once(name: str) -> None:
    model = bert()
    method = attached(name, model)
    model.eval()
    with pytest.warns(UserWarning, match=r"call model\.train\(\) before the training loop") as warned:
        two_steps(method)
    assert len(warned) == 1
    assert warned[0].filename == __file__


@pytest.mark.parametrize("mode", ["train mode", "without gradients", "no dropout"])
def test_a_model_whose_dropout_is_as_it_should_be_is_not_warned_of(mode: str) -> None:
    model = bert(dropout=0.0 if mode == "no dropout" else 0.1)
    method = attached("plain", model)
    model.train(mode == "train mode")
    with torch.set_grad_enabled(mode != "without gradients"):
        assert warnings_of_loss(method, batch()) == []


def test_a_method_with_dropout_of_its_own_needs_train_mode_on_any_model() -> None:
    model = llama()
    method = attached("uegr", model)
    model.eval()
    with pytest.warns(UserWarning, match="the model is in eval mode"):
        method.loss(batch())


# A loss inside the model


class ClassWeightsInside(Linear):
    """A classifier of one's own that weights its classes; its dropout would change the loss from pass to pass."""

    def __init__(self, weights: tuple[float, float] = (1.0, 5.0)) -> None:
        super().__init__(dropout=0.5)
        self.register_buffer("class_weights", torch.tensor(weights))

    def forward(  # type: ignore[override]
        self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None
    ) -> SimpleNamespace:
        logits = super().forward(input_ids, attention_mask).logits
        loss = None if labels is None else F.cross_entropy(logits, labels, self.class_weights)  # type: ignore[arg-type]
        return SimpleNamespace(loss=loss, logits=logits)


def language_model(kind: Any, config: Any) -> nn.Module:
    torch.manual_seed(0)
    model: nn.Module = kind.from_config(config)
    return model


SIZES = {"vocab_size": len(WORDS), "num_attention_heads": 2, "num_hidden_layers": 1, "hidden_size": 16}


def mixture_of_experts() -> nn.Module:
    config = MixtralConfig(
        **SIZES,
        intermediate_size=16,
        num_key_value_heads=2,
        num_local_experts=2,
        output_router_logits=True,
        router_aux_loss_coef=1.0,
    )
    return language_model(AutoModelForCausalLM, config)


def xlnet() -> nn.Module:
    return language_model(AutoModelForCausalLM, XLNetConfig(vocab_size=len(WORDS), d_model=16, n_layer=1, n_head=2))


def flaubert() -> nn.Module:
    config = FlaubertConfig(vocab_size=len(WORDS), emb_dim=16, n_layers=1, n_heads=2, dropout=0.0)
    config.attention_dropout = 0.0
    return language_model(AutoModelForMaskedLM, config)


def gemma3() -> nn.Module:
    """Reads images too, and is called ...ForConditionalGeneration, as encoder-decoders are."""
    words = len(WORDS)
    text = {**SIZES, "vocab_size": words + 3, "num_key_value_heads": 1, "intermediate_size": 16, "head_dim": 8}
    image = {**SIZES, "intermediate_size": 16, "image_size": 28, "patch_size": 14}
    tokens = {"image_token_index": words, "boi_token_index": words + 1, "eoi_token_index": words + 2}
    config = Gemma3Config(text_config=text, vision_config=image, mm_tokens_per_image=4, **tokens)
    return language_model(AutoModelForImageTextToText, config)


def token_labels(seed: int = 0) -> dict[str, Tensor]:
    data = batch(seed=seed)
    return {**data, "labels": data["input_ids"].masked_fill(data["attention_mask"] == 0, -100)}


@pytest.mark.parametrize("name", ["plain", "uegr", "sam"])
def test_a_loss_inside_the_model_that_is_not_used_is_warned_of_once(name: str) -> None:
    method = attached(name, ClassWeightsInside())
    with pytest.warns(UserWarning, match="ClassWeightsInside has a loss of its own") as warned:
        two_steps(method)
    assert len(warned) == 1
    assert warned[0].filename == __file__


def test_the_loss_of_adapters_that_is_not_used_is_warned_of() -> None:
    """AdaLoRA adds to the loss how far its adapters are from orthogonal; LoRA adds nothing."""
    peft = pytest.importorskip("peft")
    for config, expected in (
        (peft.LoraConfig(task_type="SEQ_CLS", target_modules=["query"]), []),
        (peft.AdaLoraConfig(task_type="SEQ_CLS", target_modules=["query"], total_step=100), ["AdaLoraModel"]),
        (peft.PromptTuningConfig(task_type="SEQ_CLS", num_virtual_tokens=2), []),
    ):
        messages = warnings_of_loss(attached("plain", peft.get_peft_model(bert(), config)), batch())
        assert [message.split(f" {OWN_LOSS}")[0] for message in messages if OWN_LOSS in message] == expected


@pytest.mark.parametrize("is_wrapped", [False, True])
def test_a_language_models_loss_that_is_another_one_is_warned_of(is_wrapped: bool) -> None:
    model = mixture_of_experts()
    method = attached("plain", Wrapper(model) if is_wrapped else model)
    assert any(OWN_LOSS in message for message in warnings_of_loss(method, token_labels()))


def t5() -> nn.Module:
    config = T5Config(vocab_size=len(WORDS), d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
    config.decoder_start_token_id = 0
    return language_model(AutoModelForSeq2SeqLM, config)


def bart() -> nn.Module:
    config = BartConfig(vocab_size=len(WORDS), d_model=16, encoder_layers=1, decoder_layers=1)
    config.encoder_attention_heads = config.decoder_attention_heads = 2
    return language_model(AutoModelForSeq2SeqLM, config)


def gpt2() -> nn.Module:
    return language_model(AutoModelForCausalLM, GPT2Config(vocab_size=len(WORDS), n_embd=16, n_layer=1, n_head=2))


def token_classifier() -> nn.Module:
    return language_model(AutoModelForTokenClassification, BertConfig(**SIZES, num_labels=len(WORDS)))


class Wrapper(nn.Module):
    """A module around a model that hands everything on."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.inner, self.config = model, model.config

    def forward(self, **inputs: Tensor) -> Any:
        return self.inner(**inputs)


USUAL_LOSSES: dict[str, tuple[Callable[[], nn.Module], dict[str, Tensor]]] = {
    "classes": (bert, batch()),
    "many classes": (lambda: bert(labels=5), batch()),
    "bfloat16": (lambda: bert().bfloat16(), batch()),
    "regression": (lambda: bert(labels=1), {**batch(), "labels": batch()["labels"].float()}),
    "multi-label": (lambda: bert(labels=3), {**batch(), "labels": torch.ones(4, 3)}),
    "decoder": (llama, batch()),
    "tokens": (token_classifier, token_labels()),
    "causal": (gpt2, token_labels()),
    "causal, with images": (gemma3, token_labels()),
    "labels at their places": (xlnet, token_labels()),
    "causal, in a module": (lambda: Wrapper(gpt2()), token_labels()),
    "labels at their places, in a module": (lambda: Wrapper(xlnet()), token_labels()),
    "classes, in a module": (lambda: Wrapper(bert()), batch()),
    "masked words": (flaubert, token_labels()),
    "t5": (t5, token_labels()),
    "bart": (bart, token_labels()),
    "no labels argument": (Linear, batch()),
    "equal class weights": (lambda: ClassWeightsInside((1.0, 1.0)), batch()),
}
"""A model and a batch of each kind."""


@pytest.mark.parametrize("kind", USUAL_LOSSES)
def test_the_usual_loss_is_not_warned_of(kind: str) -> None:
    make_model, data = USUAL_LOSSES[kind]
    assert warnings_of_loss(attached("plain", make_model()), data) == []


@pytest.mark.parametrize(
    "options",
    [
        {"class_weights": [1.0, 5.0]},
        {"label_smoothing": 0.1},
        {"loss_fn": F.cross_entropy},
        {"compute_loss": lambda model, data: (model(**data).loss, None)},
    ],
)
def test_whoever_chooses_a_loss_is_not_warned(options: dict[str, Any]) -> None:
    assert warnings_of_loss(attached("plain", ClassWeightsInside(), **options), batch()) == []


def test_a_model_whose_own_loss_fails_on_the_labels_trains_without_a_word() -> None:
    class Failing(ClassWeightsInside):
        def forward(self, *arguments: Any, labels: Tensor | None = None, **inputs: Tensor) -> SimpleNamespace:  # type: ignore[override]
            if labels is not None:
                raise RuntimeError("labels of another shape were expected")
            return super().forward(*arguments, **inputs)

    assert warnings_of_loss(attached("plain", Failing()), batch()) == []


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_the_look_at_the_models_loss_changes_nothing(precision: torch.dtype) -> None:
    """Neither the random numbers, nor the gradients under autocast, nor the model's modes and configuration."""
    results = []
    for chosen in ({}, {"loss_fn": lambda logits, labels: F.cross_entropy(logits.float(), labels, reduction="none")}):
        model = bert()
        method = attached("plain", model, **chosen)
        model.dropout.eval()
        state = torch.get_rng_state()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision is torch.bfloat16):
            loss = method.loss(batch())
        loss.backward()
        assert torch.equal(torch.get_rng_state(), state)
        assert model.training
        assert not model.dropout.training
        assert model.config.problem_type is None
        results.append([loss, *gradients_of(model), *weights_of(model)])
    for with_a_look, without in zip(*results, strict=True):
        torch.testing.assert_close(with_a_look, without, rtol=0, atol=0)


def test_a_warning_of_uegr_is_shown_where_libraries_are_silent() -> None:
    with warnings.catch_warnings(record=True) as shown:
        warnings.resetwarnings()
        silence_libraries()
        warnings.warn("a notice of a library", UserWarning, stacklevel=1)
        two_steps(attached("plain", ClassWeightsInside()))
    assert [warning.category for warning in shown] == [UegrWarning]


@pytest.mark.parametrize("zero_grad", ["own", "method"])
@pytest.mark.parametrize("name", ["uegr", "sam", "plain"])
def test_a_loop_that_steps_its_own_optimizer_is_warned_once(name: str, zero_grad: str) -> None:
    model = bert()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    method = make_config(name).attach(model=model.train(), optimizer=optimizer)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            method.loss(batch()).backward()
            optimizer.step()
            (optimizer if zero_grad == "own" else method.optimizer).zero_grad()
    [warning] = caught
    assert f"without method.optimizer.step(), so the backward stage of {name} does not run" in str(warning.message)


@pytest.mark.parametrize("name", METHODS)
def test_accumulated_skipped_and_made_steps_are_not_warned_of(name: str) -> None:
    model = bert()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    method = make_config(name).attach(model=model.train(), optimizer=optimizer, train_loader=[batch()])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for skip in (False, True, False, False):
            for _ in range(2):
                method.loss(batch()).backward()
            with torch.no_grad():
                method.loss(batch())
            if not skip:
                method.optimizer.step()
            method.optimizer.zero_grad()
        method.optimizer.load_state_dict(method.optimizer.state_dict())
        method.loss(batch())
    assert not caught
