"""uegr harden: from texts to a folder that is fine-tuned like the model it came from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from datasets import Dataset
from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel, PreTrainedTokenizerFast

from support.command_line import error_of, run
from support.tokenizers_of_every_kind import SENTENCES, make_tokenizer
from uegr.data.overlap import text_hashes
from uegr.modeling.model_loading import load_trained
from uegr.runs.hardening_texts import hardening_overlap, write_hardening_texts
from uegr.training.stop_on_signal import StopOnSignal


class StopsAtStep4(StopOnSignal):
    """Stops as a signal would."""

    def on_step_end(self, args, state, control, **kwargs):  # type: ignore[no-untyped-def]
        self.requested = state.global_step >= 4
        super().on_step_end(args, state, control, **kwargs)


@pytest.fixture
def encoder_folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    tokenizer = make_tokenizer("wordpiece")
    BertModel(BertConfig(vocab_size=len(tokenizer), **sizes)).save_pretrained(tmp_path / "encoder")
    tokenizer.save_pretrained(tmp_path / "encoder")
    return tmp_path / "encoder"


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    file = tmp_path / "texts.txt"
    file.write_text("\n".join(f"{sentence} number {'i' * n}" for n in range(1, 11) for sentence in SENTENCES[:4]))
    return file


def arguments(encoder: Path, texts: Path, folder: Path, *more: str) -> list[str]:
    options = {"--texts": str(texts), "--batch_size": "8", "--epochs": "2", "--learning_rate": "1e-3"}
    flat = [part for pair in options.items() for part in pair]
    return ["harden", str(encoder), "--output_dir", str(folder), "--precision", "fp32", *flat, *more]


def test_the_folder_loads_like_its_model_and_is_fine_tuned(
    encoder_folder: Path, texts: Path, tmp_path: Path, train_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hardened = tmp_path / "hardened"
    assert run(arguments(encoder_folder, texts, hardened)) == 0
    out = capsys.readouterr().out
    assert "texts in" in out and "paid once" in out and f"--model_name_or_path {hardened}" in out
    record = json.loads((hardened / "hardening.json").read_text())
    assert record["finished"] and record["loss_after"] < record["loss_before"]
    assert record["pool"]["texts"] == 40
    assert type(AutoModel.from_pretrained(hardened)) is BertModel
    assert len(AutoTokenizer.from_pretrained(hardened)) == len(AutoTokenizer.from_pretrained(encoder_folder))
    assert not list(hardened.glob("checkpoint-*"))
    trained = tmp_path / "run"
    train = ["train", "--train_file", str(train_file), "--model_name_or_path", str(hardened), "--max_steps", "2"]
    assert run([*train, "--output_dir", str(trained)]) == 0
    assert load_trained(trained) is not None


def test_an_interrupted_stage_ends_as_an_uninterrupted_one(encoder_folder: Path, texts: Path, tmp_path: Path) -> None:
    whole, resumed = tmp_path / "whole", tmp_path / "resumed"
    assert run(arguments(encoder_folder, texts, whole, "--save_steps", "3")) == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("uegr.training.train_to_end.StopOnSignal", StopsAtStep4)
        assert run(arguments(encoder_folder, texts, resumed, "--save_steps", "3")) == 1
    assert not json.loads((resumed / "hardening.json").read_text())["finished"]
    assert not (resumed / "hardening_texts.npy").exists()
    assert run(arguments(encoder_folder, texts, resumed, "--save_steps", "3", "--resume")) == 0
    expected = AutoModel.from_pretrained(whole).state_dict()
    for name, weight in AutoModel.from_pretrained(resumed).state_dict().items():
        assert torch.equal(weight, expected[name]), name
    assert (whole / "hardening_texts.npy").read_bytes() == (resumed / "hardening_texts.npy").read_bytes()


def test_a_stage_that_was_stopped_at_its_end_is_completed(
    encoder_folder: Path, texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(_folder: Path) -> None:
        raise KeyboardInterrupt

    command = arguments(encoder_folder, texts, tmp_path / "hardened")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("uegr.runs.harden.remove_checkpoints", stopped)
        assert "stopped at once" in error_of(capsys, command, code=1)
    assert list((tmp_path / "hardened").glob("checkpoint-*"))
    assert run([*command, "--resume"]) == 0
    assert not list((tmp_path / "hardened").glob("checkpoint-*"))


def test_what_cannot_work_is_said_before_anything_is_written(
    encoder_folder: Path, texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new"
    held_out = arguments(encoder_folder, texts, folder, "--held_out", str(texts))
    assert "also in sets that models are evaluated on" in error_of(capsys, held_out)
    assert "name a pretrained one" in error_of(capsys, arguments(Path("textcnn"), texts, folder))
    assert "edits must change single words" in error_of(
        capsys, arguments(encoder_folder, texts, folder, "--edits", "harmless")
    )
    assert not folder.exists()


def test_a_tokenizer_that_does_not_fit_is_refused(
    encoder_folder: Path, texts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(encoder_folder)
    tokenizer.add_tokens(["onemore"])
    tokenizer.save_pretrained(encoder_folder)
    fault = error_of(capsys, arguments(encoder_folder, texts, tmp_path / "new"))
    assert "tokens and the model embeddings for" in fault
    bare = PreTrainedTokenizerFast(tokenizer_object=tokenizer.backend_tokenizer, unk_token="[UNK]")
    shutil.rmtree(encoder_folder)
    BertModel(
        BertConfig(vocab_size=len(bare), hidden_size=16, num_hidden_layers=1, num_attention_heads=2)
    ).save_pretrained(encoder_folder)
    bare.save_pretrained(encoder_folder)
    fault = error_of(capsys, arguments(encoder_folder, texts, tmp_path / "new"))
    assert "the tokenizer has no padding token, which batches need" in fault
    assert not (tmp_path / "new").exists()


def test_several_processes_are_refused(
    encoder_folder: Path,
    texts: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    arguments = ["harden", str(encoder_folder), "--texts", str(texts), "--output_dir", str(tmp_path / "hardened")]
    assert "trains in one process: start it without torchrun" in error_of(capsys, arguments)
    assert not (tmp_path / "hardened").exists()


def test_texts_of_which_the_edits_change_none_are_refused(
    encoder_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A WordPiece tokenizer reads each Chinese character as a word, and the model got worse by rounding errors."""
    texts, folder = tmp_path / "chinese.txt", tmp_path / "hardened"
    texts.write_text("\n".join(f"这部电影很好看 {i}" for i in range(20)), encoding="utf-8")
    error = error_of(capsys, arguments(encoder_folder, texts, folder))
    assert "the edits characters:0.35 change none of the texts" in error
    assert not folder.exists()


