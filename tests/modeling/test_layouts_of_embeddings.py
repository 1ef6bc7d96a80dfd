"""Models that look up their tokens in another shape than the batch has, and models that look up none."""

from typing import Any

import pytest
import torch
from accelerate import cpu_offload
from transformers import (
    BigBirdConfig,
    BigBirdForSequenceClassification,
    CanineConfig,
    CanineForSequenceClassification,
    IBertConfig,
    IBertForSequenceClassification,
    LongformerConfig,
    LongformerForSequenceClassification,
    XLNetConfig,
    XLNetForSequenceClassification,
)

import uegr
from support.reviews import tokenizer
from uegr import UEGRConfig, UsageError, make_config
from uegr.evaluation.attacks.pgd import PGD
from uegr.modeling.embeddings import embedding_scale
from uegr.modeling.perturbed_pass import perturbed
from uegr.modeling.tokenizer_match import check_vocabulary

SIZES: dict[str, Any] = {"vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
SIZES |= {"intermediate_size": 16, "max_position_embeddings": 130, "initializer_range": 0.3}


def xlnet() -> torch.nn.Module:
    sizes: dict[str, Any] = {
        "vocab_size": 40,
        "d_model": 16,
        "n_layer": 1,
        "n_head": 2,
        "d_inner": 16,
        "initializer_range": 0.3,
    }
    return XLNetForSequenceClassification(XLNetConfig(**sizes, dropout=0.1))


def longformer() -> torch.nn.Module:
    return LongformerForSequenceClassification(LongformerConfig(**SIZES, attention_window=8, pad_token_id=1))


def big_bird() -> torch.nn.Module:
    sparse = {"attention_type": "block_sparse", "block_size": 2, "num_random_blocks": 1}
    return BigBirdForSequenceClassification(BigBirdConfig(**SIZES, **sparse))


def canine() -> torch.nn.Module:
    sizes = {**SIZES, "hidden_size": 24, "num_hash_functions": 2, "num_hash_buckets": 32, "local_transformer_stride": 8}
    return CanineForSequenceClassification(CanineConfig(**{k: v for k, v in sizes.items() if k != "vocab_size"}))


@pytest.mark.parametrize("make", [xlnet, longformer, big_bird])
@pytest.mark.parametrize("shape", [(3, 13), (5, 5), (19, 19), (2, 40)])
def test_a_perturbation_reaches_its_own_example(make: Any, shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    model = make().eval()
    ids = torch.randint(5, 40, shape)
    batch = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    width = embedding_scale(model).width
    delta = torch.zeros(*shape, width)
    delta[1, :2] = 3.0 * torch.randn(2, width)
    with torch.no_grad():
        clean = model(**batch).logits
        with perturbed(model, batch, delta):
            moved = model(**batch).logits
    changed = (moved - clean).abs().amax(dim=1) > 1e-6
    assert changed.tolist() == [i == 1 for i in range(shape[0])]


@pytest.mark.parametrize("make", [xlnet, longformer, big_bird])
def test_a_step_of_uegr_and_the_check_agree(make: Any) -> None:
    torch.manual_seed(0)
    model = make().train()
    assert uegr.check(model).fine, uegr.check(model)
    assert model.training
    method = UEGRConfig().attach(model=model, optimizer=torch.optim.AdamW(model.parameters()))
    ids = torch.randint(5, 40, (3, 13))
    method.loss(
        {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": torch.tensor([0, 1, 0])}
    ).backward()
    method.optimizer.step()


def test_a_model_that_hashes_characters_is_refused_before_training() -> None:
    model = canine()
    result = uegr.check(model)
    assert not result.fine and "does not say where its token embeddings are" in str(result)
    with pytest.raises(UsageError, match="does not say where its token embeddings are"):
        method = UEGRConfig().attach(model=model, optimizer=torch.optim.AdamW(model.parameters()))
        method.loss({"input_ids": torch.ones(2, 20, dtype=torch.long), "labels": torch.tensor([0, 1])})


@pytest.mark.parametrize("name", ["plain", "r-drop", "sam"])
def test_a_model_that_hashes_characters_is_trained_by_methods_that_leave_embeddings_alone(name: str) -> None:
    model = canine().train()
    check_vocabulary(model, tokenizer())
    method = make_config(name).attach(model=model, optimizer=torch.optim.AdamW(model.parameters()))
    batch = {"input_ids": torch.randint(97, 120, (2, 20)), "labels": torch.tensor([0, 1])}
    method.loss(batch).backward()
    method.optimizer.step()
    evaluation = {**batch, "attention_mask": torch.ones_like(batch["input_ids"])}
    assert PGD()(model, evaluation, epsilons=[0.0]).robust_mask.shape == (1, 2)
    with pytest.raises(
        UsageError, match=r"leave its embeddings alone \(train by plain or r-drop, evaluate with epsilons 0"
    ):
        PGD()(model, evaluation, epsilons=[0.0, 0.1])


def test_tokens_that_the_batch_does_not_have_are_refused_with_their_shape() -> None:
    class Other(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = torch.nn.Embedding(10, 4)

        def get_input_embeddings(self) -> torch.nn.Module:
            return self.embedding

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
            return self.embedding(input_ids[:, :2])

    with pytest.raises(UsageError, match=r"looks up tokens of shape \(3, 2, 4\) where the batch has \(3, 5, 4\)"):
        model, ids = Other(), torch.ones(3, 5, dtype=torch.long)
        with perturbed(model, {"input_ids": ids}, torch.zeros(3, 5, 4)):
            model(ids, ids)
    assert not uegr.check(Other()).fine


def test_embeddings_that_return_more_than_a_tensor_are_refused() -> None:
    """I-BERT's quantized layers return a tensor and a scale."""
    model = IBertForSequenceClassification(IBertConfig(**SIZES, pad_token_id=1))
    assert "looks up tokens of shape tuple where the batch has" in str(uegr.check(model))


@pytest.mark.parametrize("name", sorted(uegr.METHODS))
def test_weights_in_float16_are_refused_by_every_method(name: str) -> None:
    model = longformer().half()
    assert "weights in float16 become NaN" in str(uegr.check(model))
    with pytest.raises(UsageError, match="weights in float16 become NaN within a few steps of AdamW: load the model"):
        uegr.make_config(name).attach(model=model, optimizer=torch.optim.AdamW(model.parameters()))
    frozen = longformer().half().requires_grad_(False)
    frozen.classifier.float().requires_grad_(True)
    uegr.make_config("plain").attach(model=frozen, optimizer=torch.optim.AdamW(frozen.classifier.parameters()))


def test_offloaded_weights_are_refused() -> None:
    """accelerate gives a copy of each weight to a pass, so that no gradient arrives at the weight itself."""
    model = cpu_offload(longformer(), torch.device("cpu"))
    assert "weights on the meta device hold no values" in str(uegr.check(model))
    with pytest.raises(UsageError, match="weights on the meta device hold no values: load the model"):
        uegr.make_config("plain").attach(model=model, optimizer=torch.optim.AdamW(model.parameters()))
