"""The classifiers from scratch by name, registered with transformers' Auto classes."""

from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

from uegr.modeling.scratch.bilstm import BiLSTM, BiLSTMConfig
from uegr.modeling.scratch.scratch_classifier import ScratchClassifier, ScratchConfig
from uegr.modeling.scratch.textcnn import TextCNN, TextCNNConfig
from uegr.modeling.scratch.transformer import Transformer, TransformerConfig

SCRATCH: dict[str, tuple[type[ScratchConfig], type[ScratchClassifier]]] = {
    "textcnn": (TextCNNConfig, TextCNN),
    "bilstm": (BiLSTMConfig, BiLSTM),
    "transformer": (TransformerConfig, Transformer),
}
"""Models that are trained from scratch, by the name that --model_name_or_path takes."""

for _config, _model in SCRATCH.values():
    AutoConfig.register(_config.model_type, _config, exist_ok=True)
    AutoModelForSequenceClassification.register(_config, _model, exist_ok=True)
    AutoModel.register(_config, _model, exist_ok=True)  # the classifier: there is no separate body
