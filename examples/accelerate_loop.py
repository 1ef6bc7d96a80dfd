"""UEGR with accelerate: attach the method first, then prepare model, optimizer and loader as usual.

accelerate launch examples/accelerate_loop.py
"""

import argparse

import torch
from accelerate import Accelerator
from datasets import load_dataset
from torch.utils.data import DataLoader
from transformers import AutoModelForSequenceClassification, AutoTokenizer, DataCollatorWithPadding

from uegr import UEGRConfig

parser = argparse.ArgumentParser()
parser.add_argument("--model", default="sentence-transformers/all-MiniLM-L6-v2")
parser.add_argument("--train_file", default="examples/reviews.csv")
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--cpu", action="store_true")
args = parser.parse_args()

accelerator = Accelerator(gradient_accumulation_steps=2, cpu=args.cpu)
tokenizer = AutoTokenizer.from_pretrained(args.model)
model = AutoModelForSequenceClassification.from_pretrained(args.model, num_labels=2).train()
train = load_dataset("csv", data_files=args.train_file, split="train")
train = train.map(
    lambda rows: tokenizer(rows["text"], truncation=True, max_length=128), batched=True, remove_columns="text"
)
loader = DataLoader(train, batch_size=16, shuffle=True, collate_fn=DataCollatorWithPadding(tokenizer))

optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
method = UEGRConfig().attach(model=model, optimizer=optimizer, tokenizer=tokenizer)
model, optimizer, loader = accelerator.prepare(model, method.optimizer, loader)
for epoch in range(args.epochs):
    for batch in loader:
        with accelerator.accumulate(model):
            loss = method.loss(batch, model=model)  # the prepared model: it may be wrapped for several processes
            accelerator.backward(loss)
            optimizer.step()
            optimizer.zero_grad()
    accelerator.print(f"epoch {epoch + 1}: loss {loss.item():.3f}")
