"""BLEU of the text that a sequence-to-sequence model generates."""

import torch
from datasets import Dataset

from uegr.data.splits import LABEL
from uegr.evaluation.evaluated_model import EvaluatedModel
from uegr.evaluation.model_state import evaluation_mode
from uegr.modeling.metrics import bleu


def generated_bleu(evaluated: EvaluatedModel, rows: Dataset) -> float:
    """Corpus BLEU of the generated texts against the rows' "label", in [0, 1]."""
    return bleu(generate_texts(evaluated, rows), [str(text) for text in rows[LABEL]])


@torch.no_grad()
def generate_texts(evaluated: EvaluatedModel, rows: Dataset) -> list[str]:
    """The text that a model generates for each row: greedy decoding, at most `max_length` tokens."""
    generated = [""] * len(rows)
    with evaluation_mode(evaluated.model):
        for positions, batch in evaluated.batches(rows):
            with evaluated.autocast():
                ids = evaluated.model.generate(
                    input_ids=batch["input_ids"],
                    attention_mask=batch["attention_mask"],
                    max_new_tokens=evaluated.max_length,
                    num_beams=1,
                    do_sample=False,
                )
            texts = evaluated.tokenizer.batch_decode(ids, skip_special_tokens=True)
            for position, text in zip(positions, texts, strict=True):
                generated[position] = text
    return generated