def test_the_modules_of_a_sentence_encoder_are_kept(encoder_folder: Path, texts: Path, tmp_path: Path) -> None:
    """Without them sentence-transformers takes the mean of the tokens and does not normalise it."""
    modules = [{"path": "", "type": "Transformer"}, {"path": "1_Pooling", "type": "Pooling"}]
    (encoder_folder / "modules.json").write_text(json.dumps(modules))
    (encoder_folder / "sentence_bert_config.json").write_text('{"max_seq_length": 77}')
    (encoder_folder / "1_Pooling").mkdir()
    (encoder_folder / "1_Pooling" / "config.json").write_text('{"pooling_mode": "cls"}')
    hardened = tmp_path / "hardened"
    assert run(arguments(encoder_folder, texts, hardened, "--max_steps", "1")) == 0
    for name in ("modules.json", "sentence_bert_config.json", "1_Pooling/config.json"):
        assert (hardened / name).read_bytes() == (encoder_folder / name).read_bytes()
    assert run(arguments(encoder_folder, texts, hardened, "--max_steps", "1", "--overwrite")) == 0
    assert (hardened / "1_Pooling" / "config.json").exists()


def test_evaluation_texts_that_the_encoder_was_hardened_on_are_counted(
    encoder_folder: Path, texts: Path, tmp_path: Path, train_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where the folder of the encoder is gone, and those of the hardening before the last one."""
    first, hardened, trained = (tmp_path / name for name in ("first", "hardened", "run"))
    lines = texts.read_text().splitlines()
    texts.write_text("\n".join(lines[:20]))
    assert run(arguments(encoder_folder, texts, first, "--max_steps", "1")) == 0
    texts.write_text("\n".join(lines[20:]))
    assert run(arguments(first, texts, hardened, "--max_steps", "1", "--max_texts", "10")) == 0
    assert len(np.load(hardened / "hardening_texts.npy")) == 18 + 9, "a tenth is kept out to measure the loss"
    read = [set(np.load(folder / "hardening_texts.npy")) for folder in (first, hardened)]
    hashes = text_hashes(Dataset.from_dict({"text": lines}), ["text"])
    seen = [line for line, value in zip(lines, hashes, strict=True) if value in read[1]]
    assert read[0] < read[1] and len(seen) == 27
    train = ["train", "--train_file", str(train_file), "--model_name_or_path", str(hardened), "--max_steps", "1"]
    test_file, other_file = tmp_path / "test.csv", tmp_path / "other.csv"
    pd.DataFrame({"text": [seen[0].upper() + "!", seen[-1], "a new text"], "label": [0, 1, 1]}).to_csv(test_file)
    pd.DataFrame({"text": [seen[1], "a text", "a new text"], "label": [0, 1, 1]}).to_csv(other_file)
    assert run([*train, "--method", "plain", "--test_file", str(test_file), "--output_dir", str(trained)]) == 0
    assert json.loads((trained / "run.json").read_text())["earlier_views"] == ["characters:0.35"] * 2, "both trainings"
    shutil.rmtree(hardened)
    capsys.readouterr()
    evaluate = ["evaluate", str(trained), "--epsilons", "0,0.1", "--attack_steps", "1"]
    assert run([*evaluate, "--test_file", str(other_file)]) == 0
    assert "; 2 are in the texts of the hardening." in " ".join(capsys.readouterr().out.split())
    (entry,) = json.loads((trained / "results.json").read_text())["runs"]
    assert entry["leakage"]["hardening"] == 2
    assert entry["transfer"][0]["leakage"]["hardening"] == 1
    (trained / "hardening_texts.npy").write_bytes(b"\x93NUMPY")
    assert "is damaged" in error_of(capsys, evaluate)
    (trained / "hardening_texts.npy").unlink()  # as of an earlier version
    assert run(evaluate) == 0
    assert "hardening" not in json.loads((trained / "results.json").read_text())["runs"][0]["leakage"]


def test_both_texts_of_a_pair_are_looked_for_in_a_hardening(tmp_path: Path) -> None:
    write_hardening_texts(tmp_path, text_hashes(Dataset.from_dict({"text": ["one text", "another"]}), ["text"]))
    rows = Dataset.from_dict({"a": ["one text", "a", "a"], "b": ["b", "Another!", "b"]})
    assert hardening_overlap(tmp_path, rows, ["a", "b"]) == {"hardening": 2}
