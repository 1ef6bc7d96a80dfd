"""What a policy may say, and what is refused before anything is measured."""

from pathlib import Path

import pytest
import yaml

from uegr.errors import UsageError
from uegr.runs.gate import run_gate
from uegr.runs.gate_policy import GatePolicy, read_policy
from uegr.runs.open_classifier import open_model


def test_a_limit_for_a_group_or_for_synonyms_is_one_for_perturbations() -> None:
    """The limit of a perturbation of its own replaces that of its group, in any order."""
    members = dict.fromkeys(("homoglyphs", "invisible", "leetspeak", "signs"), 0.1)
    limits = {"spaced": 0.3, "obfuscation": 0.1, "reworded": 0.2}
    for names in (limits, reversed(limits)):
        thresholds = GatePolicy(maximum={"flip_rate": {name: limits[name] for name in names}}).thresholds()
        assert len(thresholds) == 6
        assert {threshold.subject: threshold.limit for threshold in thresholds} == {
            **members,
            "spaced": 0.3,
            "reworded": 0.2,
        }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "the policy has no limit"),
        ({"minimum": {"accuracy": 0.5}, "rate": 0.1}, "rate has no effect: nothing is perturbed without a limit"),
        ({"minimum": {"harmless_accuracy": 0.9}}, "harmless_accuracy needs texts that only look perturbed: name their"),
        ({"minimum": {"accuracy": 0.5}, "harmless_file": "a.csv"}, "harmless_file has no effect without a limit for"),
        ({"minimum": {"acuracy": 0.9}}, "unknown measure of minimum 'acuracy' .did you mean 'accuracy'"),
        ({"minimum": {"accuracy": 90}}, r"must be a fraction in \[0, 1\], not 90"),
        ({"minimum": {"accuracy": {"a": 1}}}, "minimum: accuracy must be a number"),
        (
            {"minimum": {"accuracy": 0.5, "recall": {}}},
            "minimum: recall has no limit: add one, or leave recall out",
        ),
        ({"minimum": {"recall": 0.9}}, r"minimum: recall must be a mapping such as \{spam: 0.9\}"),
        ({"maximum": {"flip_rate": {"typo": 0.1}}}, "unknown perturbation 'typo' .did you mean 'typos'"),
        ({"maximum": {"ece": 0.1}, "rate": 0}, "rate must be above 0 and at most 1"),
        ({"maximum": {"ece": 0.1}, "limits": 3}, "unknown key in .* 'limits'"),
        ([1], "must be a mapping"),
        ({"maximum": {"ece": True}}, "must be a fraction"),
        (
            {"minimum": {"recall": {"a": 0.5}}, "maximum": {"recall": {"b": 0.1, "a": 0.2}}},
            "no model can pass: recall of a must be at least 0.5 and at most 0.2",
        ),
        (
            {"minimum": {"flip_rate": {"obfuscation": 0.5, "spaced": 0.1}}, "maximum": {"flip_rate": {"signs": 0.2}}},
            "no model can pass: flip rate under signs must be at least 0.5 and at most 0.2",
        ),
    ],
)
def test_a_wrong_policy_is_refused(content: object, message: str, tmp_path: Path) -> None:
    (tmp_path / "gate.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(UsageError, match=message):
        read_policy(tmp_path / "gate.yaml")


def test_a_class_that_the_model_does_not_have_is_refused(evaluated_run: Path) -> None:
    with pytest.raises(UsageError, match="unknown class in recall 'spam': choose one of 0, 1"):
        run_gate(open_model(evaluated_run), GatePolicy(minimum={"recall": {"spam": 0.5}}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("minimum: {accuracy: 0.9}\nminimum: {recall: {a: 0.1}}\n", "the key 'minimum' appears twice"),
        ("minimum: {recall: {a: 0.1, a: 0.2}}\n", "the key 'a' appears twice"),
        ("minimum: {recall: {yes: 0.1}}\n", "put quotes around yes, no, on and off"),
    ],
)
def test_a_policy_that_yaml_reads_otherwise_is_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "gate.yaml").write_text(text)
    with pytest.raises(UsageError, match=message):
        read_policy(tmp_path / "gate.yaml")
