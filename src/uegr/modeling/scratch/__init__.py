"""Small models that are trained from scratch; importing this package lets transformers' Auto classes open them."""

from uegr.modeling.scratch.scratch_models import SCRATCH as SCRATCH
