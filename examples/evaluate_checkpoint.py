"""Measure any classifier in memory: accuracy, calibration, typing errors, and accuracy under attack."""

import argparse

import pandas as pd
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from uegr import evaluate

parser = argparse.ArgumentParser()
parser.add_argument("--model", default="distilbert/distilbert-base-uncased-finetuned-sst-2-english")
parser.add_argument("--test_file", default="examples/reviews.csv")
parser.add_argument("--examples", type=int, default=64)
args = parser.parse_args()

tokenizer = AutoTokenizer.from_pretrained(args.model)
model = AutoModelForSequenceClassification.from_pretrained(args.model)
test = pd.read_csv(args.test_file).head(args.examples)  # columns "text" and "label"

report = evaluate(model, tokenizer, test, attacks=["pgd", "deepwordbug"], epsilons=[0.01, 0.02, 0.05])
print(report)
print(report.metrics["accuracy"], report.robust_accuracy)
