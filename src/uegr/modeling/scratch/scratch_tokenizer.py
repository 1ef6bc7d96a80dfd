"""The tokenizer of a model from scratch: word pieces learned from the task's text, the same in every process.

The trainer of the library `tokenizers` visits words in the order of a hash table with a random seed, and numbers the
first pieces, single letters, as it meets them. Pairs of equal frequency are merged in the order of these numbers, so
that two processes learn different pieces. Here the letters are numbered before the training.
"""

from collections import Counter
from collections.abc import Iterable

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

PAD, UNKNOWN, START, END = "[PAD]", "[UNK]", "[CLS]", "[SEP]"
SPECIAL = [PAD, UNKNOWN, START, END]
PREFIX = "##"
"""Prefix of a piece that does not begin a word."""
MOST_LETTERS = 1000
"""Largest number of different letters; rarer ones become unknown."""


def train_tokenizer(texts: Iterable[str], vocab_size: int = 8000, *, lowercase: bool = True) -> PreTrainedTokenizerFast:
    """A WordPiece tokenizer learned from the task's text."""
    texts, learner = list(texts), _empty(models.WordPiece(unk_token=UNKNOWN), lowercase)
    words = Counter(word for text in texts for word in _words(learner, text))
    letters = _frequent_letters(words)
    pieces = {PREFIX * (i > 0) + letter for word in words for i, letter in enumerate(word) if letter in letters}
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocab_size,
        special_tokens=[*SPECIAL, *sorted(pieces)],
        limit_alphabet=len(letters),
        min_frequency=2,
        show_progress=False,
    )
    learner.train_from_iterator(texts, trainer)
    # A new tokenizer with these pieces, in which the letters are not special tokens.
    tokenizer = _empty(models.WordPiece(learner.get_vocab(), unk_token=UNKNOWN), lowercase)
    ids = [(token, tokenizer.token_to_id(token)) for token in (START, END)]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}", pair=f"{START} $A {END} $B {END}", special_tokens=ids
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=PAD, unk_token=UNKNOWN, cls_token=START, sep_token=END
    )


def _empty(model: models.WordPiece, lowercase: bool) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.decoder = decoders.WordPiece(prefix=PREFIX)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def _words(tokenizer: Tokenizer, text: str) -> list[str]:
    return [word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(tokenizer.normalizer.normalize_str(text))]


def _frequent_letters(words: Counter[str]) -> set[str]:
    """All letters if there are at most a thousand, else those that are more frequent than the thousand-and-first."""
    counts: Counter[str] = Counter()
    for word, count in words.items():
        for letter in word:
            counts[letter] += count
    if len(counts) <= MOST_LETTERS:
        return set(counts)
    least = sorted(counts.values(), reverse=True)[MOST_LETTERS]
    return {letter for letter, count in counts.items() if count > least}
