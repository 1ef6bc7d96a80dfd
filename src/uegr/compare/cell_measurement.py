"""How the trained model of a cell is measured: the same for all methods of a grid."""

from dataclasses import asdict, dataclass, field
from typing import Any

from uegr.compare.yaml_files import mapping
from uegr.data.task_data import Split
from uegr.data.task_registry import find_task
from uegr.errors import UsageError
from uegr.evaluation.attacks.attack_registry import (
    EMBEDDING_ATTACKS,
    Attack,
    attack_name,
    check_attack_options,
    check_named_once,
    create_attack,
    without_groups,
)
from uegr.evaluation.attacks.embedding_attack import sorted_epsilons
from uegr.evaluation.attacks.pgd import PGD
from uegr.evaluation.attacks.text_attack import TextAttack
from uegr.evaluation.attacks.transfer_attack import Transfer
from uegr.evaluation.evaluator import EPSILONS, TYPO_RATE
from uegr.options import Options, option
from uegr.perturb.ball import Norm
from uegr.perturb.synonyms import best_source


@dataclass(frozen=True)
class Measurement(Options):
    """How a trained cell is measured; see `uegr.evaluation.evaluator` and `PGD`.

    Args:
        epsilons: radii of the robustness curve.
        attack_norm, attack_relative, attack_steps, attack_restarts: options of the PGD attack on the embeddings.
        attacks: further attacks by name, each with its options, on the same examples; attacks on the embeddings use
            the same norm. See `uegr.runs.attack`. Classifiers only.
        calibrated: the further attacks on the text see the probabilities at the temperature that fits the model to its
            validation data.
        split: "test", or "validation" if anything is chosen by the numbers.
        transfer: named tasks on whose test data the model is measured too, at most `max_test_examples` of each; see
            `uegr.runs.transfer`. Not with split "validation", because nothing may be chosen by them.
    """

    epsilons: tuple[float, ...] = EPSILONS
    attack_norm: Norm = "l2"
    attack_relative: bool = True
    attack_steps: int = 5
    attack_restarts: int = 2
    attack_examples: int | None = option(None, "Attack at most N test examples; None attacks all.", at_least=1)
    attacks: dict[str, Any] = field(default_factory=dict)
    calibrated: bool = False
    typo_rate: float = option(TYPO_RATE, "Probability of a typing error per word.", above=0, at_most=1)
    split: Split = "test"
    transfer: tuple[str, ...] = ()

    def check(self) -> None:
        sorted_epsilons(self.epsilons)
        self.attack()
        text_attacks = [attack for attack in self.further_attacks() if isinstance(attack, TextAttack)]
        if self.calibrated and not text_attacks:
            raise UsageError("calibrated has no effect without an attack on the text: name one in attacks.")
        for name in self.transfer:
            find_task(name)
        if self.transfer and self.split != "test":
            raise UsageError("transfer measures the test data of other tasks: leave it out where split is validation.")

    def attack(self) -> PGD:
        """The attack on the embeddings."""
        return PGD(self.attack_norm, self.attack_relative, self.attack_steps, self.attack_restarts)

    def further_attacks(self) -> list[Attack]:
        """The attacks that `attacks` names."""
        attacks = []
        for name, value in mapping("attacks", self.attacks).items():
            if name == Transfer.name:
                raise UsageError(
                    "a grid has no source to transfer from: run it with --keep_models, then use "
                    "uegr attack --source RUN."
                )
            options, ball = mapping(f"attack '{name}'", value), {}
            if attack_name(name) in EMBEDDING_ATTACKS:
                ball = {"norm": self.attack_norm, "relative": self.attack_relative}
            for member in without_groups([name]):
                attacks.append(create_attack(member, {**ball, **options}))
                check_attack_options(options, attacks[-1:])
        check_named_once([attack.name for attack in attacks])
        return attacks

    def attack_options(self) -> dict[str, dict[str, Any]]:
        """The options of each of `attacks` by name, with the table of synonyms that None stands for on this machine."""
        options = {attack.name: asdict(attack) for attack in self.further_attacks()}
        for values in options.values():
            if "synonyms" in values:
                values["synonyms"] = values["synonyms"] or best_source()
        return options

    def arguments(self) -> dict[str, Any]:
        """The keyword arguments of `uegr.runs.evaluate.evaluate_run`."""
        return {
            "epsilons": self.epsilons,
            "attack": self.attack(),
            "attack_examples": self.attack_examples,
            "typo_rate": self.typo_rate,
            "split": self.split,
        }
