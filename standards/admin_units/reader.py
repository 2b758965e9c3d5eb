"""Reads the administrative units that an address names, word for word: old three tiers, new two, and mixtures."""

from collections.abc import Iterator
from dataclasses import dataclass

from standards.admin_units.address_text import (
    NameIndex,
    Piece,
    Word,
    accent_form,
    load_index,
    pieces_ending,
    tokenise,
    unit_accent_form,
)
from standards.admin_units.conversion import ConversionKind, conversion_kind, reasons
from standards.admin_units.reading import AddressCandidate, Doubt
from standards.admin_units.register import AdminUnit, ConversionRow, Vintage
from standards.syllables import fold

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


@dataclass(frozen=True, slots=True)
class Place:
    """Where the province stood: what it allows, and where the rest of the words end."""

    scope: str
    old_codes: frozenset[str]
    is_new_name: bool
    end: int


@dataclass(frozen=True, slots=True)
class Hit:
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


class Reader:
    """Reads one address from right to left: province, district, commune."""

    def __init__(self, cleaned: str) -> None:
        self.cleaned = cleaned
        self.index: NameIndex = load_index()
        words = tokenise(cleaned)
        while [word.key for word in words[-2:]] == ["viet", "nam"] or (words and words[-1].key == "vn"):
            words = words[: -1 if words[-1].key == "vn" else -2]
        self.words: tuple[Word, ...] = words
        self.is_plain = fold(cleaned) == cleaned.casefold()

    def places(self, *, kinds_must_fit: bool) -> Iterator[Place]:
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
            yield Place(scope, frozenset(old_codes), is_new_name, piece.start)

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

    def in_district(self, end: int, old_codes: frozenset[str] | None) -> list[Hit]:
        """Read "commune, district" with the commune in that district."""
        return [
            Hit(ward, piece, (), district_piece, district)
            for district_piece, district in self.district_hits(end, old_codes)
            for piece in self.ward_pieces(district_piece.start)
            for ward in self.index.old_wards_by_district.get((district.code, piece.key), ())
        ]

    def may_be_district(self, piece: Piece, place: Place) -> bool:
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

    def without_district(self, place: Place) -> list[Hit]:
        """Read "commune, province": a new commune, or an old one whose district was left out."""
        hits: list[Hit] = []
        for piece in self.ward_pieces(place.end):
            doubts = (Doubt.MAY_BE_DISTRICT,) if self.may_be_district(piece, place) else ()
            if place.is_new_name:
                wards = self.index.new_wards_by_scope.get((place.scope, piece.key), ())
                hits.extend(Hit(ward, piece, doubts) for ward in wards)
            hits.extend(
                Hit(ward, piece, doubts)
                for ward in self.index.old_wards_by_scope.get((place.scope, piece.key), ())
                if ward.province_code in place.old_codes
            )
        return hits

    def across_district(self, place: Place) -> list[Hit]:
        """Read "commune, something, province" where the something is not the commune's district."""
        start = place.end - 1
        while start > 0 and not self.words[start].is_hard_start:
            start -= 1
        if start <= 0:
            return []
        named = [district.code for _, district in self.district_hits(place.end, place.old_codes)]
        hits: list[Hit] = []
        for piece in self.ward_pieces(start):
            for ward in self.index.old_wards_by_scope.get((place.scope, piece.key), ()):
                doubt = Doubt.DISTRICT_DIFFERS if named else Doubt.DISTRICT_NOT_FOUND
                if ward.province_code in place.old_codes:
                    hits.append(Hit(ward, piece, (doubt,)))
            for ward in self.index.new_wards_by_scope.get((place.scope, piece.key), ()):
                rows = self.index.register.rows_by_new.get(ward.code, ())
                # A new commune behind the name of its old district is a half-updated address, not a doubt.
                is_inside = any(row.old_district_code in named for row in rows)
                doubts = () if is_inside else (Doubt.DISTRICT_DIFFERS if named else Doubt.DISTRICT_NOT_FOUND,)
                hits.append(Hit(ward, piece, doubts))
        sure = [hit for hit in hits if not hit.doubts]
        return sure or hits

    def outdated_province(self, place: Place) -> list[Hit]:
        """Read a new commune behind the name of a province that is no more."""
        return [
            Hit(ward, piece, (Doubt.PROVINCE_DIFFERS,))
            for piece in self.ward_pieces(place.end)
            for ward in self.index.new_wards_by_scope.get((place.scope, piece.key), ())
        ]

    def island_rows(self, place: Place) -> Iterator[tuple[Piece, ConversionRow]]:
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

    def _kind_fits(self, hit: Hit) -> bool:
        if hit.piece.kinds is None or hit.unit.kind in hit.piece.kinds:
            return True
        if hit.unit.vintage is Vintage.BEFORE_2025_07:
            return False
        former = self.index.register.former_names.get(hit.unit.code, ())
        return any(name.startswith(tuple(hit.piece.kinds)) for name in former)

    def judge(self, hits: list[Hit]) -> list[tuple[Hit, tuple[Doubt, ...]]]:
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

    def candidates_of(self, hit: Hit, doubts: tuple[Doubt, ...]) -> list[AddressCandidate]:
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

    def read_place(self, place: Place) -> list[AddressCandidate]:
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
