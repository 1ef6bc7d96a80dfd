"""The words in token ids, of tokenizers of every kind."""

from __future__ import annotations

import json
import string

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from support.tokenizers_of_every_kind import SENTENCES, make_tokenizer
from uegr.errors import UsageError
from uegr.perturb.token_words import TokenWords
from uegr.perturb.words import words_of

KINDS = ("wordpiece", "byte-level", "metaspace", "word-ends")
TOKENIZERS = {kind: make_tokenizer(kind) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", SENTENCES[:4])
def test_the_words_are_those_of_the_text(kind: str, text: str) -> None:
    token_words = TokenWords(TOKENIZERS[kind])
    assert [word.text for word in token_words.words(TOKENIZERS[kind](text)["input_ids"])] == words_of(text)


def test_letters_of_which_a_token_holds_a_part_belong_to_their_word() -> None:
    tokenizer = TOKENIZERS["byte-level"]
    text = "Naïve café crème, déjà vu? I don't know (really) 3.5 times"
    words = TokenWords(tokenizer).words(tokenizer(text)["input_ids"])
    assert " ".join(word.text for word in words) == "Naïve café crème déjà vu I don t know really times"


def test_a_tokenizer_without_a_fast_form_is_refused() -> None:
    class Slow:
        is_fast = False

    with pytest.raises(UsageError, match="Slow is not a fast tokenizer"):
        TokenWords(Slow())


def test_a_vocabulary_that_joins_marks_and_letters_does_not_change_words() -> None:
    backend = Tokenizer(models.Unigram([("[UNK]", 0.0), ("-b", -1.0), *((letter, -3.0) for letter in "-(abde▁")], 0))
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    token_words = TokenWords(PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]"))
    encoded = token_words.encode(["bed", "bed"], [False, True])
    assert [token_words.decode(ids) for ids in encoded] == ["bed", "bed"]
    assert [len(ids) for ids in encoded] == [3, 4], "one token more for the space"


def test_a_space_that_the_normalizer_adds_is_not_added_twice() -> None:
    tokenizer = make_tokenizer("metaspace")
    plain = TokenWords(tokenizer).encode(["film"], [True])
    backend = tokenizer.backend_tokenizer
    backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    backend.normalizer = normalizers.Prepend("▁")
    assert TokenWords(PreTrainedTokenizerFast(tokenizer_object=backend)).encode(["film"], [True]) == plain


def test_the_end_of_a_line_is_no_part_of_a_word() -> None:
    tokenizer = TOKENIZERS["byte-level"]
    ids = tokenizer("great\nfilm\tends", add_special_tokens=False)["input_ids"]
    words = TokenWords(tokenizer).words(ids)
    assert [(word.text, word.spaced) for word in words] == [("great", False), ("film", False), ("ends", False)]
    assert "\n" in tokenizer.decode(ids[words[0].end : words[1].start])


def test_words_beside_signs_of_several_tokens_are_found() -> None:
    tokenizer = TOKENIZERS["byte-level"]
    text = "It’s a “great” film — „schön“, 很好，真的。 यह फिल्म है। loved😍it"
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    token_words = TokenWords(tokenizer)
    words = token_words.words(ids)
    assert [word.text for word in words] == words_of(text)
    assert [token_words.decode(ids[word.start : word.end]).strip() for word in words] == words_of(text)
    assert token_words.words(ids[:-8]), "a text that is cut within a letter has words, too"


def test_a_word_whose_end_is_marked_is_read_and_written_as_a_whole() -> None:
    """HerBERT, openai-gpt, CLIP: the space belongs to the token before it."""
    tokenizer = TOKENIZERS["word-ends"]
    token_words = TokenWords(tokenizer)
    ids = tokenizer("ziggurats, the film", add_special_tokens=False)["input_ids"]
    words = token_words.words(ids)
    assert words[0].end > 1
    assert token_words.encode(["ziggurats"], [words[0].spaced]) == [ids[: words[0].end]]
    assert token_words.words(ids[: words[0].end - 1]) == [], "a word without its end would get one"


def character_tokenizer(decoder: decoders.Decoder | None) -> PreTrainedTokenizerFast:
    vocabulary = {character: i for i, character in enumerate(["[UNK]", " ", *string.ascii_lowercase])}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    if decoder is not None:
        backend.decoder = decoder
    return PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]")


def without_decoder() -> PreTrainedTokenizerFast:
    content = json.loads(TOKENIZERS["wordpiece"].backend_tokenizer.to_str())
    backend = Tokenizer.from_str(json.dumps({**content, "decoder": None}))
    return PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]")


@pytest.mark.parametrize("tokenizer", [character_tokenizer(None), without_decoder()])
def test_a_tokenizer_whose_decoder_does_not_show_words_is_refused(tokenizer: PreTrainedTokenizerFast) -> None:
    with pytest.raises(UsageError, match="does not show which of its tokens make up a word"):
        TokenWords(tokenizer)


def llama_tokenizer() -> PreTrainedTokenizerFast:
    """Byte-pair encoding as SentencePiece has it, with bytes and a space in front that the decoder takes away."""
    backend = Tokenizer(models.BPE(unk_token="[UNK]", byte_fallback=True, fuse_unk=True))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    letters = [*string.ascii_letters]
    trainer = trainers.BpeTrainer(
        vocab_size=200, special_tokens=["[UNK]"], initial_alphabet=letters, show_progress=False
    )
    backend.train_from_iterator(SENTENCES, trainer)
    content = json.loads(backend.to_str())
    backend = Tokenizer.from_str(json.dumps({**content, "pre_tokenizer": None}))
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    strip = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    backend.decoder = decoders.Sequence(strip)
    return PreTrainedTokenizerFast(tokenizer_object=backend)


def metaspace_tokenizer(scheme: str) -> PreTrainedTokenizerFast:
    tokenizer = make_tokenizer("metaspace")
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme)
    return tokenizer


def with_dropout() -> PreTrainedTokenizerFast:
    tokenizer = make_tokenizer("byte-level")
    tokenizer.backend_tokenizer.model.dropout = 0.5
    return tokenizer


@pytest.mark.parametrize(
    "tokenizer",
    [
        character_tokenizer(decoders.Fuse()),
        llama_tokenizer(),
        with_dropout(),
        *map(metaspace_tokenizer, ("always", "first", "never")),
    ],
)
def test_tokenizers_whose_words_can_be_read_are_accepted(tokenizer: PreTrainedTokenizerFast) -> None:
    text = "a film about people"
    words = TokenWords(tokenizer).words(tokenizer(text, add_special_tokens=False)["input_ids"])
    assert [word.text for word in words] == words_of(text)
