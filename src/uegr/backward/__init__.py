"""Backward stages: from gradients to weights. One file per stage; the parts that stages share are beside them."""
