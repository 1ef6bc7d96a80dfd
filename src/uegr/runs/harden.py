"""Harden a model: from unlabelled texts to a folder that loads like the model it came from."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from uegr.data.encoding import pad, without_empty_rows
from uegr.data.overlap import Hashes, text_hashes
from uegr.data.text_pool import TEXT, TextPool, load_pool
from uegr.errors import UsageError
from uegr.modeling.embedded_model import locate_model
from uegr.modeling.model_loading import folder_of_model, load_any_model, load_tokenizer
from uegr.modeling.real_tokens import token_mask
from uegr.modeling.tokenizer_match import check_padding, check_vocabulary, tokens_to_read
from uegr.perturb.perturbation import DRAWS
from uegr.runs.folder_lock import only_training
from uegr.runs.hardening_texts import read_hardening_texts
from uegr.runs.run_folder import HARDENING, read_run
from uegr.runs.trained_edits import earlier_training
from uegr.runs.training_folder import begun_precision, finish_run, prepare_run, remove_checkpoints
from uegr.training.full_disk import disk_errors_explained
from uegr.training.hardening import Hardening, HardeningTrainer
from uegr.training.hardening_config import HardeningConfig
from uegr.training.precision import use_bf16
from uegr.training.processes import process_count
from uegr.training.processor import processor_name
from uegr.training.run_arguments import training_arguments
from uegr.training.train_to_end import OnStep, run_trainer, stops_at_once, weight_bytes

MEASURED = 256
"""Maximum number of texts that are kept out of the training, to measure the loss before and after it."""


@dataclass(frozen=True)
class PreparedHardening:
    """What a model is hardened with.

    Args:
        pool: the texts and their sources.
        encoded: the texts to train on, as tokens.
        kept_out: the texts that the loss is measured on, as tokens.
        hashes: of the texts to train on, and of those of an earlier hardening of the model, sorted.
        earlier_views: what the model has read before; see `uegr.runs.trained_edits`.
    """

    pool: TextPool
    encoded: Dataset
    kept_out: Dataset
    hashes: Hashes
    earlier_views: list[str | None]
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase


def harden_model(
    config: HardeningConfig,
    output_dir: Path,
    *,
    resume: bool = False,
    overwrite: bool = False,
    on_step: OnStep = lambda step, total: None,
) -> dict[str, Any]:
    """Train without labels and leave a model folder; see `uegr.training.hardening` for the loss.

    The modules of a folder of sentence-transformers (pooling, normalisation) are copied; those of a hub name are not.

    Args:
        config: model, texts and training.
        output_dir: the new folder, with a hardening.json beside the model.
        resume: continue from the last checkpoint of an interrupted stage with the same configuration.
        overwrite: replace the hardened model in the folder.
        on_step: called after each step.

    Returns:
        The content of hardening.json: config, pool (texts, sources, overlap), loss_before and loss_after on texts that
        were kept out, and cost.

    Raises:
        UsageError: the model or the texts cannot be used, or there are several processes.
        StoppedError: stopped by a signal; a checkpoint is written.
    """
    if process_count() > 1:
        raise UsageError("uegr harden trains in one process: start it without torchrun or accelerate launch.")
    prepared = _prepared(config)
    model, tokenizer, encoded = prepared.model, prepared.tokenizer, prepared.encoded
    requested_precision = begun_precision(output_dir, config.precision, HARDENING) if resume else config.precision
    bf16 = use_bf16(requested_precision, model)
    precision = "bf16" if bf16 else "fp32"
    arguments = training_arguments(config, output_dir, bf16=bf16, examples=len(encoded))
    hardening = Hardening(model, tokenizer, config.view())
    _check_edits(hardening, encoded, tokenizer, config.edits)
    with only_training(output_dir), stops_at_once(output_dir):
        checkpoint = prepare_run(
            output_dir,
            asdict(config),
            resume=resume,
            overwrite=overwrite,
            precision=precision,
            data_files=[*config.texts, *config.held_out],
            model=config.model,
            file=HARDENING,
        )
        if (begun := read_run(output_dir, HARDENING)).get("finished"):
            return begun
        trainer = HardeningTrainer(
            model,
            arguments,
            hardening=hardening,
            train_dataset=encoded,
            data_collator=partial(pad, tokenizer),
            processing_class=tokenizer,
        )
        measured = _train(trainer, prepared, checkpoint, on_step)
        record = {
            "config": asdict(config),
            "precision": precision,
            "pool": prepared.pool.to_dict(),
            "earlier_views": prepared.earlier_views,
            **measured,
        }
        with disk_errors_explained(output_dir, weight_bytes(model)):
            source = Path(locate_model(config.model))
            finish_run(
                output_dir,
                record,
                log=trainer.state.log_history,
                model=model,
                tokenizer=tokenizer,
                file=HARDENING,
                modules_of=source,
                hardening_texts=prepared.hashes,
            )
        remove_checkpoints(output_dir)
    return record


def _prepared(config: HardeningConfig) -> PreparedHardening:
    """Load the texts and the model that a configuration names; no file is written."""
    pool = load_pool(
        config.texts,
        text_column=config.text_column,
        held_out=config.held_out,
        drop_overlap=config.drop_overlap,
        most=config.max_texts,
        seed=config.seed,
    )
    earlier_views = earlier_training(config.model).get("earlier_views", [])
    trust = config.trust_remote_code
    tokenizer = load_tokenizer(config.model, trust_remote_code=trust)
    model = load_any_model(config.model, config.seed, trust_remote_code=trust)
    check_padding(tokenizer)
    check_vocabulary(model, tokenizer)
    max_length = tokens_to_read(model, config.max_length, tokenizer)
    texts, kept_out = _split(pool.rows, config.seed)
    encoded, encoded_kept_out = (_encoded(rows, tokenizer, max_length) for rows in (texts, kept_out))
    former = read_hardening_texts(folder_of_model(config.model))
    hashes = np.unique(np.concatenate([text_hashes(texts, [TEXT]), *([] if former is None else [former])]))
    return PreparedHardening(pool, encoded, encoded_kept_out, hashes, earlier_views, model, tokenizer)


def _train(
    trainer: HardeningTrainer, prepared: PreparedHardening, checkpoint: str | None, on_step: OnStep
) -> dict[str, Any]:
    """Train, and return the loss on the texts that were kept out, before and after, with the cost of the training."""
    loss_before = _mean_loss(trainer, prepared.kept_out)
    outcome = run_trainer(trainer, checkpoint, on_step)
    return {
        "loss_before": loss_before,
        "loss_after": _mean_loss(trainer, prepared.kept_out),
        "cost": {
            "texts": len(prepared.encoded),
            "steps": trainer.state.global_step,
            "seconds": outcome.metrics["train_runtime"],
            "processor": processor_name(),
        },
    }


def _check_edits(hardening: Hardening, rows: Dataset, tokenizer: PreTrainedTokenizerBase, edits: str) -> None:
    """Raise a UsageError if no text is changed: the model would learn the rounding errors of a loss of 0."""
    batch = pad(tokenizer, [rows[i] for i in range(min(MEASURED, len(rows)))])
    read = (hardening.reader.read(batch, hardening.edits, seed).batch["input_ids"] for seed in range(DRAWS))
    if all(torch.equal(batch["input_ids"], ids) for ids in read):
        raise UsageError(
            f"the edits {edits} change none of the texts, and the model would learn nothing: choose others with "
            "--edits, or a model whose tokenizer does not read each character as a word."
        )


def _split(rows: Dataset, seed: int) -> tuple[Dataset, Dataset]:
    """Return the texts to train on, in their order, and those that are kept out."""
    order = np.random.default_rng(seed).permutation(len(rows))
    kept_out = min(MEASURED, len(rows) // 10)
    return rows.select(np.sort(order[kept_out:])), rows.select(order[:kept_out])


def _encoded(rows: Dataset, tokenizer: PreTrainedTokenizerBase, max_length: int) -> Dataset:
    """Return the texts as token ids."""
    return rows.map(
        lambda part: without_empty_rows(tokenizer(part[TEXT], truncation=True, max_length=max_length), tokenizer),
        batched=True,
        remove_columns=[TEXT],
    )


@torch.no_grad()
def _mean_loss(trainer: HardeningTrainer, rows: Dataset) -> float | None:
    """Return the mean loss on texts, with edits of a fixed seed; None if there are no texts."""
    losses: list[tuple[float, int]] = []
    batch_size = trainer.args.train_batch_size
    collate: Any = trainer.data_collator
    for start in range(0, len(rows), batch_size):
        batch: Mapping[str, torch.Tensor] = trainer._prepare_inputs(
            dict(collate([rows[i] for i in range(start, min(start + batch_size, len(rows)))]))
        )
        loss = trainer.hardening.loss(trainer.model, dict(batch), seed=start)  # type: ignore[arg-type]
        losses.append((float(loss), len(token_mask(batch))))
    total = sum(count for _, count in losses)
    return sum(loss * count for loss, count in losses) / total if total else None


def describe_hardening(record: Mapping[str, Any]) -> Sequence[str]:
    """Describe in sentences what was trained, how the loss changed, and the cost."""
    cost, pool = record["cost"], record["pool"]
    dropped = {name: count for name, count in pool["overlap"].items() if count}
    lines = [
        f"{cost['texts']:,} texts in {cost['seconds']:.0f} s ({cost['steps']:,} steps, paid once: the folder serves "
        "every task)."
    ]
    if dropped:
        lines.append(
            "left out, because models are evaluated on them: "
            + ", ".join(f"{count:,} of {name}" for name, count in dropped.items())
        )
    if record["loss_before"] is not None:
        lines.append(
            f"distance between edited and clean texts, on texts kept out: {record['loss_before']:.3f} before, "
            f"{record['loss_after']:.3f} after."
        )
    return lines
