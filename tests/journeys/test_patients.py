"""The demonstration's six patients, through all services in one process and over real processes."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from station.demo import patients
from station.demo.desk import Desk
from station.demo.expectations import Expectations
from tests.support.suites import local_suite, process_suite


async def play(desk: Desk) -> None:
    """Play every patient and fail with the table of outcomes unless all are as expected."""
    expectations = Expectations()
    for number, patient in enumerate(patients.ALL, start=1):
        with expectations.patient(number, patient.__name__):
            await patient(desk, expectations)
    with expectations.patient(len(patients.ALL) + 1, "end of day"):
        await patients.end_of_day(desk, expectations)
    if not expectations.all_met:
        Console(width=160).print(expectations.table())
    assert expectations.all_met


async def test_every_patient_has_the_expected_outcome_in_one_process(tmp_path: Path) -> None:
    async with local_suite(tmp_path) as (desk, _, _):
        await play(desk)


@pytest.mark.parametrize("one_process", [False, True], ids=["five-processes", "one-process"])
async def test_every_patient_has_the_expected_outcome_over_real_processes(
    tmp_path: Path, one_process: bool
) -> None:
    async with process_suite(tmp_path, one_process=one_process) as (desk, processes, _):
        await play(desk)
        assert len(processes.alive()) == (2 if one_process else 6)
