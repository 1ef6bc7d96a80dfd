"""Damaged model folders: one sentence that names the file, before anything is trained."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    GPT2Config,
    LlamaConfig,
    LlamaForSequenceClassification,
    PreTrainedConfig,
    T5Config,
    XLMRobertaConfig,
)

import uegr
from conftest import tokenizer
from support.small_models import WORDS, bert, llama
from uegr import UsageError
from uegr.modeling.model_folder import new_weights_of
from uegr.modeling.model_loading import load_model, load_tokenizer, load_trained
from uegr.modeling.tokenizer_match import check_match, tokens_to_read

TEXTS = [{"text": "good film", "label": 1}, {"text": "bad plot and the actor", "label": 0}] * 4


def classifier_folder(folder: Path) -> Path:
    bert().save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder


def edit_config(**changes: Any) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, **changes}))

    return edit


def edit_weights(change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        save_file(change(load_file(folder / "model.safetensors")), folder / "model.safetensors", {"format": "pt"})

    return edit


def write(name: str, content: str | bytes) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    return edit


def cut(name: str, share: float) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: int(share * len(content))])

    return edit


def remove(*names: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return edit


def pickled(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


INDEX = "model.safetensors.index.json"
QUERY = "bert.encoder.layer.0.attention.self.query.weight"
DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "cut weights": (cut("model.safetensors", 0.5), "model.safetensors' is damaged or cut off"),
    "cut header": (cut("model.safetensors", 0.001), "model.safetensors' is damaged or cut off"),
    "empty weights": (write("model.safetensors", b""), "model.safetensors' is damaged or cut off"),
    "weights of text": (write("model.safetensors", "no weights"), "model.safetensors' is damaged or cut off"),
    "no weights": (remove("model.safetensors"), "holds no model.safetensors: copy it again"),
    "pickled weights": (pickled, "convert its pytorch_model.bin .only safetensors are read"),
    "index without files": (
        write(INDEX, '{"weight_map": {"a": "b.safetensors"}}'),
        "holds no b.safe",
    ),
    "index of a file elsewhere": (
        write(INDEX, '{"weight_map": {"a": "../../model.safetensors"}}'),
        "names '../../model.safetensors', a file of another folder",
    ),
    "index of another form": (write(INDEX, "[]"), "index.json' holds list and not an object"),
    "index without map": (write(INDEX, "{}"), "has no weight_map"),
    "no config": (remove("config.json"), "holds no config.json: name the folder of a Hugging Face model"),
    "config list": (write("config.json", "[1, 2]"), "config.json' holds list and not an object"),
    "cut config": (cut("config.json", 0.5), "config.json' is not valid JSON"),
    "empty config": (write("config.json", ""), "config.json' is not valid JSON"),
    "config of bytes": (write("config.json", b"\xff\xfe\x00"), "config.json' is not valid JSON"),
    "deep config": (write("config.json", "[" * 100_000), "config.json' is not valid JSON"),
    "unknown type": (edit_config(model_type="nonsense"), "cannot be opened"),
    "unknown activation": (edit_config(hidden_act="nonsense"), "cannot be opened .*nonsense"),
    "NaN dropout": (edit_config(hidden_dropout_prob=float("nan")), "hidden_dropout_prob is nan and must lie in"),
    "dropout of one": (edit_config(attention_probs_dropout_prob=1.0), "must lie in .0, 1."),
    "infinite number": (edit_config(layer_norm_eps=float("inf")), "layer_norm_eps is inf"),
    "ten million layers": (
        edit_config(num_hidden_layers=10**7),
        "num_hidden_layers is 10,000,000, and the weights",
    ),
    "huge vocabulary": (edit_config(vocab_size=10**12), "vocab_size is 1,000,000,000,000"),
    "huge width": (edit_config(hidden_size=10**6), "hidden_size is 1,000,000"),
    "more layers": (edit_config(num_hidden_layers=3), "weight bert.encoder.layer.2.* is missing .16 in all"),
    "another width": (edit_config(intermediate_size=64), "has a different shape than the configuration says"),
    "another vocabulary": (edit_config(vocab_size=20), "word_embeddings.weight has a different shape"),
    "heads that do not fit": (edit_config(num_attention_heads=3), "cannot be opened"),
    "a weight of another shape": (
        edit_weights(lambda w: {**w, QUERY: torch.zeros(3, 3)}),
        "query.weight has a different shape",
    ),
    "a weight missing": (edit_weights(lambda w: {k: v for k, v in w.items() if k != QUERY}), "query.weight is missing"),
    "NaN weights": (edit_weights(lambda w: {**w, QUERY: w[QUERY] * float("nan")}), "query.weight holds NaN"),
    "int8 weights": (
        edit_weights(lambda w: {k: v.to(torch.int8) for k, v in w.items()}),
        "holds I8 numbers: a quantized",
    ),
    "no tensors": (edit_weights(lambda w: {}), "without any tensor|damaged"),
    "tokenizer list": (write("tokenizer.json", "[]"), "tokenizer.json' holds list"),
    "cut tokenizer": (cut("tokenizer.json", 0.5), "tokenizer.json' is not valid JSON"),
    "empty tokenizer": (write("tokenizer.json", ""), "tokenizer.json' is not valid JSON"),
    "tokenizer config list": (write("tokenizer_config.json", "[1]"), "tokenizer_config.json' holds list"),
}


def open_all(folder: Path) -> None:
    load_model(str(folder), "classification", ["a", "b"], 0, load_tokenizer(str(folder)))


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_folder_is_refused_in_one_sentence(name: str, tmp_path: Path) -> None:
    damage, message = DAMAGES[name]
    folder = classifier_folder(tmp_path / "model")
    open_all(folder)
    damage(folder)
    with pytest.raises(UsageError, match=message) as caught:
        open_all(folder)
    assert "\n" not in str(caught.value) and str(folder) in str(caught.value)


def test_an_empty_folder_and_a_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no model: name the folder that has its config.json"):
        load_tokenizer(str(tmp_path))
    with pytest.raises(UsageError, match="holds no config.json"):
        load_model(str(tmp_path), "classification", ["a", "b"], 0, tokenizer())
    with pytest.raises(UsageError, match="neither as a folder nor on a hub"):
        load_model(str(tmp_path / "missing"), "classification", ["a", "b"], 0, tokenizer())


def test_new_weights_are_named_and_only_the_head_may_be_new(model_folder: Path, tmp_path: Path) -> None:
    model = load_model(str(model_folder), "classification", ["a", "b"], 0, tokenizer())
    assert new_weights_of(model) == ["classifier.bias", "classifier.weight"]
    folder = classifier_folder(tmp_path / "model")
    assert new_weights_of(load_trained(folder)) == []
    three = load_model(str(folder), "classification", ["a", "b", "c"], 0, tokenizer())
    assert new_weights_of(three) == ["classifier.bias", "classifier.weight"] and three.config.num_labels == 3
    edit_weights(lambda weights: {k: v for k, v in weights.items() if "classifier" not in k})(folder)
    with pytest.raises(UsageError, match=r"weight classifier.bias is missing \(2 in all\)"):
        load_trained(folder)


def test_code_of_a_folder_is_run_by_the_flag_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, trace = classifier_folder(tmp_path / "model"), tmp_path / "ran"
    code = f"open({str(trace)!r}, 'w').close()\nfrom transformers import BertConfig as Config\n"
    code += "from transformers import BertForSequenceClassification as Model\n"
    (folder / "custom.py").write_text(code)
    auto = {"AutoConfig": "custom.Config", "AutoModelForSequenceClassification": "custom.Model"}
    edit_config(model_type="custom-kind", auto_map=auto)(folder)
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    with pytest.raises(UsageError, match="needs Python code .* is not run: add --trust_remote_code"):
        load_model(str(folder), "classification", ["a", "b"], 0, tokenizer())
    assert not trace.exists()


def test_the_models_padding_becomes_the_tokenizers() -> None:
    torch.manual_seed(0)
    sizes: dict[str, Any] = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    model = LlamaForSequenceClassification(LlamaConfig(vocab_size=len(WORDS), **sizes, pad_token_id=5)).eval()
    with pytest.raises(UsageError, match="takes token 5 for padding and the tokenizer pads with 0: its outputs would"):
        uegr.evaluate(model, tokenizer(), TEXTS, attacks=[])
    assert "takes token 5 for padding" in str(uegr.check(model, tokenizer()))
    model.config.pad_token_id = 0
    assert uegr.check(model, tokenizer()).fine
    uegr.evaluate(model, tokenizer(), TEXTS, attacks=[])


def test_logits_of_a_loaded_decoder_do_not_depend_on_the_batch(tmp_path: Path) -> None:
    model = llama()
    model.config.pad_token_id = 7
    model.save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    loaded_tokenizer = load_tokenizer(str(tmp_path))
    loaded = load_model(str(tmp_path), "classification", ["a", "b"], 0, loaded_tokenizer).eval()
    assert loaded.config.pad_token_id == loaded_tokenizer.pad_token_id == 0
    alone, together = (
        loaded(**loaded_tokenizer(texts, padding=True, return_tensors="pt", return_token_type_ids=False)).logits[0]
        for texts in (["good film"], ["good film", "bad plot and the actor and the scene"])
    )
    torch.testing.assert_close(alone, together)


def test_a_tokenizer_without_padding_is_refused() -> None:
    bare = tokenizer()
    bare.pad_token = None
    with pytest.raises(UsageError, match="the tokenizer has no padding token"):
        check_match(bert(), bare)


def test_a_decoder_without_padding_and_a_missing_tokenizer_are_refused() -> None:
    model = llama()
    model.config.pad_token_id = None
    with pytest.raises(UsageError, match="names no padding token, .* set model.config.pad_token_id = tokenizer"):
        uegr.evaluate(model, tokenizer(), TEXTS, attacks=[])
    with pytest.raises(UsageError, match="tokenizer is None, and texts cannot be read without one: pass the tokenizer"):
        uegr.evaluate(bert(), None, TEXTS, attacks=[])


@pytest.mark.parametrize("config", [BertConfig(), GPT2Config(), T5Config(), XLMRobertaConfig()])
def test_a_folder_without_the_files_of_the_tokenizer_is_refused(config: PreTrainedConfig, tmp_path: Path) -> None:
    config.save_pretrained(tmp_path)
    with pytest.raises(UsageError, match=r"special tokens? and no word, .* copy the model's tokenizer.json"):
        load_tokenizer(str(tmp_path))
    invented = AutoTokenizer.from_pretrained(tmp_path)
    assert "special tokens and no word" in str(uegr.check(bert(), invented))


def test_tokens_without_an_embedding_are_refused() -> None:
    larger = tokenizer()
    larger.add_tokens(["new", "newer"])
    with pytest.raises(UsageError, match="the tokenizer has 18 tokens and the model embeddings for 16: call model"):
        check_match(bert(), larger)
    assert not uegr.check(bert(), larger).fine
    model = bert()
    model.resize_token_embeddings(18)
    check_match(model, larger)


def test_texts_are_cut_to_the_positions_of_the_model() -> None:
    model = bert()  # 40 positions
    assert tokens_to_read(model, 128) == 40 and tokens_to_read(model, 16) == 16
    long = [{"text": "good film and the plot " * 20, "label": 1}, *TEXTS]
    assert uegr.evaluate(model, tokenizer(), long, attacks=["pgd"], max_length=500).test_examples == 9


def test_training_on_longer_texts_than_the_model_reads_says_so(tmp_path: Path) -> None:
    import pandas as pd

    from uegr.data.user_data import load_files
    from uegr.runs.train import train_run
    from uegr.training.run_config import RunConfig

    folder = classifier_folder(tmp_path / "model")
    rows = pd.DataFrame({"text": ["good film and the plot " * 20, "bad actor"] * 12, "label": ["x", "y"] * 12})
    config = RunConfig(model=str(folder), method="plain", max_steps=1, batch_size=4, max_length=300, precision="fp32")
    run = train_run(config, tmp_path / "run", data=load_files(rows), cost={"flop_ratio": 1.0, "time_ratio": 1.0})
    texts = [f"{finding['count']} {finding['message']}" for finding in run["data"]["findings"]]
    assert "40 tokens is all that the model can read, and not 300" in texts
    shutil.rmtree(tmp_path / "run")


def test_a_model_that_is_whole_is_opened_bit_by_bit(tmp_path: Path) -> None:
    folder = classifier_folder(tmp_path / "model")
    expected = BertForSequenceClassification.from_pretrained(folder).state_dict()
    assert all(torch.equal(weight, expected[name]) for name, weight in load_trained(folder).state_dict().items())
