"""How the trained model of a cell is measured: the same for all methods of a grid."""

from dataclasses import dataclass, field
from typing import Any

from uegr.compare.yaml_files import mapping
from uegr.data.task_data import Split
from uegr.errors import UsageError
from uegr.evaluation.attacks.attack_registry import EMBEDDING_ATTACKS, Attack, attack_name
from uegr.evaluation.attacks.embedding_attack import sorted_epsilons
from uegr.evaluation.attacks.pgd import PGD
from uegr.evaluation.attacks.transfer_attack import Transfer
from uegr.evaluation.evaluator import EPSILONS, TYPO_RATE
from uegr.evaluation.typo_data import check_typo_rate
from uegr.perturb.ball import Norm
from uegr.runs.attack import check_attack_options, create_attack


@dataclass(frozen=True)
class Measurement:
    """How a trained cell is measured; see `uegr.evaluation.evaluator` and `PGD`.

    Args:
        epsilons: radii of the robustness curve.
        attack_norm, attack_relative, attack_steps, attack_restarts: of the embedding PGD.
        attack_examples: number of test examples to attack; None attacks all.
        attacks: further attacks by name, each with its options, on the same examples; attacks on the embeddings use
            the same norm. See `uegr.runs.attack`. Classifiers only.
        typo_rate: probability of a typing error per word.
        split: "test", or "validation" while anything is chosen by the numbers.

    Raises:
        UsageError: a value is invalid.
    """

    epsilons: tuple[float, ...] = EPSILONS
    attack_norm: Norm = "l2"
    attack_relative: bool = True
    attack_steps: int = 5
    attack_restarts: int = 2
    attack_examples: int | None = None
    attacks: dict[str, Any] = field(default_factory=dict)
    typo_rate: float = TYPO_RATE
    split: Split = "test"

    def __post_init__(self) -> None:
        sorted_epsilons(self.epsilons)
        check_typo_rate(self.typo_rate)
        self.attack()
        self.further_attacks()
        if self.attack_examples is not None and self.attack_examples < 1:
            raise UsageError(f"attack_examples must be at least 1, or null for all, not {self.attack_examples}.")

    def attack(self) -> PGD:
        """The attack on the embeddings."""
        return PGD(self.attack_norm, self.attack_relative, self.attack_steps, self.attack_restarts)

    def further_attacks(self) -> list[Attack]:
        """The attacks that `attacks` names."""
        attacks = []
        for name, value in self.attacks.items():
            if name == Transfer.name:
                raise UsageError(
                    "a grid has no source to transfer from: run it with --keep_models, then use "
                    "uegr attack --source RUN."
                )
            options, ball = mapping(f"attack '{name}'", value), {}
            if attack_name(name) in EMBEDDING_ATTACKS:
                ball = {"norm": self.attack_norm, "relative": self.attack_relative}
            attacks.append(create_attack(name, {**ball, **options}))
            check_attack_options(options, attacks[-1:])
        return attacks

    def arguments(self) -> dict[str, Any]:
        """The keyword arguments of `uegr.runs.evaluate.evaluate_run`."""
        return {
            "epsilons": self.epsilons,
            "attack": self.attack(),
            "attack_examples": self.attack_examples,
            "typo_rate": self.typo_rate,
            "split": self.split,
        }
