"""The configuration of the label-free stage before fine-tuning."""

from dataclasses import dataclass

from uegr.errors import UsageError
from uegr.modeling.embedded_model import EMBEDDED_MODEL
from uegr.options import option
from uegr.perturb.views import View, parse_view
from uegr.training.training_options import TrainingOptions


@dataclass(frozen=True, kw_only=True)
class HardeningConfig(TrainingOptions):
    """All that decides a hardened model; its fields are the options of `uegr harden`."""

    model: str = EMBEDDED_MODEL
    texts: tuple[str, ...] = option((), "Texts without labels: files (.txt, .csv, .tsv, .json, .parquet) or tasks.")
    text_column: str = option(
        "text", "Column of the text in the files; of several (a,b), each that a file has is read."
    )
    held_out: tuple[str, ...] = option(
        (), "Tasks or files that models will be evaluated on: their texts may not be used."
    )
    drop_overlap: bool = option(False, "Leave out texts that are in a held-out set; by default they are an error.")
    max_texts: int | None = option(None, "Use at most N texts, drawn with the seed.", at_least=1)
    edits: str = option("characters:0.35", "How the training texts are edited, such as characters:0.35+ocr:0.1.")
    seed: int = option(0, "Random seed of the texts, their order and their edits.", at_least=0, at_most=2**32 - 1)
    epochs: float = option(1.0, "Passes over the texts.", at_least=0)
    learning_rate: float = option(1.5e-4, "Learning rate of AdamW, with linear warm-up and decay.", at_least=0)
    batch_size: int = option(32, "Texts per batch.", at_least=1)
    max_length: int = option(64, "Truncate texts to N tokens.", at_least=1)
    save_steps: int = option(500, "Checkpoint every N steps; 0: after each epoch.", at_least=0)

    def check(self) -> None:
        view = self.view()
        if not view.edits or view.adversarial or any(edit.rewrites_texts for edit in view.edits):
            raise UsageError(f"edits must change single words, as in characters:0.35, not '{self.edits}'.")

    def view(self) -> View:
        """The edits as a view."""
        return parse_view(self.edits)
