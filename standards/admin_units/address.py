"""Find the administrative units that an address names: old three tiers, new two, and half-updated
mixtures."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from standards.admin_units.address_text import (
    NameIndex,
    Piece,
    Word,
    accent_form,
    clean_address,
    load_index,
    pieces_ending,
    tokenise,
    unit_accent_form,
)
from standards.admin_units.conversion import ConversionKind, conversion_kind, reasons
from standards.admin_units.register import AdminUnit, ConversionRow, Vintage
from standards.errors import AddressTooLong
from standards.syllables import fold

MAX_ADDRESS_CHARS = 500
MAX_CANDIDATES = 50
"""Most candidates given; no name in the tables reaches it when the province is named."""

_WARD_KINDS = frozenset({"Xã", "Phường", "Thị trấn", "Đặc khu"})
_DISTRICT_KINDS = frozenset({"Quận", "Huyện", "Thị xã", "Thành phố"})
_PROVINCE_KINDS = frozenset({"Tỉnh", "Thành phố"})
# First words of what stands below a commune.
_BELOW_COMMUNE = frozenset(
    {
        "thon",
        "xom",
        "ban",
        "lang",
        "ap",
        "buon",
        "to",
        "tdp",
        "khu",
        "khoi",
        "so",
        "duong",
        "pho",
        "ngo",
        "hem",
    }
)


class Doubt(StrEnum):
    """What in the address does not agree with a candidate."""

    KIND_DIFFERS = "KIND_DIFFERS"
    """The address says xã and the table phường, or the like: communes became wards over the years.
    Harmless."""
    ACCENTS_MISSING = "ACCENTS_MISSING"
    """The address was typed without accents. Harmless."""
    ACCENTS_DIFFER = "ACCENTS_DIFFER"
    """Other accents than the unit's name."""
    DISTRICT_DIFFERS = "DISTRICT_DIFFERS"
    """The district named is another one than the commune's."""
    DISTRICT_NOT_FOUND = "DISTRICT_NOT_FOUND"
    """What stands in the district's place is no district of the province."""
    MAY_BE_DISTRICT = "MAY_BE_DISTRICT"
    """The name is an old district's as well, no kind word tells which, and what stands before is no village: the
    real commune may be one that an earlier merger took away."""
    PROVINCE_DIFFERS = "PROVINCE_DIFFERS"
    """A new commune with the name of a province that is no more."""


_HARMLESS = frozenset({Doubt.KIND_DIFFERS, Doubt.ACCENTS_MISSING})


class AddressOutcome(StrEnum):
    """How many communes in force the address may mean."""

    ONE = "ONE"
    SEVERAL = "SEVERAL"
    """A person must choose: a split commune, or a name that several communes bear."""
    NONE = "NONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressCandidate:
    """One reading of an address."""

    old_ward: AdminUnit | None
    """The old commune; None when the address was read as a new one, or names an island district."""
    old_district: AdminUnit | None
    old_province: AdminUnit | None
    new_ward: AdminUnit
    new_province: AdminUnit
    kind: ConversionKind
    read_as: Vintage
    """Whether the commune's name was read as an old or a new one."""
    doubts: tuple[Doubt, ...]
    reason_vi: str
    reason_en: str
    detail: str = field(repr=False)
    """The address before the commune: house, street, village; left out of repr."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressResolution:
    """All readings of an address, the least doubtful first. Several are never cut down to one."""

    candidates: tuple[AddressCandidate, ...]
    outcome: AddressOutcome
    province: AdminUnit | None
    """The province in force, when the address names one, also if no commune was found."""
    reason_vi: str
    reason_en: str

    @property
    def new_wards(self) -> tuple[AdminUnit, ...]:
        """The different communes in force among the candidates, in their order."""
        return tuple({candidate.new_ward.code: candidate.new_ward for candidate in self.candidates}.values())

    @property
    def sure_ward(self) -> AdminUnit | None:
        """The one commune in force, if there is one and no doubt that matters; else None: ask a person."""
        if self.outcome is not AddressOutcome.ONE:
            return None
        is_sure = any(_HARMLESS.issuperset(candidate.doubts) for candidate in self.candidates)
        return self.candidates[0].new_ward if is_sure else None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the province stood: what it allows, and where the rest of the words end."""

    scope: str
    old_codes: frozenset[str]
    is_new_name: bool
    end: int


