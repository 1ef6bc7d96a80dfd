"""Which edits of texts the weights of a run were trained on: by the run, by runs before it, and by a hardening."""

from typing import Any

from uegr.errors import UsageError
from uegr.modeling.model_loading import folder_of_model
from uegr.perturb.views import trained_attacks
from uegr.runs.run_folder import HARDENING, RUN, read_run


def earlier_training(model: str) -> dict[str, Any]:
    """Return what run.json says of the training before: "earlier_views", and "hardening" if there was one.

    Args:
        model: what a training starts from: the folder of a run or of `uegr harden`, or any other model.

    Raises:
        UsageError: the hardening is not finished, or its hardening.json is damaged.
    """
    folder = folder_of_model(model)
    if folder is not None and (folder / HARDENING).is_file():
        record = read_run(folder, HARDENING)
        if not record.get("finished"):
            raise UsageError(
                f"'{model}' is not hardened yet: finish with uegr harden ... --output_dir {model} --resume."
            )
        if "edits" not in record["config"] or "cost" not in record:
            raise UsageError(f"'{folder / HARDENING}' lacks config.edits or cost: harden again with --overwrite.")
        edits, cost = record["config"]["edits"], record["cost"]
        hardening = {"edits": edits, "texts": cost["texts"], "seconds": cost["seconds"]}
        return {"hardening": hardening, "earlier_views": [edits, *_before(record)]}
    if folder is not None and (folder / RUN).is_file():
        try:
            record = read_run(folder)
        except UsageError:  # another program's file, or a damaged one: the model itself can be whole
            return {"earlier_views": [None]}
        hardening = {"hardening": record["hardening"]} if "hardening" in record else {}
        return {**hardening, "earlier_views": views_trained_on(record)}
    return {"earlier_views": []}


def views_trained_on(record: dict[str, Any]) -> list[str | None]:
    """The views that the weights of a run have read; None stands for views that are not known.

    Args:
        record: the content of its run.json.
    """
    of_run = record.get("views", record["config"]["options"].get("views"))
    if isinstance(of_run, str):  # an option as it is written on the command line
        of_run = of_run.split(",")
    return [*([None] if of_run is None else of_run), *_before(record)]


def _before(record: dict[str, Any]) -> list[str | None]:
    """What the weights had read before a run or a hardening; earlier versions tell only whether they had a folder."""
    if "earlier_views" in record:
        return list(record["earlier_views"])
    if "hardening" in record:
        return [record["hardening"]["edits"]]
    return [None] if record.get("model_folder") else []


def is_trained_on(attack: str, record: dict[str, Any]) -> bool | None:
    """Whether the weights of a run were trained on edits of the kind that an attack makes; None if it is not known.

    Args:
        attack: its name.
        record: the content of the run's run.json.
    """
    attacks = [_attacks_of(view) for view in views_trained_on(record)]
    if any(attack in names for names in attacks if names is not None):
        return True
    return None if None in attacks else False


def _attacks_of(view: str | None) -> set[str] | None:
    """The attacks that make the edits of a view; None if it is not known, or has edits that no longer exist."""
    try:
        return None if view is None else trained_attacks([view])
    except UsageError:
        return None
