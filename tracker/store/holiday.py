"""Public holidays by country, from the `holidays` package: national ones, on the day they are observed.

An upgrade of the package can move a deadline, so a plan keeps the dates it was made with.
"""

from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from holidays import country_holidays
from holidays.registry import COUNTRIES

MODULES = {codes[1]: module for module, codes in COUNTRIES.items()}  # "DE": "germany"

SMALL_WORDS = {"and", "of", "the", "da"}
SPELLED = {
    "aland_islands": "Åland Islands",
    "bonaire_sint_eustatius_and_saba": "Bonaire, Sint Eustatius and Saba",
    "curacao": "Curaçao",
    "dr_congo": "DR Congo",
    "guinea_bissau": "Guinea-Bissau",
    "heard_island_and_mcdonald_islands": "Heard Island and McDonald Islands",
    "hongkong": "Hong Kong",
    "reunion": "Réunion",
    "saint_barthelemy": "Saint Barthélemy",
    "saint_helena_ascension_and_tristan_da_cunha": "Saint Helena, Ascension and Tristan da Cunha",
    "sao_tome_and_principe": "São Tomé and Príncipe",
    "timor_leste": "Timor-Leste",
}


def holidays_of(country: str | None, years: Iterable[int]) -> frozenset[date]:
    """Return a country's public holidays in these years; without a country there are none but the weekends.

    The country is an ISO 3166 code such as DE. A year the package knows nothing of has no holidays.
    Raises ValueError for an unknown country.
    """
    if not country:
        return frozenset()
    code = country.upper()
    if code not in MODULES:
        raise ValueError("No holidays are known for this country. Use its code, such as DE or US.")
    return frozenset().union(*(_holidays_in(code, year) for year in years))


@lru_cache(maxsize=1)
def countries() -> tuple[tuple[str, str], ...]:
    """Return every country as its code and English name, in the order of the names."""
    return tuple((code, _name(module)) for code, module in sorted(MODULES.items(), key=lambda item: item[1]))


@lru_cache(maxsize=1024)
def _holidays_in(code: str, year: int) -> frozenset[date]:
    return frozenset(country_holidays(code, years=year, expand=False))


def _name(module: str) -> str:
    """Spell a country as people do; the package has names in its module names only."""
    words = [word if word in SMALL_WORDS else word.capitalize() for word in module.split("_")]
    return SPELLED.get(module, " ".join(words))
