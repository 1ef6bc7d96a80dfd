"""Whether a model and a tokenizer belong together: padding, vocabulary, positions."""

from typing import Any

from torch import nn
from transformers import PreTrainedTokenizerBase

from uegr.errors import UsageError, shown
from uegr.modeling.embeddings import token_table
from uegr.modeling.model_parts import longest_input
from uegr.modeling.model_wrappers import config_value, unwrap

WORD_START = "▁"
"""SentencePiece's mark of the start of a word, which is in a vocabulary without words, too."""


def check_tokenizer(tokenizer: Any) -> None:
    """Check that an object is a tokenizer of transformers.

    Raises:
        UsageError: it is not.
    """
    if tokenizer is None:
        raise UsageError("tokenizer is None, and texts cannot be read without one: pass the tokenizer of the model.")
    if not isinstance(tokenizer, PreTrainedTokenizerBase):
        raise UsageError(
            f"tokenizer must be a tokenizer of transformers, not {shown(tokenizer)}: load it first, for example with "
            "AutoTokenizer.from_pretrained."
        )


def check_match(model: nn.Module, tokenizer: Any) -> None:
    """Compare a model with a tokenizer.

    Raises:
        UsageError: there is no tokenizer or no padding token, the model uses a different one, a token has no embedding,
            or all tokens are special tokens.
    """
    check_tokenizer(tokenizer)
    check_words(tokenizer)
    check_padding(tokenizer)
    check_vocabulary(model, tokenizer)
    padding = config_value(model, "pad_token_id", "")
    if padding is None and type(unwrap(model)).__name__.endswith("ForSequenceClassification"):
        raise UsageError(
            "the configuration of the model names no padding token, and a decoder finds the end of a text by it: set "
            "model.config.pad_token_id = tokenizer.pad_token_id."
        )
    if isinstance(padding, int) and padding != tokenizer.pad_token_id:
        raise UsageError(
            f"the model takes token {padding} for padding and the tokenizer pads with {tokenizer.pad_token_id}: its "
            "outputs would depend on the other texts of a batch; set model.config.pad_token_id = "
            "tokenizer.pad_token_id."
        )


def check_padding(tokenizer: Any) -> None:
    """Refuse a tokenizer that cannot pad.

    Raises:
        UsageError: it has no padding token.
    """
    if tokenizer.pad_token_id is None:
        raise UsageError(
            "the tokenizer has no padding token, which batches need: set one that texts do not contain, such as "
            "tokenizer.pad_token = tokenizer.unk_token, and save it beside the model."
        )


def check_words(tokenizer: Any) -> None:
    """Refuse a tokenizer that reads every word as unknown: transformers makes one up where its files are missing.

    Raises:
        UsageError: the vocabulary has nothing but special tokens.
    """
    if not {*tokenizer.get_vocab()} - {*tokenizer.all_special_tokens, WORD_START}:
        raise UsageError(
            f"the tokenizer has {len(tokenizer)} special tokens and no word, as where a model's folder has no file of "
            "the tokenizer: copy the model's tokenizer.json (or vocab.txt, spiece.model) into the folder."
        )


def check_vocabulary(model: nn.Module, tokenizer: Any) -> None:
    """Refuse a tokenizer with more tokens than the model has embeddings.

    Raises:
        UsageError: tokens were added and the model was not resized.
    """
    table = token_table(model)
    tokens = max(tokenizer.get_vocab().values(), default=-1) + 1
    if table is not None and tokens > len(table):
        raise UsageError(
            f"the tokenizer has {tokens:,} tokens and the model embeddings for {len(table):,}: call "
            "model.resize_token_embeddings(len(tokenizer)) and save both."
        )


def tokens_to_read(model: nn.Module, max_length: int, tokenizer: Any = None, *, pairs: bool = False) -> int:
    """`max_length`, or the number of positions that the model has if those are fewer.

    Raises:
        UsageError: no token of a text, or of a pair, fits beside the special tokens: a tokenizer then cuts nothing.
    """
    least = 1 + (0 if tokenizer is None else tokenizer.num_special_tokens_to_add(pair=pairs))
    if max_length < least:
        raise UsageError(f"texts cannot be cut to {max_length} tokens: give a max_length of at least {least}.")
    return min(max_length, longest_input(model) or max_length)


def end_token_of_head(model: nn.Module, tokenizer: Any) -> str | None:
    """The end token, if the model's head looks for it in the input, which must hold the same number of it in all rows.

    Encoder-decoder classifiers (BART, T5) do. A text that contains the token ends them with a ValueError.
    """
    is_sequence_classifier = type(unwrap(model)).__name__.endswith("ForSequenceClassification")
    if not is_sequence_classifier or not config_value(model, "is_encoder_decoder", False):
        return None
    number = config_value(model, "eos_token_id")
    if not isinstance(number, int):  # a list of several is one of a model that generates
        return None
    token: str | None = tokenizer.convert_ids_to_tokens(number)
    return token
