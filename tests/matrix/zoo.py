"""Every architecture and kind of task of the matrix: small random models of the real Hugging Face classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from transformers import (
    AlbertConfig,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    BartConfig,
    BertConfig,
    DebertaV2Config,
    DistilBertConfig,
    ElectraConfig,
    GPT2Config,
    LlamaConfig,
    ModernBertConfig,
    MPNetConfig,
    PreTrainedConfig,
    PreTrainedModel,
    Qwen2Config,
    RobertaConfig,
    T5Config,
)

from uegr.modeling.model_loading import load_classifier
from uegr.modeling.scratch.scratch_models import SCRATCH

VOCABULARY, WIDTH, TOKENS, EXAMPLES, CLASSES = 40, 16, 9, 6, 3
SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": WIDTH,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 32,
    "initializer_range": 0.2,
    "pad_token_id": 0,
}
DECODER = {**SIZES, "num_key_value_heads": 2, "bos_token_id": 1, "eos_token_id": 2}
ENCODERS: dict[str, Callable[[], PreTrainedConfig]] = {
    "BERT": lambda: BertConfig(**SIZES),
    "RoBERTa": lambda: RobertaConfig(**{**SIZES, "pad_token_id": 1}),
    "DistilBERT": lambda: DistilBertConfig(
        vocab_size=VOCABULARY,
        dim=WIDTH,
        n_layers=2,
        n_heads=2,
        hidden_dim=32,
        max_position_embeddings=32,
        initializer_range=0.2,
    ),
    "ALBERT": lambda: AlbertConfig(**SIZES, embedding_size=8),
    "ELECTRA": lambda: ElectraConfig(**SIZES, embedding_size=8),
    "DeBERTa-v2": lambda: DebertaV2Config(
        **SIZES, relative_attention=True, pos_att_type=["p2c", "c2p"], position_buckets=8, norm_rel_ebd="layer_norm"
    ),
    "ModernBERT": lambda: ModernBertConfig(
        **SIZES,
        global_attn_every_n_layers=2,
        local_attention=4,
        cls_token_id=2,
        sep_token_id=3,
        bos_token_id=2,
        eos_token_id=3,
    ),
    "MPNet": lambda: MPNetConfig(**{**SIZES, "pad_token_id": 1}),
}
DECODERS: dict[str, Callable[[], PreTrainedConfig]] = {
    "GPT-2": lambda: GPT2Config(
        vocab_size=VOCABULARY,
        n_embd=WIDTH,
        n_layer=2,
        n_head=2,
        n_positions=32,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        initializer_range=0.2,
    ),
    "Llama": lambda: LlamaConfig(**DECODER),
    "Qwen": lambda: Qwen2Config(**DECODER),
}
ENCODER_DECODERS: dict[str, Callable[[], PreTrainedConfig]] = {
    "T5": lambda: T5Config(
        vocab_size=VOCABULARY,
        d_model=WIDTH,
        d_kv=8,
        d_ff=32,
        num_layers=2,
        num_heads=2,
        decoder_start_token_id=0,
        pad_token_id=0,
    ),
    "BART": lambda: BartConfig(
        vocab_size=VOCABULARY,
        d_model=WIDTH,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_position_embeddings=32,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=2,
        forced_eos_token_id=None,
    ),
}
CONFIGS = {**ENCODERS, **DECODERS, **ENCODER_DECODERS}
ARCHITECTURES = [*CONFIGS, *SCRATCH]
KINDS = ["single", "pair", "regression", "multi-label", "token", "causal LM", "seq2seq"]


def applies(architecture: str, kind: str) -> str:
    """Why a kind of task does not apply to an architecture; empty if it does."""
    if kind == "seq2seq":
        return "" if architecture in ENCODER_DECODERS else "no decoder over an encoder"
    if architecture in ENCODER_DECODERS:
        return "used for sequence-to-sequence here"
    if kind == "causal LM":
        return "" if architecture in DECODERS else "not a causal model"
    if architecture in SCRATCH and kind == "token":
        return "one output per sentence"
    return ""


def applicable_kinds() -> list[tuple[str, str]]:
    """Every architecture with every kind of task that applies to it."""
    return [(name, kind) for name in ARCHITECTURES for kind in KINDS if not applies(name, kind)]


def usual_kind(architecture: str) -> str:
    """The kind of task to try training settings on."""
    return "seq2seq" if architecture in ENCODER_DECODERS else "single"


def make_model(architecture: str, kind: str) -> PreTrainedModel:
    """A small random model with the head of that kind of task."""
    torch.manual_seed(0)
    if architecture in SCRATCH:
        if kind == "regression":
            return load_classifier(architecture, ["score"], 0, VOCABULARY, "regression")
        task = "multi_label" if kind == "multi-label" else "classification"
        return load_classifier(architecture, ["a", "b", "c"], 0, VOCABULARY, task)
    config = CONFIGS[architecture]()
    if kind == "causal LM":
        return AutoModelForCausalLM.from_config(config)
    if kind == "seq2seq":
        return AutoModelForSeq2SeqLM.from_config(config)
    config.num_labels = 1 if kind == "regression" else CLASSES
    head = AutoModelForTokenClassification if kind == "token" else AutoModelForSequenceClassification
    return head.from_config(config)


def make_batch(architecture: str, kind: str, examples: int = EXAMPLES) -> dict[str, Tensor]:
    """Token ids with padding on the right, the mask, and labels of that kind of task."""
    generator = torch.Generator().manual_seed(1)
    pad = CONFIGS[architecture]().pad_token_id if architecture in CONFIGS else 0
    ids = torch.randint(5, VOCABULARY, (examples, TOKENS), generator=generator)
    mask = (torch.arange(TOKENS) < torch.arange(TOKENS, TOKENS - examples, -1)[:, None].clamp_min(3)).long()
    ids = torch.where(mask.bool(), ids, 0 if pad is None else pad)
    batch = {"input_ids": ids, "attention_mask": mask}
    if kind == "pair" and architecture in ("BERT", "ALBERT", "ELECTRA", "DeBERTa-v2"):
        batch["token_type_ids"] = (torch.arange(TOKENS) >= TOKENS // 2).long().expand(examples, -1) * mask
    labels = {
        "regression": lambda: torch.randn(examples, generator=generator),
        "multi-label": lambda: torch.randint(0, 2, (examples, CLASSES), generator=generator).float(),
        "token": lambda: torch.where(mask.bool(), ids % CLASSES, -100),
        "causal LM": lambda: torch.where(mask.bool(), ids, -100),
        "seq2seq": lambda: torch.where(mask[:, :5].bool(), ids[:, :5], -100),
    }.get(kind, lambda: ids[:, 1] % CLASSES)
    return {**batch, "labels": labels()}
