"""A label per word: lists and texts of words, names and numbers of tags, and where the first token of a word is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Features, Sequence, Value
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from uegr.data.encoding import encode, words_without_token
from uegr.data.task_data import TaskData, make_task
from uegr.data.user_data import load_files
from uegr.errors import UsageError

WORDS = [["Ada", "Lovelace", "lived", "in", "London"], ["He", "did", "n't"], ["Paris"]]
TAGS = [["B-person", "I-person", "O", "O", "B-place"], ["O", "O", "O"], ["B-place"]]


def task(words: list[Any], tags: list[Any], **others: Any) -> TaskData:
    rows = Dataset.from_dict({"tokens": words, "tags": tags})
    splits = {"train": rows, "validation": rows, "test": rows}
    return make_task("people", splits, text_columns=("tokens",), label_column="tags", kind="token", **others)


def test_words_become_a_text_and_tags_numbers_with_o_first() -> None:
    data = task(WORDS, TAGS)
    assert data.label_names == ("O", "B-person", "B-place", "I-person")
    assert data.train["tokens"][:] == ["Ada Lovelace lived in London", "He did n't", "Paris"]
    assert data.train["label"][:] == [[1, 3, 0, 0, 2], [0, 0, 0], [2]]
    assert data.metrics == ("entity_f1", "token_accuracy")
    assert data.class_counts == {"O": 5, "B-person": 1, "B-place": 2, "I-person": 1}


def test_numbers_are_no_lists_of_words_or_tags() -> None:
    with pytest.raises(UsageError, match="column .tags.: row 0 holds 1: give a list, or words"):
        task(WORDS, [1, 2, 3])


def test_texts_with_spaces_are_read_as_lists_are() -> None:
    as_texts = task([" ".join(words) for words in WORDS], [" ".join(tags) for tags in TAGS])
    assert as_texts.train.to_dict() == task(WORDS, TAGS).train.to_dict()


def test_lists_that_a_program_printed_into_cells_are_read_as_lists(tmp_path: Path) -> None:
    """A CSV file cannot hold lists: pandas writes them as Python prints them, arrays as NumPy does."""
    as_lists = task(WORDS, TAGS).train.to_dict()
    assert task([str(words) for words in WORDS], [str(tags) for tags in TAGS]).train.to_dict() == as_lists
    printed = [str(np.array(words, dtype=object)) for words in WORDS], [str(np.array(tags)) for tags in TAGS]
    assert task(*printed).train.to_dict() == as_lists
    with pytest.raises(UsageError, match="row 0 holds an empty word or label"):
        task([["a", None]], [["O", "O"]])


def test_numbers_are_tags_with_names_where_there_are_names() -> None:
    numbers = [[1, 2, 0, 0, 3], [0, 0, 0], [3]]
    assert task(WORDS, numbers).label_names == ("0", "1", "2", "3")
    names = ["O", "B-person", "I-person", "B-place"]
    assert task(WORDS, numbers, label_names=names).train["label"][:] == numbers
    features = Features({"tokens": Sequence(Value("string")), "tags": Sequence(ClassLabel(names=names))})
    rows = Dataset.from_dict({"tokens": WORDS, "tags": numbers}, features=features)
    data = load_files(rows, rows, rows, text_column="tokens", label_column="tags", kind="token")
    assert data.label_names == tuple(names) and data.train["label"][:] == numbers


def numbered(*splits: list[int], **others: Any) -> TaskData:
    rows = [Dataset.from_dict({"tokens": [["a"] * len(tags)], "tags": [tags]}) for tags in splits]
    names = ["train", "validation", "test"] if len(rows) > 1 else ["test"]
    options: dict[str, Any] = {"text_columns": ("tokens",), "label_column": "tags", "kind": "token", **others}
    return make_task("x", dict(zip(names, rows, strict=True)), **options)


@pytest.mark.parametrize(("train", "unknown"), [([1, 2, 3], 0), ([0, 2, 5], 1)])
def test_a_number_that_no_training_word_has_is_no_position(train: list[int], unknown: int) -> None:
    with pytest.raises(UsageError, match=rf"label '{unknown}' in row 0 is not among the labels {train[0]}, "):
        numbered(train, train, [*train, unknown])
    with pytest.raises(UsageError, match=f"the label '{unknown}' in row 0 is not among"):
        numbered([train[1], train[2], unknown], label_names=[str(tag) for tag in train])


@pytest.mark.parametrize(
    ("tags", "expected"), [([1, 3], [0, 2]), ([0, 1, 2], [0, 1, 2]), ([0.0, 1.0], [0, 1]), ([-100, 0], [-100, 0])]
)
def test_tags_of_given_names_are_all_names_or_all_positions(tags: list[Any], expected: list[int]) -> None:
    assert numbered(tags, label_names=["1", "2", "3"]).test["label"][:] == [expected]


def test_a_truth_value_is_no_position() -> None:
    with pytest.raises(UsageError, match="the label 'True' in row 0 is not among the labels"):
        numbered([True, False], label_names=["O", "B-person"])


def test_classes_of_another_order_are_read_by_their_own_names() -> None:
    """Splits of one data set may be saved by different programs."""
    rows = {}
    for split, names in {"train": ["O", "B-place"], "validation": ["B-place", "O"], "test": ["O", "B-place"]}.items():
        features = Features({"tokens": Sequence(Value("string")), "tags": Sequence(ClassLabel(names=names))})
        rows[split] = Dataset.from_dict({"tokens": [["in", "Rome"]], "tags": [[0, 1]]}, features=features)
    data = make_task("x", rows, text_columns=("tokens",), label_column="tags", kind="token")
    assert data.validation["label"][:] == [[1, 0]] and data.test["label"][:] == [[0, 1]]


def test_a_split_without_a_tag_is_refused() -> None:
    with pytest.raises(UsageError, match=r"x \(test\): no word has a tag .-100 marks"):
        numbered([0, 1], [0, 1], [-100, -100])


def test_a_word_with_the_label_of_ignored_positions_is_no_target() -> None:
    """Hugging Face's data sets mark words without a tag by -100; files hold it as a number or as text."""
    numbers = [[1, -100, 0, 0, 2], [0, 0, 0], [-100]]
    data = task(WORDS, numbers)
    assert data.label_names == ("0", "1", "2") and data.train["label"][:] == numbers
    assert data.class_counts == {"0": 5, "1": 1, "2": 1}
    as_text = task([" ".join(words) for words in WORDS], [" ".join(map(str, tags)) for tags in numbers])
    assert as_text.train["label"][:] == numbers
    encoded = encode(data.train, word_pieces(), ("tokens",), 64, "token")
    targets = [[label for label in row if label != -100] for row in encoded["labels"]]
    assert targets == [[1, 0, 0, 2], [0, 0, 0], []]


