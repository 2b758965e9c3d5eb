"""A commune code whose vintage nobody wrote down: its name tells which of the two systems it is from."""

from standards.admin_units.address_text import accent_form, name_key, unit_accent_form
from standards.admin_units.register import AdminUnit, Vintage, load_register, resolve_ward
from standards.errors import WardCodeUnknown


def vintages_of(code: str, name: str = "") -> tuple[Vintage, ...]:
    """Give the vintages in which a commune code fits a name; without a name all in which the code stands.

    A name with the exact accents decides before one that only agrees without them. Kind words are not compared:
    communes became wards over the years.

    Args:
        code: Five digits.
        name: Commune name with or without its kind, or empty.
    Returns:
        None, one or both; 3,316 of the 3,321 codes in force are re-used old ones, 1,794 of them under another name.
    Source: Decision 19/2025/QĐ-TTg of 30/06/2025 and the statistics office's conversion table.
    """
    units = []
    for vintage in Vintage:
        try:
            units.append(resolve_ward(code, vintage))
        except WardCodeUnknown:
            continue
    if not name.strip():
        return tuple(unit.vintage for unit in units)
    exact = tuple(unit.vintage for unit in units if _fits(unit, name, accents=True))
    return exact or tuple(unit.vintage for unit in units if _fits(unit, name, accents=False))


def _fits(unit: AdminUnit, name: str, *, accents: bool) -> bool:
    names = {unit.name, unit.base_name}
    if unit.vintage is Vintage.FROM_2025_07:
        former = load_register().former_names.get(unit.code, ())
        names.update(former, (each.split(" ", 1)[1] for each in former))
    if accents:
        written = " ".join(name.casefold().split())
        return accent_form(written) in {unit_accent_form(each) for each in names}
    return name_key(name) in {name_key(each) for each in names}
