"""Throws broken cards and chips at their readers: each input has to give a value or a typed error, in bounded memory.

python -m bench.fuzz [--inputs 1000000] [--seed N]

Inputs are sound samples of made-up people, changed as scanners, readers and forgers change them: bytes and characters
flipped, cut, doubled, moved and spliced, lengths and tags of elements rewritten with and without correcting those
around them, fields swapped, encodings mixed. The seed is printed; the same seed gives the same inputs. The readers
keep nothing between inputs, so memory is watched in two ways: the most that one input takes (traced on a sample of
the inputs) and what the process has grown by at the end.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from standards.card_qr import parse_card_qr
from standards.errors import FormatError
from standards.icao.certificates import TrustStore, build_trust_store
from standards.icao.lds import parse_dg1, parse_dg2, parse_dg13
from standards.icao.mrz import parse_mrz
from standards.icao.security_object import authenticate
from standards.insurance_qr import parse_insurance_qr
from tests.support.chip_maker import (
    NOW,
    Recipe,
    authority,
    dg1,
    dg2,
    dg13,
    rsa_key,
    security_object,
    signer,
    td1,
    td3,
    tlv,
)

TRACED_EVERY = 499
"""One input in so many is traced, which takes ten times as long; a prime, so that every reader has its turn."""
PEAK_BYTES_MAX = 8 * 1024 * 1024
"""The most that one input may take."""
GROWTH_BYTES_MAX = 64 * 1024 * 1024
"""The most that the process may have grown by; its libraries load lazily."""
SLOW_S = 0.5

CARD = "099185000001|099123456|Nguyễn Thị Đức|01021985|Nữ|Thôn 1, Nam Mẫu, Ba Bể, Bắc Kạn|15072021"
INSURANCE = "|".join(
    (
        "GD4069912345678", "Nguyễn Thị Hòa".encode().hex(), "02/03/1990", "2", "Xã Nam Mẫu".encode().hex(),
        "06 - 011", "01/01/2025", "31/12/2025", "20/12/2024", "99069912345678", "-", "5", "01/01/2026", "$",
    )
)  # fmt: skip
_ODD_CHARS = "|\x00\r\n\t~}<0129ABZaz$-/. ỎđéÃ»\ufffd\u0301\u200b\ud800\U0001f600"
_ODD_TAGS = (0x02, 0x03, 0x04, 0x05, 0x06, 0x0C, 0x17, 0x18, 0x24, 0x30, 0x31, 0x80, 0xA0, 0xA1, 0xA3)
_ODD_LENGTHS = (
    b"\x80",
    b"\x00",
    b"\x7f",
    b"\x81\x00",
    b"\x81\x80",
    b"\x82\xff\xff",
    b"\x84\xff\xff\xff\xff",
    b"\x85",
    b"\xff",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A reader with sound samples of what it reads."""

    name: str
    samples: tuple[str | bytes, ...] = field(repr=False)
    read: Callable[[str | bytes], object]


@dataclass(slots=True, kw_only=True)
class Findings:
    """What a run found."""

    input_count: int = 0
    read_count: int = 0
    """Inputs that were read in spite of the change."""
    reasons: Counter[str] = field(default_factory=Counter)
    escapes: list[str] = field(default_factory=list)
    """Errors that are no FormatError, by target, class and number of the input."""
    slow: list[str] = field(default_factory=list)
    peak_bytes: int = 0
    growth_bytes: int = 0
    elapsed_s: float = 0.0

    @property
    def faults(self) -> list[str]:
        """Why the run failed; empty when it did not."""
        found = [*self.escapes, *self.slow]
        if self.peak_bytes > PEAK_BYTES_MAX:
            found.append(f"one input took {self.peak_bytes} bytes")
        if self.growth_bytes > GROWTH_BYTES_MAX:
            found.append(f"the process grew by {self.growth_bytes} bytes")
        return found


