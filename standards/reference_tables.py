"""Read this package's own reference tables, each once."""

import csv
import io
from importlib import resources


def read_table(folder: str, name: str) -> list[dict[str, str]]:
    """Give the rows of `data/<folder>/<name>` (UTF-8, comma, header line) as dictionaries.

    Callers keep what they build from it in an `lru_cache`; the rows themselves are not kept.
    """
    source = resources.files("standards").joinpath("data", folder, name)
    return list(csv.DictReader(io.StringIO(source.read_text(encoding="utf-8"), newline="")))
