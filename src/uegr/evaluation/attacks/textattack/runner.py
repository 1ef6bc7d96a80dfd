"""Runs in TextAttack's environment, as a script: attack a Hugging Face classifier with one recipe.

    python runner.py JOB.json RESULT.json

JOB holds "model" (a folder), "recipe" (a class of textattack.attack_recipes), "examples" (list of [texts, label]),
"stop_words", "max_length" (tokens, no more than the model has positions for) and "query_budget"; RESULT gets one object
per example: "after" (texts, or null), "predicted", "queries".
Nothing of uegr is imported: it is not installed there.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Attack every example of the job."""
    job_file, result_file = (Path(name).resolve() for name in sys.argv[1:3])
    job = json.loads(job_file.read_text(encoding="utf-8"))
    data = job_file.parent / "nltk_data"
    provide_stop_words(data, job["stop_words"])
    os.environ["NLTK_DATA"] = os.pathsep.join([os.environ.get("NLTK_DATA", ""), str(data)]).strip(os.pathsep)

    import textattack
    import torch
    from transformers import AutoModelForSequenceClassification

    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_pretrained(job["model"], trust_remote_code=False).eval()
    tokenizer = tokenizer_of(job["model"])
    # TextAttack pads to the tokenizer's own limit.
    tokenizer.model_max_length = min(tokenizer.model_max_length, job["max_length"])
    attack = getattr(textattack.attack_recipes, job["recipe"]).build(
        textattack.models.wrappers.HuggingFaceModelWrapper(model, tokenizer)
    )
    columns = [f"text{i}" for i in range(len(job["examples"][0][0]))]
    change_last_column_only(attack, columns)
    rows = [(tuple(texts) if len(texts) > 1 else texts[0], label) for texts, label in job["examples"]]
    settings = textattack.AttackArgs(
        num_examples=len(rows), query_budget=job["query_budget"], random_seed=0, silent=True, disable_stdout=True
    )
    outcomes = textattack.Attacker(attack, textattack.datasets.Dataset(rows, columns), settings).attack_dataset()
    result_file.write_text(json.dumps([result_of(outcome, columns) for outcome in outcomes]), encoding="utf-8")


def tokenizer_of(folder: str) -> Any:
    """The tokenizer in a folder; transformers 4 does not know the class name that 5 gives to a generic one."""
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    try:
        return AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except ValueError:
        return PreTrainedTokenizerFast.from_pretrained(folder, trust_remote_code=False)


def change_last_column_only(attack: Any, columns: "list[str]") -> None:
    """Let an attack change the last text of each example only, as the attacks of uegr do."""
    from textattack.constraints.pre_transformation import InputColumnModification

    attack.pre_transformation_constraints.append(InputColumnModification(columns, set(columns[:-1])))


def result_of(outcome: object, columns: "list[str]") -> "dict[str, object]":
    """One object of the result."""
    from textattack.attack_results import SuccessfulAttackResult

    after = outcome.perturbed_result  # type: ignore[attr-defined]
    fooled = isinstance(outcome, SuccessfulAttackResult)
    texts = after.attacked_text._text_input
    return {
        "after": [texts[name] for name in columns] if fooled else None,
        "predicted": int(after.output),
        "queries": int(outcome.num_queries),  # type: ignore[attr-defined]
    }


def provide_stop_words(folder: Path, words: "list[str]") -> None:
    """Write our stop words, at the end of NLTK's search path: they are used where its own are not downloaded."""
    place = folder / "corpora" / "stopwords"
    place.mkdir(parents=True, exist_ok=True)
    (place / "english").write_text("\n".join(words) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
