"""How good a trained model is, and how hard to fool. Works on any Hugging Face classifier."""
