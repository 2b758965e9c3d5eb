"""Splink on the same labelled sets, blocks and labels: what `bench.matching` compares with.

Splink is an optional tool of the benches (extra `bench`); no service and no test needs it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import splink
import splink.comparison_level_library as levels
import splink.comparison_library as comparisons
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from bench.matching_set import LabelledSet, Record
from identity_svc.domain.matching import block_keys
from standards.names import search_key
from standards.syllables import i_for_y

BLOCKS = "WGDY"
NUMBERS = ("CITIZEN_NUMBER", "OLD_IDENTITY_NUMBER", "INSURANCE_NUMBER")
U_PAIRS = 2e6
SEED = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class SplinkRun:
    """Splink's verdict on a set."""

    version: str
    scored: list[tuple[float, tuple[int, int]]]
    """(match weight, pair), every pair that shares a block."""
    train_s: float
    predict_s: float


def _table(records: Sequence[Record]) -> pa.Table:
    return pa.Table.from_pylist([_row(record) for record in records])


def _row(record: Record) -> dict[str, Any]:  # Any: text, number or None
    facts = record.facts
    numbers = dict(reversed((*facts.identifiers, *facts.weak_identifiers)))
    keys = {key[0]: key for key in block_keys(facts)}
    words = [i_for_y(word) for word in search_key(facts.full_name).split()]
    return {
        "unique_id": record.record_id,
        "person_id": record.person_id,
        "full_name": facts.full_name.casefold() or None,
        "folded_name": " ".join(words) or None,
        "sorted_name": " ".join(sorted(words)) or None,
        "given": words[-1] if words else None,
        "birth_date": facts.birth_date or None,
        "birth_year": facts.birth_date[:4] or None,
        "gender": facts.gender or None,
        "ward_code": facts.ward_code or None,
        **{kind.lower(): numbers.get(kind) for kind in NUMBERS},
        **{f"block_{each.lower()}": keys.get(each) for each in BLOCKS},
    }


def _settings() -> SettingsCreator:
    name = comparisons.CustomComparison(
        output_column_name="name",
        comparison_levels=[
            levels.NullLevel("full_name"),
            levels.ExactMatchLevel("full_name", term_frequency_adjustments=True),
            levels.ExactMatchLevel("folded_name", term_frequency_adjustments=True),
            levels.ExactMatchLevel("sorted_name"),
            levels.JaroWinklerLevel("folded_name", 0.95),
            levels.JaroWinklerLevel("folded_name", 0.88),
            levels.ElseLevel(),
        ],
    )
    birth_date = comparisons.CustomComparison(
        output_column_name="birth",
        comparison_levels=[
            levels.NullLevel("birth_date"),
            levels.ExactMatchLevel("birth_date"),
            levels.DamerauLevenshteinLevel("birth_date", 1),
            levels.ExactMatchLevel("birth_year"),
            levels.ElseLevel(),
        ],
    )
    numbers = [comparisons.DamerauLevenshteinAtThresholds(kind.lower(), [1]) for kind in NUMBERS]
    keys = [f"block_{each.lower()}" for each in BLOCKS] + [kind.lower() for kind in NUMBERS]
    return SettingsCreator(
        link_type="dedupe_only",
        comparisons=[
            name,
            comparisons.ExactMatch("given"),
            birth_date,
            comparisons.ExactMatch("gender"),
            comparisons.ExactMatch("ward_code"),
            *numbers,
        ],
        blocking_rules_to_generate_predictions=[block_on(key) for key in keys],
        retain_matching_columns=False,
    )


def run_splink(train: LabelledSet, test: LabelledSet) -> SplinkRun:
    """Train on one set with its labels, score the other."""
    began = time.perf_counter()
    api = DuckDBAPI()
    trained = Linker(api.register(_table(train.records)), _settings(), log_level=40)
    trained.training.estimate_u_using_random_sampling(max_pairs=U_PAIRS, seed=SEED)
    trained.training.estimate_m_from_label_column("person_id")
    model = trained.misc.save_model_to_json()
    train_s = time.perf_counter() - began
    began = time.perf_counter()
    other = DuckDBAPI()
    linker = Linker(other.register(_table(test.records)), model, log_level=40)
    found = linker.inference.predict(threshold_match_weight=-50)
    rows = found.as_record_list()
    predict_s = time.perf_counter() - began
    return SplinkRun(
        version=splink.__version__,
        scored=[
            (
                float(row["match_weight"]),
                (min(row["unique_id_l"], row["unique_id_r"]), max(row["unique_id_l"], row["unique_id_r"])),
            )
            for row in rows
        ],
        train_s=train_s,
        predict_s=predict_s,
    )
