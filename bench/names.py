"""How fast names compare on one core, beside rapidfuzz on the raw strings in the same run.

Run: `python -m bench.names`. The pairs are such as blocking hands over: most share a family or given name and are of
different people, the rest are one name written in two ways.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Callable

from rapidfuzz.distance import JaroWinkler

from standards.names import compare_names, compare_prepared, prepare_name
from standards.syllables import fold

BAR = 100_000
"""Pairs a second that `compare_names` has to reach on one core."""
PAIRS = 50_000
ROUNDS = 7
SEED = 3

# Family names by their share in percent, roughly as in published counts, with names of the northern mountains.
FAMILY = {
    "Nguyễn": 32, "Trần": 11, "Lê": 9, "Phạm": 6, "Hoàng": 5, "Vũ": 4, "Nông": 4, "Đặng": 3, "Bùi": 3, "Triệu": 3,
    "Đỗ": 2, "Ngô": 2, "Dương": 2, "Lý": 2, "Ma": 2, "Lường": 2, "Hà": 2, "Hồ": 1, "Hứa": 1, "Bế": 1, "Lục": 1,
    "Giàng": 1, "Vàng": 1,
}  # fmt: skip
SHARES = list(FAMILY.values())
MIDDLE = (  # noqa: SIM905 - thirty quoted names read worse
    "Văn Thị Hữu Đức Minh Quang Xuân Công Ngọc Đình Thu Thanh Bích Kim Hồng Anh Thùy Mai Gia Bảo Khánh Như Tuấn "
    "Hoài Phương Diệu Quốc Trung Hải Mạnh"
).split()
GIVEN = (  # noqa: SIM905 - as above
    "An Ánh Anh Bảo Bình Bắc Cường Chi Chiến Chung Diệp Diễm Dung Dũng Duy Dương Đạt Đông Đức Giang Hà Hải Hân Hằng "
    "Hạnh Hào Hậu Hiền Hiếu Hiệp Hoa Hòa Hoài Hoàn Hoàng Hồng Huệ Hùng Huy Huyền Hưng Hương Hường Hữu Khang Khánh "
    "Khoa Khôi Kiên Lam Lan Lâm Lân Liên Linh Loan Lộc Lợi Long Luân Ly Mai Mạnh Minh My Mỹ Nam Nga Ngân Nghĩa Ngọc "
    "Nguyên Nguyệt Nhàn Nhật Nhi Nhung Như Oanh Phong Phú Phúc Phương Phượng Quân Quang Quý Quyên Quyết Quỳnh Sáng "
    "Sen Sơn Tài Tâm Tân Thái Thanh Thành Thảo Thắng Thiện Thịnh Thoa Thơm Thu Thúy Thủy Thùy Thương Tiên Tiến Toàn "
    "Trà Trang Trâm Trí Trinh Trung Trường Tú Tuấn Tuệ Tùng Tuyến Tuyết Uyên Vân Việt Vinh Vũ Vượng Vy Xuân Yên Yến"
).split()
SPELLINGS: tuple[Callable[[list[str]], str], ...] = (
    lambda words: " ".join(words).upper(),
    lambda words: unicodedata.normalize("NFD", " ".join(words)),
    lambda words: fold(" ".join(words)).upper(),
    lambda words: " ".join((words[0], words[-1])),
    lambda words: " ".join((*words[:-1], words[-1] + "g")),
    lambda words: " ".join((words[0], words[1][0] + ".", *words[2:])),
    lambda words: " ".join((*words[1:], words[0])),
    lambda words: "  ".join(words).replace("òa", "oà").replace("úy", "uý"),
)
"""Ways in which one name is written twice; each is as likely."""


def person(rng: random.Random) -> list[str]:
    """The words of one full name: two to four, mostly three."""
    family = rng.choices(list(FAMILY), weights=SHARES)[0]
    return [family, *rng.choices(MIDDLE, k=rng.choice((0, 1, 1, 1, 1, 1, 2, 2))), rng.choice(GIVEN)]


def candidates(count: int, seed: int) -> list[tuple[str, str]]:
    """Pairs as after blocking: 40 % share the family name, 40 % the given name, 20 % are one name in two spellings."""
    rng = random.Random(seed)
    pairs = []
    for number in range(count):
        first, second = person(rng), person(rng)
        kind = number % 10
        if kind < 4:
            second[0] = first[0]
        elif kind < 8:
            second[-1] = first[-1]
        # Fresh strings, as they come from a store: no text is shared by two pairs.
        text = rng.choice(SPELLINGS)(first) if kind >= 8 else " ".join(second)
        pairs.append((" ".join(first), text))
    rng.shuffle(pairs)
    return pairs


def rate(pairs: list[tuple[str, str]], compare: Callable[[str, str], object]) -> float:
    """Pairs a second of processor time."""
    begun = time.process_time()
    for first, second in pairs:
        compare(first, second)
    return len(pairs) / (time.process_time() - begun)


def prepared_rate(pairs: list[tuple[str, str]]) -> float:
    """Pairs a second when both names were prepared before the clock started."""
    ready = [(prepare_name(first), prepare_name(second)) for first, second in pairs]
    begun = time.process_time()
    for first, second in ready:
        compare_prepared(first, second)
    return len(pairs) / (time.process_time() - begun)


def main() -> int:
    """Measure in turns and print a Markdown table; exit 1 below the bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smoke test: few pairs, one round, no bar")
    is_quick = parser.parse_args().quick
    pairs = candidates(PAIRS // 10 if is_quick else PAIRS, SEED)
    classes = Counter(compare_names(first, second).cls.value for first, second in pairs)
    raw, plain, prepared = [], [], []
    for _ in range(1 if is_quick else ROUNDS):
        raw.append(rate(pairs, JaroWinkler.similarity))
        plain.append(rate(pairs, compare_names))
        prepared.append(prepared_rate(pairs))
    print("| comparison | pairs a second | to rapidfuzz on raw strings |\n|---|---|---|")
    for name, rates in (
        ("rapidfuzz JaroWinkler, raw", raw),
        ("compare_names", plain),
        ("compare_prepared", prepared),
    ):
        ratio = statistics.median(one / base for one, base in zip(rates, raw, strict=True))
        print(f"| {name} | {statistics.median(rates):,.0f} | {ratio:.2f} |")
    shares = ", ".join(f"{name} {count / len(pairs):.0%}" for name, count in classes.most_common())
    print(f"\n{len(pairs):,} pairs, seed {SEED}: {shares}")
    return int(not is_quick and statistics.median(plain) < BAR)


if __name__ == "__main__":
    sys.exit(main())
