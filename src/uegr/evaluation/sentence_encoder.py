"""How similar the meanings of two sentences are: the cosine of their embeddings by the packaged sentence encoder."""

import functools
import itertools
import logging
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import AutoModel, AutoTokenizer

from uegr.modeling.devices import default_device
from uegr.modeling.embedded_model import INSTALL, embedded_folder
from uegr.modeling.model_parts import longest_input

logger = logging.getLogger("uegr")
BATCH_SIZE = 64
MOST_KEPT = 1024
"""Embeddings of originals that are kept, the latest."""


class SentenceEncoder:
    """all-MiniLM-L6-v2, used as in its documentation: the mean of its token outputs, compared by the cosine.

    It reads as many tokens as it has positions, 512, and not the 256 of its documentation [ours]: a change behind them
    would not be seen.

    Args:
        path: folder of the model.
    """

    def __init__(self, path: str) -> None:
        model = AutoModel.from_pretrained(path, dtype=torch.float32, trust_remote_code=False)
        self.model = model.eval().requires_grad_(False).to(default_device())
        self.tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
        self._originals: dict[str, Tensor] = {}

    def cosines(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        """Cosine of the two embeddings of each pair, shape (len(pairs),), in [-1, 1].

        Args:
            pairs: an original and another text each. The embeddings of the originals are kept for the next calls: an
                attack compares many texts with each.
        """
        texts = [text for text in dict.fromkeys(itertools.chain(*pairs)) if text not in self._originals]
        embeddings = {**self._originals, **dict(zip(texts, self._embed(texts), strict=True))}
        self._originals |= {original: embeddings[original].clone() for original, _ in pairs}
        self._originals = dict(list(self._originals.items())[-MOST_KEPT:])
        first, second = (torch.stack([embeddings[text] for text in side]) for side in zip(*pairs, strict=True))
        return (first * second).sum(dim=1).double().numpy()

    @torch.no_grad()
    def _embed(self, texts: list[str]) -> Tensor:
        """Embeddings of length 1, shape (len(texts), d)."""
        order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
        embeddings = torch.zeros((len(texts), int(self.model.config.hidden_size)))
        for start in range(0, len(order), BATCH_SIZE):
            positions = order[start : start + BATCH_SIZE]
            batch = self.tokenizer(
                [texts[i] for i in positions],
                padding=True,
                truncation=True,
                max_length=longest_input(self.model),
                return_tensors="pt",
            ).to(self.model.device)
            tokens = self.model(**batch).last_hidden_state
            mask = batch["attention_mask"].unsqueeze(-1).float()
            mean = (tokens * mask).sum(dim=1) / mask.sum(dim=1)
            embeddings[positions] = torch.nn.functional.normalize(mean, dim=1).cpu()
        return embeddings


@functools.cache
def load_encoder() -> SentenceEncoder | None:
    """The encoder; None, with a note in the log, if its package is not installed: an attack downloads nothing."""
    folder = embedded_folder()
    if folder is None:
        logger.warning("note: the similarity of texts is not measured, and no limit on it is kept: %s.", INSTALL)
        return None
    return SentenceEncoder(folder)
