"""The mixin over trainers with a loss of their own: TRL's, sentence-transformers', and heads without "labels"."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from transformers import (
    BertConfig,
    BertForMultipleChoice,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertModel,
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    Trainer,
    TrainingArguments,
)

from support.reviews import reviews, tokenizer
from uegr import (
    FreeLBConfig,
    MethodConfig,
    PlainConfig,
    RobustTrainerMixin,
    SMARTConfig,
    UEGRConfig,
    UsageError,
)

trl = pytest.importorskip("trl", reason="needs TRL: pip install trl")
sentence_transformers = pytest.importorskip(
    "sentence_transformers", reason="needs sentence-transformers: pip install sentence-transformers"
)
from sentence_transformers import cross_encoder  # noqa: E402
from sentence_transformers.cross_encoder.losses import BinaryCrossEntropyLoss  # noqa: E402
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss  # noqa: E402

TEXTS = list(reviews(32, seed=0)["text"])
METHODS = [UEGRConfig(), FreeLBConfig(), SMARTConfig()]
MakeTrainer = Callable[..., Any]


def settings(folder: Path, **others: Any) -> dict[str, Any]:
    return {
        **{"output_dir": str(folder), "max_steps": 3, "per_device_train_batch_size": 4, "learning_rate": 1e-3},
        **{"report_to": [], "save_strategy": "no", "logging_steps": 1, "use_cpu": True, "bf16": False},
        "disable_tqdm": True,
        **others,
    }


def llama(model_class: Any, folder: Path, **options: Any) -> Any:
    torch.manual_seed(0)
    tokens = tokenizer()
    config = LlamaConfig(
        vocab_size=len(tokens),
        **{"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2},
        **{"num_attention_heads": 2, "num_key_value_heads": 2, "max_position_embeddings": 64},
        **{"pad_token_id": tokens.pad_token_id, "eos_token_id": tokens.sep_token_id},
        **options,
    )
    model_class(config).save_pretrained(folder)
    return model_class.from_pretrained(folder)


def text_tokenizer() -> Any:
    tokens = tokenizer()
    tokens.eos_token = tokens.sep_token
    return tokens


def with_method(trainer_class: Any, method: MethodConfig | None) -> Callable[..., Any]:
    """The trainer alone, or the mixin over it."""
    if method is None:
        return trainer_class
    robust = type(f"Robust{trainer_class.__name__}", (RobustTrainerMixin, trainer_class), {})
    return lambda **arguments: robust(method=method, **arguments)


def sft(folder: Path, method: MethodConfig | None, **others: Any) -> Any:
    return with_method(trl.SFTTrainer, method)(
        model=llama(LlamaForCausalLM, folder / "model"),
        args=trl.SFTConfig(**settings(folder, max_length=16, **others)),
        train_dataset=Dataset.from_dict({"text": TEXTS}),
        processing_class=text_tokenizer(),
    )


def reward(folder: Path, method: MethodConfig | None, **others: Any) -> Any:
    return with_method(trl.RewardTrainer, method)(
        model=llama(LlamaForSequenceClassification, folder / "model", num_labels=1),
        args=trl.RewardConfig(**settings(folder, max_length=16, **others)),
        train_dataset=Dataset.from_dict({"chosen": TEXTS[:16], "rejected": TEXTS[16:]}),
        processing_class=text_tokenizer(),
    )


def dpo(folder: Path, method: MethodConfig | None, **others: Any) -> Any:
    return with_method(trl.DPOTrainer, method)(
        model=llama(LlamaForCausalLM, folder / "model"),
        args=trl.DPOConfig(**settings(folder, max_length=16, **others)),
        train_dataset=Dataset.from_dict({"prompt": ["a"] * 16, "chosen": TEXTS[:16], "rejected": TEXTS[16:]}),
        processing_class=text_tokenizer(),
    )


def sentences(folder: Path, method: MethodConfig | None, **others: Any) -> Any:
    model = sentence_transformers.SentenceTransformer(str(encoder(folder)), device="cpu")
    return with_method(sentence_transformers.SentenceTransformerTrainer, method)(
        model=model,
        args=sentence_transformers.SentenceTransformerTrainingArguments(**settings(folder, **others)),
        train_dataset=Dataset.from_dict({"anchor": TEXTS[:16], "positive": TEXTS[16:]}),
        loss=MultipleNegativesRankingLoss(model),
    )


def pairs(folder: Path, method: MethodConfig | None, **others: Any) -> Any:
    model = sentence_transformers.CrossEncoder(str(encoder(folder)), num_labels=1, device="cpu")
    return with_method(cross_encoder.CrossEncoderTrainer, method)(
        model=model,
        args=cross_encoder.CrossEncoderTrainingArguments(**settings(folder, **others)),
        train_dataset=Dataset.from_dict({"first": TEXTS[:16], "second": TEXTS[16:], "label": [0.0, 1.0] * 8}),
        loss=BinaryCrossEntropyLoss(model),
    )


def bert_config(**options: Any) -> BertConfig:
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    return BertConfig(vocab_size=len(tokenizer()), pad_token_id=tokenizer().pad_token_id, **sizes, **options)


def encoder(folder: Path) -> Path:
    from transformers import BertModel

    torch.manual_seed(0)
    BertModel(bert_config()).save_pretrained(folder / "encoder")
    tokenizer().save_pretrained(folder / "encoder")
    return folder / "encoder"


def answers(folder: Path, method: MethodConfig | None, **others: Any) -> Any:
    torch.manual_seed(0)
    ids = torch.randint(5, 10, (16, 8)).tolist()
    rows = {"input_ids": ids, "start_positions": [1, 2] * 8, "end_positions": [3, 4] * 8}
    return with_method(Trainer, method)(
        model=BertForQuestionAnswering(bert_config()),
        args=TrainingArguments(**settings(folder, **others)),
        train_dataset=Dataset.from_dict(rows),
    )


def choices(folder: Path, method: MethodConfig | None, **others: Any) -> Any:
    torch.manual_seed(0)
    ids = torch.randint(5, 10, (16, 3, 8))
    mask = torch.ones_like(ids)
    mask[:, 1, 5:] = 0
    rows = {"input_ids": ids.tolist(), "attention_mask": mask.tolist(), "labels": [0, 2] * 8}
    return with_method(Trainer, method)(
        model=BertForMultipleChoice(bert_config()),
        args=TrainingArguments(**settings(folder, **others)),
        train_dataset=Dataset.from_dict(rows),
    )


TRAINERS: list[MakeTrainer] = [sft, reward, dpo, sentences, pairs, answers, choices]


def without_dropout(trainer: Any) -> Any:
    for module in trainer.model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return trainer


def measured(trainer: Any) -> list[dict[str, Any]]:
    """What the trainer logs about its steps, but for times and the numbers of the method."""
    trainer.train()
    left_out = ("time", "per_second", "flos", "update_share")
    return [
        {name: value for name, value in entry.items() if not any(word in name for word in left_out)}
        for entry in trainer.state.log_history
    ]


@pytest.mark.parametrize("make", TRAINERS, ids=lambda make: make.__name__)
def test_plain_fine_tuning_is_the_trainers_own(make: MakeTrainer, tmp_path: Path) -> None:
    # transformers 5.23 adds up the accumulated losses of a head that ignores num_items_in_batch, as this one does.
    accumulation = 1 if make is choices else 2
    logs, weights = [], []
    for method in (None, PlainConfig()):
        trainer = without_dropout(make(tmp_path, method, gradient_accumulation_steps=accumulation))
        logs.append(measured(trainer))
        weights.append(trainer.model.state_dict())
    for own, robust in zip(*logs, strict=True):
        assert own.keys() == robust.keys()
        for name, value in own.items():
            if name != "rewards/accuracies":  # a comparison of rewards that are equal at first, but for rounding
                assert robust[name] == pytest.approx(value, rel=1e-4, abs=1e-6), name
    for name, tensor in weights[0].items():
        torch.testing.assert_close(weights[1][name], tensor, rtol=1e-4, atol=1e-6, msg=name)


@pytest.fixture(scope="module")
def own(make: MakeTrainer, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What the trainer alone logs."""
    return measured(without_dropout(make(tmp_path_factory.mktemp("own"), None)))


