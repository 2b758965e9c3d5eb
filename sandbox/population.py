"""The seeded citizens: the same seed and year give the same people, spread over real communes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from sandbox.communes import Commune, load_communes
from sandbox.dirt import DIRT, SLOTS
from sandbox.draft import Draft
from sandbox.person import InsuranceCard, PastVisit, Person

PEOPLE_COUNT = 2_000
DEFAULT_SEED = 19
_ROUNDS = 12
"""People per slot of dirt; everybody after them is clean."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_FAMILY = _words(
    "Nguyễn Trần Lê Phạm Hoàng Nông Triệu Bế Ma Lộc Đàm Hà Lục Chu Đặng Dương Lý Vi Hứa Bàn Phùng Lường Mông"
)
_MIDDLE = {
    "Nam": ("Văn", "Đức", "Minh", "Quang", "Xuân", "Hữu", "Công", "Ngọc", "Đình"),
    "Nữ": ("Thị", "Thu", "Ngọc", "Minh", "Thanh", "Bích", "Thị Hồng", "Thị Kim"),
}
_GIVEN = {
    "Nam": _words("An Cường Dũng Giang Hải Hiếu Hùng Khánh Long Nam Phong Quân Thắng Trung Tùng Việt Vinh"),
    "Nữ": _words("Ánh Chi Diệp Dung Hạnh Hiền Hương Huyền Liên Mai Nga Nhung Oanh Phượng Thảo Trang Yến"),
}
_PLACES = ("Thôn Bản Cám", "Thôn Nà Mòn", "Xóm Đồng Tâm", "Tổ 5", "Xóm Cầu Đất", "Tổ 12", "Xóm Mới")


def age_group_of(age: int) -> tuple[str, str]:
    """Insurance group and level usual at this age; simplified, the portal's value always wins."""
    if age < 6:
        return "TE", "1"
    if age < 18:
        return "HS", "4"
    if age < 23:
        return "SV", "4"
    if age < 60:
        return "DN", "4"
    return "HT", "3"


def _century_digit(birth_year: int, gender: str) -> int:
    # Circular 07/2016/TT-BCA article 7: 0/1 for births of 1900 to 1999, 2/3 for 2000 to 2099.
    return (0 if birth_year < 2000 else 2) + (0 if gender == "Nam" else 1)


def personal_number_of(birth_year: int, gender: str, serial: int) -> str:
    """A 12-digit number with the unassigned prefix 099 that fits gender and year of birth."""
    assert 0 <= serial <= 999_999, serial
    return f"099{_century_digit(birth_year, gender)}{birth_year % 100:02d}{serial:06d}"


def _birth_date(rng: Random, year: int) -> date:
    age = rng.randint(6, 17) if rng.random() < 0.1 else rng.randint(19, 88)
    return date(year - age, 1, 1) + timedelta(days=rng.randrange(365))


def _commune(rng: Random) -> Commune:
    here = rng.random()
    wanted = "06" if here < 0.4 else "19" if here < 0.9 else ""
    rows = [row for row in load_communes() if not row.is_split]
    if wanted:
        return rng.choice([row for row in rows if row.old_province_code == wanted])
    return rng.choice([row for row in rows if row.new_province_code != "19"])


def _visits(rng: Random, year: int, serial: int) -> tuple[PastVisit, ...]:
    count = rng.choice((0, 0, 1, 2))
    return tuple(
        PastVisit(
            record_number=f"{year % 100:02d}{serial:06d}{number:02d}",
            facility_code=rng.choice(("19999", "19998", "19T01")),
            admit_text=f"{year - 1}{3 + 4 * number:02d}020822",
            leave_text=f"{year - 1}{3 + 4 * number:02d}021741",
            reason_code=rng.choice(("1.1", "1.2", "1.3")),
            co_pay_vnd=rng.randrange(0, 900_000, 500),
        )
        for number in range(count)
    )


