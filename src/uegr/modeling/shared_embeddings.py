"""Token embeddings that several passes of one step look up once."""

import torch
from torch import Tensor, nn

from uegr.modeling.embeddings import input_embeddings
from uegr.modeling.model_wrappers import is_compiled


class SharedEmbeddings:
    """The token embeddings of passes over the same tokens, looked up once.

    For passes that are differentiated together: their gradients then meet in (B, T, d), and the gradient of the
    embedding matrix, as large as the matrix for any batch, is written once and not once per pass. Sharded and
    compiled models look up again.
    """

    def __init__(self, model: nn.Module) -> None:
        self._active = type(input_embeddings(model).weight) is nn.Parameter and not is_compiled(model)
        self._embedded: list[tuple[Tensor, Tensor]] = []

    def of(self, ids: Tensor, output: Tensor) -> Tensor:
        """The embeddings (B, T, d) of the first pass over these ids (B, T); in the first pass, `output` itself."""
        for earlier_ids, embedded in self._embedded:
            if earlier_ids is ids:
                return embedded
        if self._active:
            self._embedded.append((ids, output))
        return output

    def repeat(self, ids: Tensor, copies: Tensor, times: int) -> None:
        """Use the embeddings of `ids` for `copies`, which is `ids` repeated along the batch, if they were looked up."""
        for earlier_ids, embedded in self._embedded:
            if earlier_ids is ids:
                self._embedded.append((copies, torch.cat([embedded] * times)))
                return
