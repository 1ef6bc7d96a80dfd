"""Quiet libraries: no progress bars and notices of their own in ours."""

from __future__ import annotations

import logging
import os
import warnings


def silence_libraries() -> None:
    """Silence the libraries' own bars and notices; their warnings about our calls are ours to heed in tests."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import datasets
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    datasets.disable_progress_bars()
    logging.getLogger("accelerate").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=UserWarning)