def targets() -> list[Target]:
    """Every reader that takes input from outside."""
    trusted = authority()
    store, _ = build_trust_store([("csca.der", trusted.der)])
    recipes = [
        Recipe(signer=signer(trusted)),
        Recipe(signer=signer(trusted, key=rsa_key()), pss=True, version=1, by_key_identifier=True),
    ]
    objects = tuple(security_object(each) for each in recipes)

    def judge(content: str | bytes) -> object:
        return authenticate(_as_bytes(content), {1: dg1_file}, store, moment=NOW)

    def load(content: str | bytes) -> TrustStore:
        return build_trust_store([("file", _as_bytes(content))])[0]

    dg1_file = dg1()
    return [
        Target(
            name="citizen QR",
            samples=(CARD, CARD.replace("|", "~"), CARD.swapcase()),
            read=_of_text(parse_card_qr),
        ),
        Target(name="insurance QR", samples=(INSURANCE,), read=_of_text(parse_insurance_qr)),
        Target(name="MRZ", samples=(td1(), td3()), read=_of_text(parse_mrz)),
        Target(name="DG1", samples=(dg1(), dg1(td3())), read=_of_bytes(parse_dg1)),
        Target(name="DG2", samples=(dg2(300),), read=_of_bytes(parse_dg2)),
        Target(
            name="DG13",
            samples=(dg13(), dg13(wrapped=True), dg13({9: "á" * 400})),
            read=_of_bytes(parse_dg13),
        ),
        Target(name="SOD", samples=objects, read=judge),
        Target(name="trust file", samples=(trusted.der, recipes[0].signer.der), read=load),
    ]


def run(*, input_count: int, seed: int) -> Findings:
    """Read changed samples, evenly over all readers, and give what was found."""
    chance, readers = random.Random(seed), targets()
    found = Findings()
    for reader in readers:
        for sample in reader.samples:
            reader.read(sample)
    start_kb, start_s = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    for number in range(input_count):
        reader = readers[number % len(readers)]
        sample = chance.choice(reader.samples)
        changed = change_text(sample, chance) if isinstance(sample, str) else change_bytes(sample, chance)
        if number % TRACED_EVERY == 0:
            tracemalloc.start()
            _read(reader, changed, number, found)
            found.peak_bytes = max(found.peak_bytes, tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        else:
            _read(reader, changed, number, found)
    found.input_count, found.elapsed_s = input_count, time.perf_counter() - start_s
    found.growth_bytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start_kb) * 1024
    return found


def _read(reader: Target, content: str | bytes, number: int, found: Findings) -> None:
    start_s = time.perf_counter()
    try:
        reader.read(content)
        found.read_count += 1
    except FormatError as refused:
        found.reasons[f"{reader.name}: {refused.reason}"] += 1
    except Exception as escaped:
        found.escapes.append(f"{reader.name}: {type(escaped).__name__} at input {number}")
    if time.perf_counter() - start_s > SLOW_S:
        found.slow.append(f"{reader.name}: input {number} took more than {SLOW_S} s")


def change_text(text: str, chance: random.Random) -> str:
    """Change a text one to four times."""
    for _ in range(chance.randint(1, 4)):
        place, other = chance.randrange(len(text) + 1), chance.randrange(len(text) + 1)
        match chance.randrange(9):
            case 0:
                text = text[:place] + chance.choice(_ODD_CHARS) + text[place + 1 :]
            case 1:
                text = text[:place] + chance.choice(_ODD_CHARS) * chance.choice((1, 2, 50)) + text[place:]
            case 2:
                text = text[:place]
            case 3:
                text = text[: min(place, other)] + text[max(place, other) :]
            case 4:
                text = text[:place] + text[other:]
            case 5:
                parts = text.split("|")
                chance.shuffle(parts)
                text = "|".join(parts)
            case 6:
                text = text.encode("utf-8", "replace").decode(
                    chance.choice(("latin-1", "cp1258", "ascii")), "replace"
                )
            case 7:
                text = chance.choice((text.upper, text.lower, text.swapcase))()
            case _:
                text = text.replace(chance.choice("|0aN/<"), chance.choice(_ODD_CHARS))
    return text


def change_bytes(content: bytes, chance: random.Random) -> bytes:
    """Change bytes one to three times, half of the times as elements."""
    for _ in range(chance.randint(1, 3)):
        if not content:
            break
        content = _change_element(content, chance) if chance.random() < 0.6 else _change_raw(content, chance)
    return content


def _change_raw(content: bytes, chance: random.Random) -> bytes:
    place, other = chance.randrange(len(content)), chance.randrange(len(content))
    match chance.randrange(5):
        case 0:
            return content[:place] + bytes((chance.randrange(256),)) + content[place + 1 :]
        case 1:
            return (
                content[:place] + bytes((content[place] ^ 1 << chance.randrange(8),)) + content[place + 1 :]
            )
        case 2:
            return content[:place]
        case 3:
            return content[: min(place, other)] + content[max(place, other) :]
        case _:
            return content[:place] + chance.randbytes(chance.choice((1, 4, 200))) + content[place:]


