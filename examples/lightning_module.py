"""UEGR in a LightningModule: the loss is the method's, and so is the optimizer. Needs `pip install lightning`."""

import argparse
from typing import Any

import lightning
import torch
from datasets import load_dataset
from torch.utils.data import DataLoader
from transformers import AutoModelForSequenceClassification, AutoTokenizer, DataCollatorWithPadding

from uegr import UEGRConfig

parser = argparse.ArgumentParser()
parser.add_argument("--model", default="sentence-transformers/all-MiniLM-L6-v2")
parser.add_argument("--train_file", default="examples/reviews.csv")
parser.add_argument("--max_steps", type=int, default=-1)
args = parser.parse_args()


class RobustClassifier(lightning.LightningModule):
    """A classifier that is trained by UEGR. Checkpoints hold the method's state inside the optimizer's."""

    def __init__(self, model: str) -> None:
        super().__init__()
        self.model = AutoModelForSequenceClassification.from_pretrained(model, num_labels=2)
        self.tokenizer = AutoTokenizer.from_pretrained(model)
        self.method = UEGRConfig().create(seed=0)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-4)
        method = self.method.reset()  # Lightning calls this at every fit
        return method.attach(model=self.model, optimizer=optimizer, tokenizer=self.tokenizer).optimizer

    def on_fit_start(self) -> None:
        self.model.train()  # from_pretrained gives a model without dropout, which Lightning keeps

    def training_step(self, batch: Any, _index: int) -> torch.Tensor:
        loss = self.method.loss(batch)
        self.log("divergence", self.method.terms["divergence"])
        return loss


module = RobustClassifier(args.model)
train = load_dataset("csv", data_files=args.train_file, split="train")
train = train.map(
    lambda rows: module.tokenizer(rows["text"], truncation=True, max_length=128), batched=True, remove_columns="text"
)
loader = DataLoader(train, batch_size=16, shuffle=True, collate_fn=DataCollatorWithPadding(module.tokenizer))

trainer = lightning.Trainer(
    max_epochs=3, max_steps=args.max_steps, accelerator="cpu", logger=False, enable_checkpointing=False,
    enable_progress_bar=False, gradient_clip_val=1.0,
)  # fmt: skip
trainer.fit(module, loader)
print({name: round(float(value), 4) for name, value in trainer.callback_metrics.items()})