@pytest.mark.parametrize("make", TRAINERS, ids=lambda make: make.__name__, scope="module")
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.method)
def test_a_method_trains_through_the_loss_of_the_trainer(
    make: MakeTrainer, method: MethodConfig, own: list[dict[str, Any]], tmp_path: Path
) -> None:
    trainer = make(tmp_path, method)
    if make is sentences and not isinstance(method, (UEGRConfig, FreeLBConfig)):
        with pytest.raises(UsageError, match="this loss gives no logits"):
            trainer.train()
        return
    before = {name: tensor.clone() for name, tensor in trainer.model.state_dict().items()}
    robust = measured(trainer)
    changed = [name for name, tensor in trainer.model.state_dict().items() if not torch.equal(tensor, before[name])]
    assert changed
    for name in own[0].keys() - {"loss", "grad_norm"}:  # its own measurements: once per step, not once per pass
        assert name in robust[0]
        if name in ("num_tokens", "epoch", "learning_rate"):
            assert robust[0][name] == own[0][name]
    if isinstance(method, UEGRConfig):
        assert robust[0]["pass_loss"] > 0
        assert (robust[0]["divergence"] > 0) == (make is not sentences), "an encoder of sentences gives no logits"


@pytest.mark.parametrize("make", TRAINERS, ids=lambda make: make.__name__)
def test_the_adversary_raises_the_loss_of_the_trainer(make: MakeTrainer, tmp_path: Path) -> None:
    trainer = without_dropout(make(tmp_path, UEGRConfig(epsilon=0.5, dropout=(0.0, 0.0), by_confidence=False)))
    first = measured(trainer)[0]
    assert first["pass_loss"] > first["clean_loss"]


