"""Which adversary UEGR's options ask for."""

from __future__ import annotations

from uegr.forward.adversaries.adversary import Adversary
from uegr.forward.adversaries.embedding_adversary import EmbeddingAdversary
from uegr.forward.adversaries.mixed_adversary import MixedAdversary
from uegr.forward.adversaries.text_adversary import TextAdversary
from uegr.forward.uegr_options import UEGRForwardOptions
from uegr.perturb.ball import Ball
from uegr.perturb.projected_ascent import ProjectedAscent


def adversary_of(options: UEGRForwardOptions) -> Adversary | None:
    """Embeddings, text, both, or none where epsilon is 0 and text is off."""
    text = None if options.text == "off" else TextAdversary(edits=options.text, edit_rate=options.edit_rate)
    if options.epsilon == 0.0:
        return text
    ascent = ProjectedAscent(Ball(options.norm), options.ascent_steps)
    embedding = EmbeddingAdversary(ascent, options.epsilon, by_confidence=options.by_confidence)
    return embedding if text is None else MixedAdversary(embedding, text, options.text_share)