@dataclass(frozen=True, slots=True)
class _Hit:
    """A unit found by name, before its accents and kind are judged."""

    unit: AdminUnit
    piece: Piece
    doubts: tuple[Doubt, ...] = ()
    district_piece: Piece | None = None
    district: AdminUnit | None = None

    @property
    def is_shadowed(self) -> bool:
        """Say whether a word before a name may be a prefix that this reading ignores."""
        return self.piece.is_shadowed or (self.district_piece is not None and self.district_piece.is_shadowed)


class _Reader:
    """Reads one address from right to left: province, district, commune."""

    def __init__(self, cleaned: str) -> None:
        self.cleaned = cleaned
        self.index: NameIndex = load_index()
        words = tokenise(cleaned)
        while [word.key for word in words[-2:]] == ["viet", "nam"] or (words and words[-1].key == "vn"):
            words = words[: -1 if words[-1].key == "vn" else -2]
        self.words: tuple[Word, ...] = words
        self.is_plain = fold(cleaned) == cleaned.casefold()

    def places(self, *, kinds_must_fit: bool) -> Iterator[_Place]:
        """Give the provinces that the address may end in."""
        register = self.index.register
        for piece in pieces_ending(self.words, len(self.words), self.index.provinces):
            units = self.index.provinces[piece.key]
            if piece.kinds is not None and kinds_must_fit and not any(u.kind in piece.kinds for u in units):
                continue
            if piece.kinds is not None and not piece.kinds & _PROVINCE_KINDS:
                continue
            scope = self.index.scope_of(units[0])
            is_new_name = any(unit.vintage is Vintage.FROM_2025_07 for unit in units)
            old_codes = {old for old, new in register.successor_of_province.items() if new == scope}
            if not is_new_name:
                old_codes = {unit.code for unit in units}
            yield _Place(scope, frozenset(old_codes), is_new_name, piece.start)

    def district_hits(self, end: int, old_codes: frozenset[str] | None) -> Iterator[tuple[Piece, AdminUnit]]:
        """Give the districts whose name ends at `end`, in the old provinces given or in all."""
        for piece in pieces_ending(self.words, end, self.index.districts):
            if piece.kinds is not None and not piece.kinds & _DISTRICT_KINDS:
                continue
            for district in self.index.districts[piece.key]:
                if old_codes is None or district.province_code in old_codes:
                    yield piece, district

    def ward_pieces(self, end: int) -> Iterator[Piece]:
        """Give the pieces ending at `end` that may name a commune."""
        for piece in pieces_ending(self.words, end, self.index.ward_keys):
            if piece.kinds is None or piece.kinds & _WARD_KINDS:
                yield piece

    def in_district(self, end: int, old_codes: frozenset[str] | None) -> list[_Hit]:
        """Read "commune, district" with the commune in that district."""
        return [
            _Hit(ward, piece, (), district_piece, district)
            for district_piece, district in self.district_hits(end, old_codes)
            for piece in self.ward_pieces(district_piece.start)
            for ward in self.index.old_wards_by_district.get((district.code, piece.key), ())
        ]

    def may_be_district(self, piece: Piece, place: _Place) -> bool:
        """Say whether a name without a kind word may mean the old district of that name."""
        if piece.kinds is not None:
            return False
        districts = self.index.districts.get(piece.key, ())
        if not any(district.province_code in place.old_codes for district in districts):
            return False
        before = piece.start - 1
        while before > 0 and not self.words[before].is_hard_start:
            before -= 1
        return before < 0 or self.words[before].key not in _BELOW_COMMUNE

    def without_district(self, place: _Place) -> list[_Hit]:
        """Read "commune, province": a new commune, or an old one whose district was left out."""
        hits: list[_Hit] = []
        for piece in self.ward_pieces(place.end):
            doubts = (Doubt.MAY_BE_DISTRICT,) if self.may_be_district(piece, place) else ()
            if place.is_new_name:
                wards = self.index.new_wards_by_scope.get((place.scope, piece.key), ())
                hits.extend(_Hit(ward, piece, doubts) for ward in wards)
            hits.extend(
                _Hit(ward, piece, doubts)
                for ward in self.index.old_wards_by_scope.get((place.scope, piece.key), ())
                if ward.province_code in place.old_codes
            )
        return hits

    def across_district(self, place: _Place) -> list[_Hit]:
        """Read "commune, something, province" where the something is not the commune's district."""
        start = place.end - 1
        while start > 0 and not self.words[start].is_hard_start:
            start -= 1
        if start <= 0:
            return []
        named = [district.code for _, district in self.district_hits(place.end, place.old_codes)]
        hits: list[_Hit] = []
        for piece in self.ward_pieces(start):
            for ward in self.index.old_wards_by_scope.get((place.scope, piece.key), ()):
                doubt = Doubt.DISTRICT_DIFFERS if named else Doubt.DISTRICT_NOT_FOUND
                if ward.province_code in place.old_codes:
                    hits.append(_Hit(ward, piece, (doubt,)))
            for ward in self.index.new_wards_by_scope.get((place.scope, piece.key), ()):
                rows = self.index.register.rows_by_new.get(ward.code, ())
                # A new commune behind the name of its old district is a half-updated address, not a doubt.
                is_inside = any(row.old_district_code in named for row in rows)
                doubts = () if is_inside else (Doubt.DISTRICT_DIFFERS if named else Doubt.DISTRICT_NOT_FOUND,)
                hits.append(_Hit(ward, piece, doubts))
        sure = [hit for hit in hits if not hit.doubts]
        return sure or hits

    def outdated_province(self, place: _Place) -> list[_Hit]:
        """Read a new commune behind the name of a province that is no more."""
        return [
            _Hit(ward, piece, (Doubt.PROVINCE_DIFFERS,))
            for piece in self.ward_pieces(place.end)
            for ward in self.index.new_wards_by_scope.get((place.scope, piece.key), ())
        ]

    def island_rows(self, place: _Place) -> Iterator[tuple[Piece, ConversionRow]]:
        """Read an island district that had no commune."""
        for piece, district in self.district_hits(place.end, place.old_codes):
            for ward in self.index.new_wards_by_scope.get((place.scope, piece.key), ()):
                for row in self.index.register.rows_by_new.get(ward.code, ()):
                    if row.old_ward is None and row.old_district_code == district.code:
                        yield piece, row

    # --- judging ------------------------------------------------------------------------------------------

    def accent_rank(self, piece: Piece, unit: AdminUnit) -> int:
        """0 the same name, 1 typed without accents, 2 other accents."""
        if self.is_plain:
            return 1
        written = " ".join(word.text for word in self.words[piece.name_start : piece.end])
        form = accent_form(written)
        if any(unit_accent_form(name) == form for name in (unit.base_name, *self._former_names(unit))):
            return 0
        return 1 if fold(written) == written else 2

    def _former_names(self, unit: AdminUnit) -> list[str]:
        if unit.vintage is Vintage.BEFORE_2025_07:
            return []
        return [name.split(" ", 1)[1] for name in self.index.register.former_names.get(unit.code, ())]

    def _kind_fits(self, hit: _Hit) -> bool:
        if hit.piece.kinds is None or hit.unit.kind in hit.piece.kinds:
            return True
        if hit.unit.vintage is Vintage.BEFORE_2025_07:
            return False
        former = self.index.register.former_names.get(hit.unit.code, ())
        return any(name.startswith(tuple(hit.piece.kinds)) for name in former)

    def judge(self, hits: list[_Hit]) -> list[tuple[_Hit, tuple[Doubt, ...]]]:
        """Keep the longest names, then the best accents, then the stated kind; state what disagrees."""
        ranked = []
        longest: dict[int, int] = {}
        hits = [hit for hit in hits if not hit.is_shadowed] or hits
        for hit in hits:
            length = hit.piece.end - hit.piece.name_start
            longest[hit.piece.end] = max(length, longest.get(hit.piece.end, 0))
        for hit in hits:
            # "Yên Lạc" is not also a commune "Lạc".
            if hit.piece.end - hit.piece.name_start < longest[hit.piece.end]:
                continue
            rank = self.accent_rank(hit.piece, hit.unit)
            if hit.district_piece is not None and hit.district is not None:
                rank = max(rank, self.accent_rank(hit.district_piece, hit.district))
            ranked.append((rank, hit))
        best = min((rank for rank, _ in ranked), default=0)
        kept = [(rank, hit) for rank, hit in ranked if rank == best]
        fitting = [(rank, hit) for rank, hit in kept if self._kind_fits(hit)]
        judged = []
        for rank, hit in fitting or kept:
            doubts = list(hit.doubts)
            if not fitting:
                doubts.append(Doubt.KIND_DIFFERS)
            if rank:
                doubts.append(Doubt.ACCENTS_MISSING if rank == 1 else Doubt.ACCENTS_DIFFER)
            judged.append((hit, tuple(doubts)))
        return judged

    # --- answers ------------------------------------------------------------------------------------------

    def _detail(self, piece: Piece) -> str:
        if piece.start == 0:
            return ""
        return self.cleaned[: self.words[piece.start].position].strip(" ,;|-–/\n\t.")

    def candidate_of_row(
        self, row: ConversionRow, piece: Piece, doubts: tuple[Doubt, ...]
    ) -> AddressCandidate:
        """Build the candidate of an old commune or island district."""
        register = self.index.register
        rows = register.rows_by_old[row.old_ward.code] if row.old_ward else (row,)
        kind = conversion_kind(register, rows)
        reason_vi, reason_en = reasons(register, row, kind)
        new_ward = register.new_wards[row.new_code]
        return AddressCandidate(
            old_ward=row.old_ward,
            old_district=register.districts[row.old_district_code],
            old_province=register.old_provinces[row.old_province_code],
            new_ward=new_ward,
            new_province=register.new_provinces[new_ward.province_code],
            kind=kind,
            read_as=Vintage.BEFORE_2025_07,
            doubts=doubts,
            reason_vi=reason_vi,
            reason_en=reason_en,
            detail=self._detail(piece),
        )

    def candidates_of(self, hit: _Hit, doubts: tuple[Doubt, ...]) -> list[AddressCandidate]:
        """Build the candidates of a hit: one for a new commune, one per successor for an old one."""
        register = self.index.register
        if hit.unit.vintage is Vintage.BEFORE_2025_07:
            return [
                self.candidate_of_row(row, hit.piece, doubts) for row in register.rows_by_old[hit.unit.code]
            ]
        province = register.new_provinces[hit.unit.province_code]
        return [
            AddressCandidate(
                old_ward=None,
                old_district=None,
                old_province=None,
                new_ward=hit.unit,
                new_province=province,
                kind=ConversionKind.KEPT,
                read_as=Vintage.FROM_2025_07,
                doubts=doubts,
                reason_vi=f"Địa chỉ ghi theo đơn vị hiện hành {hit.unit.name}, {province.name}.",
                reason_en=f"The address names the unit in force, {hit.unit.name}, {province.name}.",
                detail=self._detail(hit.piece),
            )
        ]

    def read_place(self, place: _Place) -> list[AddressCandidate]:
        """Read what stands before a province, the fullest reading first; the first that finds something
        decides."""
        hits = self.in_district(place.end, place.old_codes)
        if hits:
            # "Xuân Trường - Đà Lạt" is a new ward's own name as well as an old commune and its city.
            first = min(hit.piece.name_start for hit in hits)
            hits += [hit for hit in self.without_district(place) if hit.piece.name_start <= first]
        else:
            hits = self.without_district(place)
        if not hits:
            islands = [self.candidate_of_row(row, piece, ()) for piece, row in self.island_rows(place)]
            if islands:
                return islands
        hits = hits or self.across_district(place) or self.outdated_province(place)
        return [
            candidate for hit, doubts in self.judge(hits) for candidate in self.candidates_of(hit, doubts)
        ]

    def read(self) -> tuple[list[AddressCandidate], AdminUnit | None]:
        """Read the address with its province, else without one, else with a province of another kind."""
        named: AdminUnit | None = None
        for kinds_must_fit in (True, False):
            for place in self.places(kinds_must_fit=kinds_must_fit):
                named = named or self.index.register.new_provinces[place.scope]
                found = self.read_place(place)
                if found:
                    return found, self.index.register.new_provinces[place.scope]
            hits = self.in_district(len(self.words), None)
            found = [
                candidate for hit, doubts in self.judge(hits) for candidate in self.candidates_of(hit, doubts)
            ]
            if found:
                provinces = {candidate.new_province.code: candidate.new_province for candidate in found}
                return found, next(iter(provinces.values())) if len(provinces) == 1 else None
        return [], named


