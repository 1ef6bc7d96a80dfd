"""Attack one batch at several radii, and some texts: an attack is a function of a model and its input."""

import argparse

import pandas as pd
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from uegr import attacks

parser = argparse.ArgumentParser()
parser.add_argument("--model", default="distilbert/distilbert-base-uncased-finetuned-sst-2-english")
parser.add_argument("--test_file", default="examples/reviews.csv")
parser.add_argument("--examples", type=int, default=32)
args = parser.parse_args()

tokenizer = AutoTokenizer.from_pretrained(args.model)
model = AutoModelForSequenceClassification.from_pretrained(args.model)
test = pd.read_csv(args.test_file).head(args.examples)

batch = tokenizer(list(test["text"]), padding=True, return_tensors="pt")
batch["labels"] = torch.tensor(list(test["label"]))
epsilons = [0.01, 0.02, 0.05]  # relative to the mean norm of the model's token embeddings
curve = attacks.PGD(steps=5)(model, batch, epsilons=epsilons)
for epsilon, accuracy in zip(epsilons, curve.accuracy, strict=True):
    print(f"PGD, epsilon {epsilon}: accuracy {accuracy:.3f}")

rewritten = attacks.DeepWordBug()(model, tokenizer, list(test["text"]), list(test["label"]))
print(f"DeepWordBug: accuracy {rewritten.accuracy:.3f}; for example: {rewritten.texts[0]}")
