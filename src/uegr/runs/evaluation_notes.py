"""Sentences about the data of an evaluation: texts seen in training, telling lengths, texts that typos cannot alter."""

from uegr.evaluation.length_baseline import REPORTED_AUC
from uegr.runs.run_result import RunResult


def leakage_line(result: RunResult) -> str:
    """Return one sentence on the overlap of the run's own evaluation texts with those of its training and hardening."""
    seen = result.leakage
    if seen is None:
        return "leakage: not measured."
    hardening = f"; {seen['hardening']:,} are in the texts of the hardening" if "hardening" in seen else ""
    return (
        f"leakage: of {seen['examples']:,} {result.split or 'test'} texts {seen['exact']:,} are in the training data "
        f"and {seen['near'] - seen['exact']:,} more are nearly equal to one (word pairs, Jaccard "
        f"{seen['similarity']:g} or more){hardening}."
    )


def length_line(result: RunResult) -> str:
    """Return one sentence on how well the lengths of the texts predict their classes; empty where they do not."""
    baseline = result.length_baseline
    if baseline is None or baseline["auc"] < REPORTED_AUC:
        return ""
    accuracy = f"{100 * baseline['accuracy']:.1f} % accuracy (AUC {baseline['auc']:.2f})"
    return f"length alone: a classifier that sees nothing but the lengths of the texts reaches {accuracy}."


def unchanged_line(result: RunResult) -> str:
    """Return one sentence on texts that no typing error can change; empty where there are none."""
    if not result.typo_unchanged:
        return ""
    return f"typing errors: no word of {result.typo_unchanged:,} of {result.test_examples:,} texts can be changed."
