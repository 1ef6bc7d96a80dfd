"""Views: what each pass of a method reads."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import BertConfig, BertForTokenClassification, CanineTokenizer, GPT2Config, GPT2LMHeadModel

from support.small_models import bert
from support.tokenizers_of_every_kind import SENTENCES, make_tokenizer
from uegr.errors import UsageError
from uegr.forward.view_reader import ViewReader, token_importance
from uegr.methods.method import Method
from uegr.methods.method_config import MethodConfig
from uegr.methods.registry import FreeLBConfig, PlainConfig, RDropConfig, SAMConfig, UEGRConfig
from uegr.perturb.row_editor import RowEditor
from uegr.perturb.views import parse_view

TOKENIZER = make_tokenizer("wordpiece")


def batch(**changes: Any) -> dict[str, Tensor]:
    """Four pairs of sentences of unequal length."""
    encoded = TOKENIZER(SENTENCES[:4], [s[:20] for s in SENTENCES[:4]], padding=True, return_tensors="pt")
    return {**encoded, "labels": torch.tensor([1, 0, 1, 0]), **changes}


def model() -> nn.Module:
    return bert(vocab_size=200, max_position_embeddings=80).train()


def attached(config: MethodConfig, network: nn.Module, **changes: Any) -> Method:
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    return config.attach(model=network, optimizer=optimizer, **{"tokenizer": TOKENIZER, **changes})


def reads(config: MethodConfig, steps: int = 1, tokenizer: Any = TOKENIZER) -> list[Tensor]:
    """The token ids of every pass of these steps."""
    network, read = model(), []
    network.register_forward_pre_hook(lambda _, __, inputs: read.append(inputs["input_ids"]), with_kwargs=True)
    method = attached(config, network, tokenizer=tokenizer)
    for _ in range(steps):
        method.loss(batch()).backward()
        method.optimizer.step()
        method.optimizer.zero_grad()
    return read


def is_clean(ids: Tensor) -> bool:
    """Whether this is the batch itself, once or in several joined passes."""
    clean = batch()["input_ids"]
    return torch.equal(ids, clean.repeat(len(ids) // len(clean), 1))


def test_each_pass_of_uegr_reads_its_view() -> None:
    clean, adversarial, edited = reads(UEGRConfig(views=("adversarial", "characters:0.5")))
    assert is_clean(clean) and is_clean(adversarial) and not is_clean(edited)


def test_auto_reads_an_edited_text_where_texts_can_be_edited() -> None:
    clean, adversarial, edited = reads(UEGRConfig())
    assert is_clean(clean) and is_clean(adversarial) and not is_clean(edited)
    assert all(map(is_clean, reads(UEGRConfig(passes=1))))
    assert all(map(is_clean, reads(UEGRConfig(), tokenizer=None)))


def test_auto_leaves_texts_alone_with_a_tokenizer_that_cannot_edit() -> None:
    slow = CanineTokenizer()  # has no tokenizer.json
    assert all(map(is_clean, reads(UEGRConfig(), tokenizer=slow)))
    with pytest.raises(UsageError, match="not a fast tokenizer"):
        reads(UEGRConfig(views=("characters",)), tokenizer=slow)


def test_fewer_views_than_passes_are_used_again_from_the_start() -> None:
    read = reads(UEGRConfig(views=("clean", "mask:0.5"), passes=3, clean_weight=0.0))
    assert [is_clean(ids) for ids in read] == [True, False, True]


def test_r_drop_of_a_misspelt_and_a_clean_pass() -> None:
    read = reads(RDropConfig(views=("clean", "characters:0.5")))
    assert [is_clean(ids) for ids in read] == [True, False]
    assert [is_clean(ids) for ids in reads(RDropConfig(views=("mask:0.5",)))] == [False, False]


@pytest.mark.parametrize("config", [PlainConfig(views=("mask:0.5",)), FreeLBConfig(views=("mask:0.5",))])
def test_any_other_method_reads_one_view_in_all_its_passes(config: MethodConfig) -> None:
    first, *others = reads(config)
    assert not is_clean(first)
    assert all(torch.equal(ids, first) for ids in others)


def test_a_second_gradient_is_of_the_same_edited_batch() -> None:
    first, second = reads(SAMConfig(views=("mask:0.5",)))
    assert torch.equal(first, second) and not is_clean(first)


def test_edits_are_a_function_of_seed_and_step() -> None:
    config = UEGRConfig(views=("adversarial", "words+mask:0.3"))
    first, second = reads(config, steps=2), reads(config, steps=2)
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))
    assert not torch.equal(first[2], first[5]), "every step draws its own"


def test_the_loss_with_clean_views_is_that_without_an_adversary() -> None:
    losses = []
    for config in (UEGRConfig(views=("clean",)), UEGRConfig(views=("adversarial",), epsilon=0.0)):
        losses.append(attached(config, model()).loss(batch()).detach())
    assert losses[0] == losses[1]


def test_an_adversarial_edited_view_keeps_the_perturbation_of_unedited_tokens() -> None:
    network, data = model(), batch()
    reader = ViewReader(network, TOKENIZER)
    read = reader.read(data, parse_view("adversarial+characters:0.5"), seed=1)
    delta = torch.randn(*data["input_ids"].shape, 16) * data["attention_mask"].unsqueeze(-1)
    carried, ids = read.delta_at_kept_tokens(delta), read.batch["input_ids"]
    assert carried.shape == (*ids.shape, 16)
    assert read.source is not None and read.kept is not None
    for row, position in ((r, t) for r in range(4) for t in range(ids.shape[1])):
        place = int(read.source[row, position])
        if read.kept[row, position, 0]:
            assert ids[row, position] == data["input_ids"][row, place]
            assert torch.equal(carried[row, position], delta[row, place])
        else:
            assert not carried[row, position].any()


def test_everything_per_token_follows_its_token() -> None:
    data = batch()
    read = ViewReader(model(), TOKENIZER).read(data, parse_view("characters:0.5"), seed=3).batch
    for row in range(4):
        real = read["attention_mask"][row].bool()
        ids, types = read["input_ids"][row][real].tolist(), read["token_type_ids"][row][real].tolist()
        first_end = ids.index(TOKENIZER.sep_token_id)
        assert types == [0] * (first_end + 1) + [1] * (len(ids) - first_end - 1)
    assert torch.equal(read["labels"], data["labels"])
    assert not read["input_ids"][~read["attention_mask"].bool()].any(), "padding is the padding token, 0"


@pytest.mark.parametrize("side", ["left", "right"])
def test_rows_of_equal_length_are_padded_on_the_side_of_the_tokenizer(side: str) -> None:
    tokenizer = make_tokenizer("wordpiece")
    tokenizer.padding_side = side
    row = tokenizer(SENTENCES[:1], return_tensors="pt")["input_ids"].repeat(8, 1)
    mask = (
        ViewReader(model(), tokenizer).read({"input_ids": row}, parse_view("characters:0.5"), 0).batch["attention_mask"]
    )
    assert not mask.all(), "the edited rows have unequal lengths"
    assert bool(mask[:, -1 if side == "left" else 0].all())


def test_padding_is_the_token_by_which_the_model_finds_the_end_of_a_text() -> None:
    network, tokenizer = model(), make_tokenizer("wordpiece")
    network.config.pad_token_id, tokenizer.pad_token = 7, None
    viewed = ViewReader(network, tokenizer).read(batch(), parse_view("characters:0.5"), seed=0).batch
    padding = viewed["attention_mask"] == 0
    assert padding.any() and bool((viewed["input_ids"][padding] == 7).all())


def test_the_target_text_of_an_encoder_decoder_stays() -> None:
    """Also where it has as many tokens as the source, whose tensors follow the edit."""
    ids = batch()["input_ids"]
    targets = {"decoder_input_ids": ids.flip(1), "decoder_attention_mask": torch.ones_like(ids)}
    viewed = ViewReader(model(), TOKENIZER).read(batch(**targets), parse_view("characters:0.5"), seed=0).batch
    assert not torch.equal(viewed["input_ids"], ids)
    assert all(viewed[name] is values for name, values in targets.items())


def test_a_label_per_token_is_one_where_the_problem_type_of_another_head_is_left() -> None:
    settings = {"vocab_size": 200, "hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 1}
    labels = batch()["input_ids"]
    for problem in ("regression", "multi_label_classification"):
        tagger = BertForTokenClassification(BertConfig(**settings, intermediate_size=16, problem_type=problem))
        decoder = GPT2LMHeadModel(GPT2Config(vocab_size=200, n_embd=16, n_layer=1, n_head=2, problem_type=problem))
        for network in (tagger, decoder):
            reader = ViewReader(network, TOKENIZER)
            assert not reader.can_edit(batch(labels=labels))
            with pytest.raises(UsageError, match="a label per token"):
                reader.read(batch(labels=labels), parse_view("characters"), seed=0)


@pytest.mark.parametrize("view", ["auto", "characters:0.5"])
def test_whole_numbers_of_several_labels_are_one_target_per_text(view: str) -> None:
    """Also where a text has as many tokens as there are labels."""
    network = bert(vocab_size=200, max_position_embeddings=80, num_labels=batch()["input_ids"].shape[1]).train()
    network.config.problem_type = "multi_label_classification"
    labels = torch.randint(0, 2, batch()["input_ids"].shape)
    losses = []
    for values in (labels, labels.float()):
        read: list[Tensor] = []
        hook = network.register_forward_pre_hook(
            lambda _, __, inputs, read=read: read.append(inputs["input_ids"]), with_kwargs=True
        )
        losses.append(attached(UEGRConfig(views=(view,)), network).loss(batch(labels=values)))
        hook.remove()
        assert not all(map(is_clean, read))
    assert torch.equal(*losses)


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_stays_on_the_side_of_the_batch(side: str) -> None:
    tokenizer = make_tokenizer("wordpiece")
    tokenizer.padding_side = "left"
    texts = tokenizer(SENTENCES[:4], padding=True, padding_side=side, return_tensors="pt")
    data = {**texts, "labels": torch.zeros(4, dtype=torch.long)}
    read = ViewReader(model(), tokenizer).read(data, parse_view("characters:0.5"), seed=3).batch
    inner, token = (-1, tokenizer.sep_token_id) if side == "left" else (0, tokenizer.cls_token_id)
    assert read["attention_mask"][:, inner].all()
    assert (read["input_ids"][:, inner] == token).all()


@pytest.mark.parametrize("view", ["characters", "mask", "joined", "harmless"])
@pytest.mark.parametrize("rows", [1, 4])
def test_a_text_without_tokens_stays_without(view: str, rows: int) -> None:
    """Tokenizers without special tokens read an empty text as padding only."""
    data = {name: values[:rows].clone() for name, values in batch().items()}
    data["attention_mask"][0] = 0
    read = ViewReader(model(), TOKENIZER).read(data, parse_view(view), seed=0).batch
    assert not read["attention_mask"][0].any()
    assert read["input_ids"].shape == read["attention_mask"].shape
    assert read["input_ids"].shape[1] >= 1


def test_importance_is_the_change_of_the_loss_without_the_token() -> None:
    network, data = model(), batch()
    gradient = torch.randn(*data["input_ids"].shape, 16)
    embedded = network.get_input_embeddings()(data["input_ids"])  # type: ignore[operator]
    expected = (gradient * embedded).sum(-1).abs() * data["attention_mask"]
    torch.testing.assert_close(token_importance(network, data, gradient), expected.detach())


def test_half_of_the_edited_words_are_those_that_the_loss_depends_on(monkeypatch: pytest.MonkeyPatch) -> None:
    weights: list[Any] = []
    edit = RowEditor.edit
    monkeypatch.setattr(
        RowEditor,
        "edit",
        lambda self, ids, edits, generator, w=None: weights.append(w) or edit(self, ids, edits, generator, w),
    )
    reads(UEGRConfig(views=("adversarial", "words")))
    assert all(row is not None and max(row) > 0 for row in weights)
    weights.clear()
    reads(RDropConfig(views=("clean", "words")))
    assert weights == [None] * 4, "no gradient is known there: uniform"


def test_a_clean_side_that_is_held_fixed_gets_no_gradient_of_the_divergence() -> None:
    gradients = {}
    for detach in (False, True):
        network = model()
        config = UEGRConfig(views=("clean",), js_weight=5.0, detach_clean=detach)
        attached(config, network).loss(batch()).backward()
        gradients[detach] = network.classifier.weight.grad  # type: ignore[union-attr]
    assert not torch.allclose(gradients[True], gradients[False])  # type: ignore[arg-type]


def test_a_view_of_texts_without_a_tokenizer_is_refused() -> None:
    method = attached(UEGRConfig(views=("words",)), model(), tokenizer=None)
    with pytest.raises(UsageError, match=r"give it to attach\(..., tokenizer=tokenizer\)"):
        method.loss(batch())


def test_labels_of_tokens_and_positions_are_refused() -> None:
    reader, view = ViewReader(model(), TOKENIZER), parse_view("words")
    ids = batch()["input_ids"]
    with pytest.raises(UsageError, match="a label per token"):
        reader.read(batch(labels=ids), view, seed=0)
    with pytest.raises(UsageError, match="position_ids"):
        reader.read(batch(position_ids=ids), view, seed=0)
    with pytest.raises(UsageError, match="labels that are positions"):
        reader.read(batch(start_positions=torch.zeros(4)), view, seed=0)
    with pytest.raises(UsageError, match="cannot follow the batch's bbox"):
        reader.read(batch(bbox=torch.zeros(*ids.shape, 4)), view, seed=0)
    with pytest.raises(UsageError, match=r"attention_mask of shape \(4, 1, 1, "):
        reader.read(batch(attention_mask=batch()["attention_mask"][:, None, None, :]), view, seed=0)
    assert reader.read(batch(labels=torch.rand(4, ids.shape[1])), view, seed=0).source is not None


@pytest.mark.parametrize("config", [PlainConfig(views=("words",)), RDropConfig(views=("words", "clean"))])
def test_a_batch_without_a_tensor_of_token_ids_is_refused(config: MethodConfig) -> None:
    network, data = model(), batch()
    ids = data.pop("input_ids")
    for inputs in ({"inputs_embeds": torch.randn(*ids.shape, 16)}, {"input_ids": ids.tolist()}):
        with pytest.raises(UsageError, match="one text per row in its input_ids, a tensor"):
            attached(config, network).loss({**data, **inputs})


def test_labels_that_are_no_tensor_are_named() -> None:
    with pytest.raises(UsageError, match="labels of a batch must be a tensor, not list"):
        attached(PlainConfig(views=("characters",)), model()).loss({**batch(), "labels": [1, 0, 1, 0]})


def test_random_state_of_the_caller_stays() -> None:
    random.seed(0)
    expected = random.Random(0).random()
    reads(UEGRConfig(views=("words+characters",)))
    assert random.random() == expected


def test_only_a_target_per_text_stays_true_unasked() -> None:
    reader, ids = ViewReader(model(), TOKENIZER), batch()["input_ids"]
    assert reader.can_edit(batch()) and reader.can_edit(batch(labels=torch.rand(4, 3)))
    unlabelled = {name: values for name, values in batch().items() if name != "labels"}
    for data in (
        unlabelled,
        batch(labels=ids),
        batch(labels=torch.zeros(4, 3, dtype=torch.long)),
        batch(start_positions=torch.zeros(4)),
    ):
        assert not reader.can_edit(data)
