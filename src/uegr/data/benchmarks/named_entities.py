"""Tasks with a label per word: named-entity recognition."""

from uegr.data.task import Task

NAMED_ENTITIES: dict[str, Task] = {
    "wnut17": Task(
        text=("tokens",),
        target="ner_tags",
        kind="token",
        labels=(
            "O",
            *("B-corporation", "I-corporation", "B-creative-work", "I-creative-work", "B-group", "I-group"),
            *("B-location", "I-location", "B-person", "I-person", "B-product", "I-product"),
        ),
        metrics=("entity_f1", "token_accuracy"),
        rows={"train": 3394, "validation": 1009, "test": 1287},
        source="github leondz/emerging_entities_17",
        cite="Derczynski et al. 2017, W-NUT",
        licence="CC BY 4.0",
        note="train is Twitter, validation YouTube, test Twitter, Reddit and StackExchange",
    ),
}
