"""Turn off the progress bars and notices of the libraries that uegr uses."""

import logging
import os
import sys
import warnings

from uegr.errors import UegrWarning

ENVIRONMENT = {
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
}
"""Read by the libraries when they are imported, and by processes that this one starts."""


def silence_libraries() -> None:
    """Turn off the libraries' own progress bars and notices.

    No library is imported for this: the environment variables silence those that are imported later, and calls silence
    those that are imported already. A variable that the user has set stays as it is.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if "transformers" in sys.modules:
        import transformers

        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
    if "huggingface_hub" in sys.modules:
        from huggingface_hub.utils.tqdm import disable_progress_bars

        disable_progress_bars()
    if "datasets" in sys.modules:
        import datasets

        datasets.disable_progress_bars()
    logging.getLogger("accelerate").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=UserWarning)
    warnings.filterwarnings("default", category=UegrWarning)