def test_a_space_inside_a_word_does_not_split_it() -> None:
    data = task([["New York", "is"], ["big"]], [["B-place", "O"], ["O"]])
    assert len(data.train["tokens"][0].split(" ")) == 2


@pytest.mark.parametrize(
    ("words", "tags", "message"),
    [
        ([["a", "b"]], [["O"]], "row 0 has 2 words and 1 labels"),
        ([["a"], ["b"]], [["O"], ["B-x", "O"]], "row 1 has 1 words and 2 labels"),
    ],
)
def test_rows_that_do_not_fit_are_named(words: list[Any], tags: list[Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        task(words, tags)


def test_an_unknown_tag_and_a_missing_column_are_named() -> None:
    rows = Dataset.from_dict({"tokens": WORDS, "tags": TAGS})
    other = Dataset.from_dict({"tokens": [["Rome"]], "tags": [["B-city"]]})
    with pytest.raises(UsageError, match="label 'B-city' in row 0 is not among the labels"):
        make_task("x", {"train": rows, "test": other}, text_columns=("tokens",), label_column="tags", kind="token")
    with pytest.raises(UsageError, match="has no column 'words'"):
        make_task("x", {"train": rows}, text_columns=("words",), label_column="tags", kind="token")


def byte_pairs() -> PreTrainedTokenizerFast:
    """A tokenizer of GPT-2's kind: tokens begin with the space before them."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer, trained.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=["<pad>"], initial_alphabet=alphabet)
    trained.train_from_iterator([" ".join(words) for words in WORDS], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=trained, pad_token="<pad>")


def word_pieces() -> PreTrainedTokenizerFast:
    """A tokenizer of BERT's kind, with special tokens around the text and punctuation apart."""
    trained = Tokenizer(models.WordPiece(unk_token="[UNK]"))  # type: ignore[call-arg]
    trained.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=60, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
    trained.train_from_iterator([" ".join(words) for words in WORDS], trainer)
    from tokenizers.processors import TemplateProcessing

    trained.post_processor = TemplateProcessing("[CLS] $A [SEP]", None, [("[CLS]", 2), ("[SEP]", 3)])
    return PreTrainedTokenizerFast(tokenizer_object=trained, pad_token="[PAD]", unk_token="[UNK]")


def metaspace() -> PreTrainedTokenizerFast:
    """A tokenizer of SentencePiece's kind."""
    trained = Tokenizer(models.Unigram())
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=60, special_tokens=["<pad>", "<unk>"], unk_token="<unk>")
    trained.train_from_iterator([" ".join(words) for words in WORDS] * 3, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=trained, pad_token="<pad>", unk_token="<unk>")


@pytest.mark.parametrize("make", [byte_pairs, word_pieces, metaspace], ids=lambda make: make.__name__)
def test_the_first_token_of_each_word_has_its_label(make: Any) -> None:
    tokenizer = make()
    encoded = encode(task(WORDS, TAGS).train, tokenizer, ("tokens",), 64, "token")
    for row, words, labels in zip(encoded, WORDS, [[1, 3, 0, 0, 2], [0, 0, 0], [2]], strict=True):
        assert [label for label in row["labels"] if label != -100] == labels
        assert len(row["labels"]) == len(row["input_ids"])
        starts = [i for i, label in enumerate(row["labels"]) if label != -100]
        for start, end, word in zip(starts, [*starts[1:], None], words, strict=True):
            decoded = tokenizer.decode(row["input_ids"][start:end], skip_special_tokens=True)
            assert decoded.replace(" ", "").strip("▁") == word


def test_a_text_that_is_cut_keeps_the_labels_of_what_is_left() -> None:
    encoded = encode(task(WORDS, TAGS).train, byte_pairs(), ("tokens",), 4, "token")
    assert all(len(row["labels"]) == len(row["input_ids"]) <= 4 for row in encoded)


def test_words_without_a_token_of_their_own_are_counted() -> None:
    words, tags = [["W", "\u200b", "A"], ["a", "b"], ["\u200b", "a"]], [["O"] * 3, ["O"] * 2, ["-100", "O"]]
    tokenizer, data = word_pieces(), task(words, tags)
    assert words_without_token(data.train, encode(data.train, tokenizer, ("tokens",), 64, "token"), 64) == 0
    tokenizer.backend_tokenizer.normalizer = normalizers.Replace("\u200b", "")
    assert words_without_token(data.train, encode(data.train, tokenizer, ("tokens",), 64, "token"), 64) == 1
    assert words_without_token(data.train, encode(data.train, tokenizer, ("tokens",), 3, "token"), 3) == 0  # cut


def test_the_published_task_is_as_published(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from uegr.data.named_tasks import load_task

    monkeypatch.setenv("UEGR_DATA", str(data_folder))
    data = load_task("wnut17")
    assert [len(rows) for rows in (data.train, data.validation, data.test)] == [3394, 1009, 1287]
    begins = [i for i, name in enumerate(data.label_names) if name.startswith("B-")]
    entities = [sum(label in begins for row in rows["label"] for label in row) for rows in (data.train, data.test)]
    assert entities == [1975, 1079]
