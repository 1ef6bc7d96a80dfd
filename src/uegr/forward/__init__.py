"""Forward stages: from a batch to a loss. One file per stage; the parts that stages share are beside them."""
