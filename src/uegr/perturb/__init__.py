"""How an input is changed, in training and in attacks alike: texts, words, tokens and embeddings."""