def _draft(seed: int, index: int, year: int, *, is_adult: bool) -> Draft:
    rng = Random(f"{seed}:{index}")  # noqa: S311 - people must repeat, not be secret
    gender = rng.choice(("Nam", "Nữ"))
    birth_date = _birth_date(rng, year)
    if is_adult and year - birth_date.year < 19:
        birth_date = birth_date.replace(year=year - 40, day=min(birth_date.day, 28))
    offset = int.from_bytes(hashlib.sha256(str(seed).encode()).digest()[:4], "big")
    serial = (offset + index * 7_919) % 1_000_000
    name = " ".join((rng.choice(_FAMILY), rng.choice(_MIDDLE[gender]), rng.choice(_GIVEN[gender])))
    group, level = age_group_of(year - birth_date.year)
    commune, place = _commune(rng), rng.choice(_PLACES)
    social_number = f"99{year % 100:02d}{serial:06d}"
    draft = Draft(
        year=year,
        personal_number="",
        former_number=f"099{serial:06d}" if birth_date.year < 2003 and rng.random() < 0.5 else "",
        social_number=social_number,
        gender=gender,
        place=place,
        commune=commune,
        card_name=name,
        register_name=name,
        portal_name=name,
        birth_date=birth_date,
        register_birth=birth_date.isoformat(),
        portal_birth=f"{birth_date:%d/%m/%Y}",
        card_address="",
        portal_address="",
        issue_date=date(2025, 7, 2) + timedelta(days=rng.randrange(180)),
        insurance=InsuranceCard(
            number=f"{group}{level}19{social_number}",
            valid_from_date=date(year, 1, 1),
            valid_to_date=date(year, 12, 31),
            facility_code=rng.choice(("19999", "19998", "19T01")),
        ),
        visits=_visits(rng, year, serial),
    )
    draft.move_to(commune)
    return draft


def _person(seed: int, index: int, year: int) -> Person:
    dirt = SLOTS[index % len(SLOTS)] if index < _ROUNDS * len(SLOTS) else ("clean",)
    draft = _draft(seed, index, year, is_adult=dirt != ("clean",))
    rng = Random(f"{seed}:{index}:dirt")  # noqa: S311 - as above
    for name in dirt:
        DIRT[name](draft, rng)
    # The number follows the birth date, which a class of dirt may have moved.
    draft.personal_number = personal_number_of(
        draft.birth_date.year, draft.gender, int(draft.social_number[4:])
    )
    return draft.freeze(index, dirt)


@dataclass(frozen=True, slots=True)
class Population:
    """All seeded citizens and the ways to find one."""

    people: tuple[Person, ...]
    by_personal_number: dict[str, Person]
    by_social_number: dict[str, Person]

    def find(self, wanted: Iterable[str], *, count: int = 1, offset: int = 0) -> tuple[Person, ...]:
        """People who carry every wanted class, those with nothing else first, each group in seed order.

        Raises:
            KeyError: a wanted class does not exist.
        """
        classes = set(wanted)
        unknown = classes - DIRT.keys()
        if unknown:
            raise KeyError(", ".join(sorted(unknown)))
        found = [person for person in self.people if classes <= set(person.dirt)]
        found.sort(key=lambda person: (len(person.dirt), person.index))
        return tuple(found[offset : offset + count])


def build_population(seed: int = DEFAULT_SEED, *, year: int, count: int = PEOPLE_COUNT) -> Population:
    """Build the citizens whose cards are valid in this year.

    Args:
        seed: Any whole number; the same seed and year give the same people.
        year: Calendar year, Vietnam.
        count: 1 to 100,000 people; a smaller count gives the first of the same people.
    """
    assert 1 <= count <= 100_000, count
    people = tuple(_person(seed, index, year) for index in range(count))
    by_personal_number = {person.card.personal_number: person for person in people}
    by_social_number = {person.portal.social_number: person for person in people if person.portal is not None}
    assert len(by_personal_number) == count, "citizen numbers must differ"
    return Population(people, by_personal_number, by_social_number)
