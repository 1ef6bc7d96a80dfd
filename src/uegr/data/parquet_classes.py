"""The names of classes that the `datasets` library writes into the schema of a Parquet file, next to their numbers."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from datasets import ClassLabel, Features

from uegr.data.arrow_cache import BATCH


def classes_of(file: pq.ParquetFile) -> dict[str, Any]:
    """Return the features of the columns that hold numbers of classes, or lists of them; empty if no names are there.

    Names that cannot be read, or are fewer than the numbers of their column, are left out: the numbers stay numbers.
    """
    try:
        features = Features.from_arrow_schema(file.schema_arrow)
    except (ValueError, KeyError, TypeError, AttributeError, NotImplementedError):  # written by another program
        return {}
    names = {column: _names(feature) for column, feature in features.items()}
    return {column: features[column] for column in features if names[column] and _fit(file, column, names[column])}


def with_classes(table: pa.Table, classes: Mapping[str, Any]) -> pa.Table:
    """Return the table with a schema from which `datasets` reads the features of the columns in `classes`."""
    if not classes:
        return table
    features = Features({**Features.from_arrow_schema(table.schema), **classes})
    return table.replace_schema_metadata(features.arrow_schema.metadata)


def _names(feature: Any) -> list[str]:
    label = getattr(feature, "feature", feature)
    return list(label.names) if isinstance(label, ClassLabel) else []


def _fit(file: pq.ParquetFile, column: str, names: list[str]) -> bool:
    """Whether every number of a column has a name; -1 and -100 mark that there is no label."""
    for batch in file.iter_batches(BATCH, columns=[column]):
        numbers = batch[column]
        highest = pc.max(numbers if pa.types.is_integer(numbers.type) else pc.list_flatten(numbers)).as_py()
        if highest is not None and highest >= len(names):
            return False
    return True