def _change_element(content: bytes, chance: random.Random) -> bytes:
    """Change one element; most times the lengths of those around it are put right, so that the change goes deep."""
    path = chance.choice(list(_paths(content, 0, len(content), ())) or [()])
    if not path:
        return _change_raw(content, chance)
    start, head_bytes, end = path[-1]
    tag_bytes = 2 if content[start] & 0x1F == 0x1F else 1
    tag, value = content[start : start + tag_bytes], content[start + head_bytes : end]
    tag_number = int.from_bytes(tag, "big")
    match chance.randrange(8):
        case 0:
            made = tlv(chance.choice(_ODD_TAGS), value)
        case 1:
            made = tag + chance.choice(_ODD_LENGTHS) + value
        case 2:
            made = b""
        case 3:
            made = content[start:end] * chance.choice((2, 3, 40))
        case 4:
            made = tlv(tag_number, _change_raw(value, chance) if value else b"\x00")
        case 5:
            made = tlv(tag_number)
        case 6:
            made = tlv(tag_number, content[start:end])
            for _ in range(chance.choice((0, 0, 30))):
                made = tlv(0x30, made)
        case _:
            made = tlv(tag_number, value, chance.randbytes(chance.choice((1, 130, 70_000))))
    return _put(content, path, made) if chance.random() < 0.8 else content[:start] + made + content[end:]


def _put(content: bytes, path: tuple[tuple[int, int, int], ...], made: bytes) -> bytes:
    """Put new bytes in the place of the last element of a path, and correct the lengths around it."""
    inner_start, _, inner_end = path[-1]
    for start, head_bytes, end in reversed(path[:-1]):
        made = content[start + head_bytes : inner_start] + made + content[inner_end:end]
        tag_bytes = 2 if content[start] & 0x1F == 0x1F else 1
        made = tlv(int.from_bytes(content[start : start + tag_bytes], "big"), made)
        inner_start, inner_end = start, end
    return content[:inner_start] + made + content[inner_end:]


def _paths(
    content: bytes, start: int, end: int, above: tuple[tuple[int, int, int], ...]
) -> Iterator[tuple[tuple[int, int, int], ...]]:
    """Give the way to every element of well-formed bytes as (start, bytes of tag and length, end); stop at bad ones."""
    while start + 2 <= end and len(above) < 20:
        tag_bytes = 2 if content[start] & 0x1F == 0x1F else 1
        place = start + tag_bytes
        if place >= end:
            return
        length, place = content[place], place + 1
        if length > 0x80:
            count = length & 0x7F
            length, place = int.from_bytes(content[place : place + count], "big"), place + count
        if place + length > end:
            return
        path = (*above, (start, place - start, place + length))
        yield path
        if content[start] & 0x20:
            yield from _paths(content, place, place + length, path)
        start = place + length


def _of_text(read: Callable[[str], object]) -> Callable[[str | bytes], object]:
    return lambda content: read(content if isinstance(content, str) else content.decode("latin-1"))


def _of_bytes(read: Callable[[bytes], object]) -> Callable[[str | bytes], object]:
    return lambda content: read(_as_bytes(content))


def _as_bytes(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.encode("utf-8", "replace")


def main() -> int:
    """Run and print; 1 when something escaped."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    found = run(input_count=arguments.inputs, seed=arguments.seed)
    print(
        f"{found.input_count:,} inputs in {found.elapsed_s:,.1f} s ({found.input_count / found.elapsed_s:,.0f}/s): "
        f"{found.read_count:,} read, {sum(found.reasons.values()):,} refused for {len(found.reasons)} reasons, "
        f"{len(found.escapes)} escaped; most memory for one input {found.peak_bytes / 1024:,.0f} kB, "
        f"process grown by {found.growth_bytes / 1024**2:,.1f} MB"
    )
    for reason, count in sorted(found.reasons.items()):
        print(f"  {count:>9,} {reason}")
    for fault in found.faults[:50]:
        print(f"FAULT {fault}", file=sys.stderr)
    return 1 if found.faults else 0


if __name__ == "__main__":
    sys.exit(main())