def _nothing(province: AdminUnit | None) -> AddressResolution:
    """Say that no commune was found, and what to do."""
    if province is None:
        reason_vi = "Không nhận ra tỉnh, thành phố trong địa chỉ; hãy chọn bằng tay."
        reason_en = "No province was recognised in the address; choose it by hand."
    else:
        reason_vi = f"Không tìm thấy xã, phường trong {province.name}; hãy chọn bằng tay."
        reason_en = f"No commune was recognised in {province.name}; choose it by hand."
    return AddressResolution(
        candidates=(),
        outcome=AddressOutcome.NONE,
        province=province,
        reason_vi=reason_vi,
        reason_en=reason_en,
    )


def resolve_address(text: str) -> AddressResolution:
    """Find the communes in force that an address may mean.

    Reads three tiers as on cards before July 2025 ("Thôn X, Xã Nam Mẫu, Huyện Ba Bể, Tỉnh Bắc Kạn", or
    without the kind words), two tiers as since ("Xã Ba Bể, Thái Nguyên"), and mixtures: old commune and
    district with the new province, old commune with the new province and no district, new commune with its
    old district. Case, accents, the tone mark's place, i/y, NFD, TP. TX. TT. P. X. H. Q. T. and missing
    commas do not matter; where several names fall together, the one with the exact accents and then the
    stated kind is preferred.

    Args:
        text: One address, province last; "Việt Nam" after it is skipped.
    Returns:
        Every candidate. A split commune and a name borne by several communes give several; nothing is
        guessed. When a name is both an old district and a new commune and no kind word tells which, "a, b,
        province" is read as commune a in district b if b had such a commune.
    Raises:
        AddressTooLong: more than MAX_ADDRESS_CHARS (fact limit_chars).
    Source: Decision 19/2025/QĐ-TTg of 30/06/2025; Resolution 202/2025/QH15 for the provinces.
    """
    cleaned = clean_address(text)
    if len(cleaned) > MAX_ADDRESS_CHARS:
        raise AddressTooLong("address", limit_chars=MAX_ADDRESS_CHARS)
    found, province = _Reader(cleaned).read()
    if not found:
        return _nothing(province)
    unique = {(c.old_ward.code if c.old_ward else "", c.new_ward.code, c.read_as): c for c in reversed(found)}
    ordered = sorted(
        unique.values(),
        key=lambda c: (
            len(c.doubts),
            c.read_as is Vintage.BEFORE_2025_07,
            c.new_ward.code,
            c.old_ward.code if c.old_ward else "",
        ),
    )
    candidates = tuple(ordered[:MAX_CANDIDATES])
    if len({candidate.new_ward.code for candidate in candidates}) == 1:
        return AddressResolution(
            candidates=candidates,
            outcome=AddressOutcome.ONE,
            province=province,
            reason_vi=candidates[0].reason_vi,
            reason_en=candidates[0].reason_en,
        )
    return AddressResolution(
        candidates=candidates,
        outcome=AddressOutcome.SEVERAL,
        province=province,
        reason_vi="Địa chỉ ứng với nhiều xã, phường hiện hành; hãy hỏi người bệnh và chọn một.",
        reason_en="The address may mean several communes in force; ask the patient and choose one.",
    )
