"""Backward stages: from gradients to weights. One file a stage; the parts they share lie beside them."""
