"""The code on a receipt leads back to its trace, and a slip of the reader is noticed."""

import random

import pytest

from chassis.telemetry.trace_code import ALPHABET, TraceCodeMistyped, trace_code, trace_prefix

TRACES = [f"{random.Random(seed).getrandbits(128):032x}" for seed in range(40)]


@pytest.mark.parametrize("trace_id", ["0" * 32, "f" * 32, *TRACES])
def test_code_leads_back_to_its_trace(trace_id: str) -> None:
    code = trace_code(trace_id)
    assert [len(part) for part in code.split("-")] == [4, 4, 4, 1]
    assert trace_prefix(code) == trace_id[:15]


def test_code_is_read_in_either_case_and_with_look_alike_letters() -> None:
    code = trace_code("01" * 16)
    assert (
        trace_prefix(code.lower().replace("0", "o").replace("1", "l").replace("-", " ")) == ("01" * 16)[:15]
    )


@pytest.mark.parametrize("trace_id", TRACES[:10])
def test_each_wrong_character_is_noticed(trace_id: str) -> None:
    code = trace_code(trace_id).replace("-", "")
    for place in range(13):
        for char in ALPHABET:
            if char != code[place]:
                with pytest.raises(TraceCodeMistyped):
                    trace_prefix(code[:place] + char + code[place + 1 :])


@pytest.mark.parametrize("trace_id", TRACES)
def test_each_swap_of_neighbours_is_noticed(trace_id: str) -> None:
    code = trace_code(trace_id).replace("-", "")
    for place in range(12):
        if code[place] != code[place + 1]:
            with pytest.raises(TraceCodeMistyped):
                trace_prefix(code[:place] + code[place + 1] + code[place] + code[place + 2 :])


@pytest.mark.parametrize("code", ["", "ABC", "U" * 13, "0" * 14, "Mã tra cứu 01", "0000-0000-0000-00"])
def test_what_is_no_code_is_refused(code: str) -> None:
    with pytest.raises(TraceCodeMistyped):
        trace_prefix(code)
