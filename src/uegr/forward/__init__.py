"""Forward stages: from a batch to a loss. One file a stage; the parts they share lie beside them."""
