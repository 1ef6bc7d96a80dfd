"""Measure a model: `evaluate` for a model in memory, `measure_model` for the parts of results.json."""

from collections.abc import Iterable, Sequence
from typing import Any

from datasets import Dataset
from torch import nn
from transformers import PreTrainedTokenizerBase

from uegr.data.kind import KIND_TITLES, Kind
from uegr.data.splits import LABEL, subset
from uegr.data.task_data import METRICS_OF_KIND, check_rankings
from uegr.errors import UsageError, unknown
from uegr.evaluation.attacks.attack_registry import (
    Attack,
    attack_name,
    check_named_once,
    find_attack,
    without_groups,
)
from uegr.evaluation.attacks.attack_summary import measure_embedding_attack, measure_text_attack
from uegr.evaluation.attacks.embedding_attack import EmbeddingAttack, sorted_epsilons
from uegr.evaluation.attacks.pgd import PGD
from uegr.evaluation.attacks.text_attack import TextAttack
from uegr.evaluation.evaluated_model import BATCH_SIZE, EvaluatedModel, OnBatch
from uegr.evaluation.evaluation_data import EvaluationData, evaluation_rows
from uegr.evaluation.evaluation_report import EvaluationReport
from uegr.evaluation.forward_clock import Clock
from uegr.evaluation.model_state import evaluation_mode
from uegr.evaluation.output_checks import checked_class_names
from uegr.evaluation.output_scores import scores_of
from uegr.evaluation.packed_outcomes import pack_outcomes
from uegr.evaluation.robustness import curve_part, robust_mask
from uegr.evaluation.typo_data import rows_without_typos, typo_rows
from uegr.evaluation.worst_case import worst_case_curve
from uegr.modeling.task_kinds.detection import check_metric
from uegr.modeling.tokenizer_match import check_match
from uegr.options import check_value, own_number

EPSILONS = (0.0, 0.01, 0.02, 0.035, 0.05, 0.08)
TYPO_RATE = 0.3


def evaluate(
    model: nn.Module,
    tokenizer: PreTrainedTokenizerBase,
    dataset: EvaluationData,
    *,
    attacks: str | Attack | Sequence[str | Attack] = ("pgd",),
    epsilons: Sequence[float] = EPSILONS,
    text_columns: str | Sequence[str] | None = None,
    label_column: str = LABEL,
    kind: Kind | None = None,
    metrics: str | Sequence[str] | None = None,
    positive_label: str | None = None,
    attack_examples: int | None = 200,
    typo_rate: float = TYPO_RATE,
    batch_size: int = BATCH_SIZE,
    max_length: int = 128,
    bf16: bool = False,
    temperature: float = 1.0,
    on_batch: OnBatch = lambda examples: None,
) -> EvaluationReport:
    """Measure a model in memory: how accurate, how calibrated and how robust it is. The model is left as it was.

    Example:
        report = evaluate(model, tokenizer, dataset, attacks=["pgd", "deepwordbug"])
        print(report)

    Args:
        model: any model whose forward takes what the tokenizer returns, and returns `.logits`.
        tokenizer: its tokenizer.
        dataset: a `datasets.Dataset`, a pandas DataFrame, a list of dicts, or the path of a file.
        attacks: names of docs/attacks.md, such as pgd, deepwordbug or obfuscation, or attacks with options of your
            own. The first attack on the embeddings gives the robustness curve.
        epsilons: radii of the attacks on the embeddings.
        text_columns: one column, or two for pairs; None takes the only column of strings beside the labels, or of
            several those with usual names.
        label_column: the column with the labels; names of classes are numbered by `model.config.id2label`.
        kind: of the task, such as "classification", see `uegr.data.kind`; None reads it off the model.
        metrics: for classification, a further metric such as "f1", or several; the first is the report's `metric`. The
            other kinds report all of theirs.
        positive_label: the class whose F1 is measured; None takes class 1 of the model.
        attack_examples: attack only this number of rows, a fixed random choice; None attacks all.
        typo_rate: probability of a typing error per word.
        batch_size: examples per batch.
        max_length: texts are cut to this number of tokens.
        bf16: run the forward passes under bfloat16 autocast.
        temperature: attacks on the text see the probabilities softmax(logits / temperature); take the
            one that calibrates the model. The metrics are those of the model as it is.
        on_batch: called with the number of examples of each batch that was attacked.

    Raises:
        UsageError: an unknown attack, metric or column, an attack that is named twice, a class such as `PGD` instead of
            `PGD()`, rows without text or label, or an attack other than PGD on a model that is not a classifier.
    """
    check_value("attack_examples", own_number(attack_examples), int | None)
    chosen = _prepared_attacks(attacks)
    metrics = (metrics,) if isinstance(metrics, str) else metrics
    text_columns = (text_columns,) if isinstance(text_columns, str) else text_columns
    rows, texts, kind = evaluation_rows(model, dataset, text_columns, label_column, kind)
    for metric in metrics or ():
        check_metric(metric, kind)
    text_attacks = [attack for attack in chosen if isinstance(attack, TextAttack)]
    embedding_attacks = [attack for attack in chosen if isinstance(attack, EmbeddingAttack)]
    further: list[Attack] = [*embedding_attacks[1:], *text_attacks]
    if kind != "classification" and (further or not all(isinstance(attack, PGD) for attack in chosen)):
        raise UsageError(
            f"a model for {KIND_TITLES[kind]} can be attacked by one attack only, pgd: leave out the others."
        )
    check_match(model, tokenizer)
    evaluated = EvaluatedModel(
        model,
        tokenizer,
        texts,
        kind=kind,
        bf16=bf16,
        batch_size=batch_size,
        max_length=max_length,
        temperature=temperature,
    )
    if temperature != 1.0 and not text_attacks:
        raise UsageError("temperature has no effect without an attack on the text: add one, or leave temperature out.")
    names = checked_class_names(evaluated, rows)
    if names:
        check_rankings(metrics or (), len(names), "the model")
    if positive_label is not None:
        if not names:
            raise UsageError(f"a model for {KIND_TITLES[kind]} has no classes: leave positive_label out.")
        if positive_label not in names:
            raise unknown("positive label", positive_label, names)
        evaluated.positive_class = names.index(positive_label)
    measured = measure_model(
        evaluated,
        rows,
        metrics=metrics or METRICS_OF_KIND[kind][:1],
        epsilons=epsilons,
        attack=embedding_attacks[0] if embedding_attacks else None,
        attack_examples=attack_examples,
        typo_rate=typo_rate,
        on_batch=on_batch,
    )
    attacked = subset(rows, attack_examples, 0)
    return EvaluationReport(
        kind,
        **measured,
        positive_label=names[evaluated.positive_class] if names else None,
        **_measure_attacks(evaluated, attacked, further, epsilons, names, on_batch),
    )