def test_the_loss_type_of_sft_is_kept(tmp_path: Path) -> None:
    own, robust = (
        measured(without_dropout(sft(tmp_path, method, loss_type="dft"))) for method in (None, PlainConfig())
    )
    nll = measured(without_dropout(sft(tmp_path, None)))
    assert robust[0]["loss"] == pytest.approx(own[0]["loss"], rel=1e-4)
    assert own[0]["loss"] < 0.5 * nll[0]["loss"]


def test_an_adapter_is_trained_through_sft_and_dpo(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    for make, trainer_class in ((sft, trl.SFTTrainer), (dpo, trl.DPOTrainer)):
        base = make(tmp_path, None)
        robust = with_method(trainer_class, UEGRConfig())(
            model=llama(LlamaForCausalLM, tmp_path / "model"),
            args=base.args,
            train_dataset=Dataset.from_dict(
                {"text": TEXTS} if make is sft else {"prompt": ["a"] * 8, "chosen": TEXTS[:8], "rejected": TEXTS[8:16]}
            ),
            processing_class=text_tokenizer(),
            peft_config=peft.LoraConfig(task_type="CAUSAL_LM", r=2, target_modules=["q_proj", "v_proj"]),
        )
        first = measured(robust)[0]
        assert first["divergence"] > 0
        assert first["pass_loss"] > 0


class WithoutLogits(Trainer):
    """A loss of the model's last states: its labels belong to no logits."""

    def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **_: Any) -> Any:
        labels = inputs.pop("labels")
        outputs = model(**inputs)
        loss = (outputs.last_hidden_state[:, 0].mean(-1) - labels).square().mean()
        return (loss, outputs) if return_outputs else loss


class Pairs(Trainer):
    """A loss of two texts per label: the logits have twice as many rows as the labels."""

    def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **_: Any) -> Any:
        labels = inputs.pop("labels")
        outputs = model(**{name: torch.cat([values, values.flip(1)]) for name, values in inputs.items()})
        first, second = outputs.logits.chunk(2)
        loss = torch.nn.functional.cross_entropy(first - second, labels)
        return (loss, outputs) if return_outputs else loss


@pytest.mark.parametrize("accumulation", [1, 2])
@pytest.mark.parametrize(
    ("trainer_class", "model_class"), [(WithoutLogits, BertModel), (Pairs, BertForSequenceClassification)]
)
def test_labels_that_fit_no_logits_do_not_change_the_loss(
    trainer_class: Any, model_class: Any, accumulation: int, tmp_path: Path
) -> None:
    """A step on 16 examples, in one batch or in two, against the trainer alone on one batch."""
    logs = []
    for method, batches in ((None, 1), (PlainConfig(), accumulation)):
        torch.manual_seed(0)
        ids = torch.randint(5, 10, (16, 8)).tolist()
        sizes = {"per_device_train_batch_size": 16 // batches, "gradient_accumulation_steps": batches}
        trainer = with_method(trainer_class, method)(
            model=model_class(bert_config()),
            args=TrainingArguments(**settings(tmp_path, max_steps=1, remove_unused_columns=False, **sizes)),
            train_dataset=Dataset.from_dict({"input_ids": ids, "labels": [0, 1] * 8}),
        )
        logs.append(measured(without_dropout(trainer))[0])
    assert logs[1]["loss"] == pytest.approx(logs[0]["loss"], rel=1e-4)
    assert logs[1]["grad_norm"] == pytest.approx(logs[0]["grad_norm"], rel=1e-4)
