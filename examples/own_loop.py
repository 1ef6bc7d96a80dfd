"""UEGR in your own training loop: attach it to the model and the optimizer, then use its loss and its optimizer."""

import argparse

import torch
from datasets import load_dataset
from torch.utils.data import DataLoader
from transformers import AutoModelForSequenceClassification, AutoTokenizer, DataCollatorWithPadding

from uegr import UEGRConfig

parser = argparse.ArgumentParser()
parser.add_argument("--model", default="sentence-transformers/all-MiniLM-L6-v2")
parser.add_argument("--train_file", default="examples/reviews.csv")
parser.add_argument("--epochs", type=int, default=3)
args = parser.parse_args()

tokenizer = AutoTokenizer.from_pretrained(args.model)
model = AutoModelForSequenceClassification.from_pretrained(args.model, num_labels=2).train()
train = load_dataset("csv", data_files=args.train_file, split="train")
train = train.map(
    lambda rows: tokenizer(rows["text"], truncation=True, max_length=128), batched=True, remove_columns="text"
)
loader = DataLoader(train, batch_size=16, shuffle=True, collate_fn=DataCollatorWithPadding(tokenizer))

optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
method = UEGRConfig().attach(model=model, optimizer=optimizer, tokenizer=tokenizer, train_loader=loader)
for epoch in range(args.epochs):
    for batch in loader:
        loss = method.loss(batch)  # forward stage
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        method.optimizer.step()  # backward stage
        method.optimizer.zero_grad()
    print(f"epoch {epoch + 1}: loss {loss.item():.3f}, divergence {method.terms['divergence'].item():.4f}")