def _prepared_attacks(attacks: str | Attack | Sequence[str | Attack]) -> list[Attack]:
    """The attacks that were named or given, with the members of groups, ready to be used."""
    named = attacks if isinstance(attacks, Iterable) and not isinstance(attacks, str) else [attacks]
    members = without_groups(named)
    check_named_once([attack_name(attack) for attack in members if isinstance(attack, str)])
    chosen = [find_attack(attack) for attack in members]
    for attack in chosen:
        attack.prepare()
    return chosen


def _measure_attacks(
    evaluated: EvaluatedModel,
    rows: Dataset,
    attacks: Sequence[Attack],
    epsilons: Sequence[float],
    names: Sequence[str],
    on_batch: OnBatch,
) -> dict[str, Any]:
    """The "embedding_attacks" and "text_attacks" of a report; `names` are those of the classes."""
    if not attacks:
        return {}
    sizes, clock = sorted_epsilons(epsilons), Clock(evaluated, rows)
    embedding_results, text_results = [], []
    temperature = {} if evaluated.temperature == 1.0 else {"temperature": evaluated.temperature}
    for attack in attacks:
        if isinstance(attack, TextAttack):
            text_results.append(measure_text_attack(evaluated, rows, attack, names, clock, on_batch)[0] | temperature)
        else:
            embedding_results.append(measure_embedding_attack(evaluated, rows, attack, sizes, clock, on_batch)[0])
    return {"embedding_attacks": embedding_results, "text_attacks": text_results}


def measure_model(
    evaluated: EvaluatedModel,
    rows: Dataset,
    *,
    metrics: Sequence[str] = ("accuracy",),
    epsilons: Sequence[float] = EPSILONS,
    attack: EmbeddingAttack | None,
    attack_examples: int | None = None,
    typo_rate: float = TYPO_RATE,
    on_batch: OnBatch = lambda examples: None,
) -> dict[str, Any]:
    """The task's metrics, without changes and under typing errors, and the robustness curve.

    Args:
        evaluated: the model.
        rows: the test examples.
        metrics: the task's own, in addition to those of every task of its kind; see `TaskKind.metrics`.
        epsilons: of the robustness curve.
        attack: of the robustness curve; None measures none. Tasks without classes are always attacked by PGD, with the
            norm, steps, restarts and seed given here.
        attack_examples: attack only this number of rows, a fixed random choice; None attacks all.
        typo_rate: probability of an error per word.
        on_batch: called after each batch of attacked examples.

    Returns:
        {"test_examples": N, "metric": name of the first metric, "metrics": {...}, "typo_rate", "typo_unchanged": the
        number of texts in which no typing error is possible}; with an attack also "robustness", and for classification
        "outcomes".
        Metrics are fractions, except NLL, perplexity and squared error.
    """
    typo_metric = METRICS_OF_KIND[evaluated.kind][0]
    with evaluation_mode(evaluated.model):
        outputs, labels = evaluated.outputs(rows)
        scores = scores_of(evaluated, rows, metrics, outputs, labels)
        with_typos = typo_rows(rows, evaluated.text_columns, typo_rate)
        unchanged = rows_without_typos(rows, evaluated.text_columns)
        typo_outputs, _ = evaluated.outputs(with_typos)
        typo_scores = scores_of(evaluated, with_typos, (typo_metric,), typo_outputs, labels)
        scores[f"typo_{typo_metric}"] = typo_scores[typo_metric]
        parts: dict[str, Any] = {}
        if attack is not None:
            attacked = subset(rows, attack_examples, 0)  # drawn: many test splits are sorted by label
            with Clock(evaluated, attacked).measure() as cost:
                if evaluated.kind == "classification":
                    sizes = sorted_epsilons(epsilons)
                    robust = robust_mask(evaluated, attacked, sizes, attack, on_batch)
                    parts["robustness"] = curve_part(attack, sizes, robust)
                    clean, typos = (given.argmax(axis=1) == labels for given in (outputs, typo_outputs))
                    parts["outcomes"] = pack_outcomes(clean, robust, typos)
                else:
                    parts["robustness"] = worst_case_curve(evaluated, attacked, epsilons, attack, on_batch)
            parts["robustness"]["cost"] = cost
    of_typos = {"typo_rate": typo_rate, "typo_unchanged": unchanged}
    return {"test_examples": len(rows), "metric": metrics[0], "metrics": scores, **of_typos, **parts}
