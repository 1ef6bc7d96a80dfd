"""Two small models from scratch that generate text.

They are Hugging Face's own T5 (Raffel et al. 2020) and GPT-2 (Radford et al. 2019) with random weights and small
sizes [ours], for tests and first experiments; for results take a pretrained model.
"""

from collections.abc import Callable
from typing import Any

from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    T5Config,
    T5ForConditionalGeneration,
)

from uegr.data.kind import Kind
from uegr.errors import UsageError


def _encoder_decoder(tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    tokens: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "pad_token_id": tokenizer.pad_token_id,
        "decoder_start_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.sep_token_id,
    }
    return T5ForConditionalGeneration(T5Config(d_model=128, d_kv=32, d_ff=256, num_layers=2, num_heads=4, **tokens))


def _decoder(tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=len(tokenizer),
            n_embd=128,
            n_layer=2,
            n_head=4,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.cls_token_id,
            eos_token_id=tokenizer.sep_token_id,
        )
    )


SCRATCH_LANGUAGE: dict[str, tuple[Kind, Callable[[PreTrainedTokenizerBase], PreTrainedModel]]] = {
    "encoder-decoder": ("seq2seq", _encoder_decoder),
    "decoder": ("causal_lm", _decoder),
}
"""Language models from scratch, by the name that --model_name_or_path takes."""


def scratch_language_model(name: str, kind: Kind, tokenizer: PreTrainedTokenizerBase) -> PreTrainedModel:
    """A model from scratch that generates text, in float32."""
    built_for, build = SCRATCH_LANGUAGE[name]
    if built_for != kind:
        fitting = next(name for name, (built_kind, _) in SCRATCH_LANGUAGE.items() if built_kind == kind)
        raise UsageError(f"model '{name}' is for {built_for}, the task is {kind}: take '{fitting}' or a hub name.")
    return build(tokenizer)
