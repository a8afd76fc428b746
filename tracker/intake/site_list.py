"""A list of sites, as CSV: at most 500, one row each."""

import hashlib
from dataclasses import dataclass

from tracker.domain.rejected_row import RejectedRow
from tracker.domain.site_list import MOST_SITES, SiteRow, read_site_row
from tracker.intake.table import Column, read_table

COLUMNS = (
    Column("name", ("site name", "site", "title", "label")),
    Column("url", ("address", "source url", "site url", "website", "domain", "link"), required=True),
    Column("cms", ("system", "platform", "software"), required=True),
    Column("cms_version", ("version", "system version")),
    Column("cms_variant", ("variant",)),
    Column("plan", ("hosting plan",)),
    Column("package", ("tier",)),
    Column("premium_option", ("premium extra", "extra", "option", "premium")),
    Column("network", ("multisite", "part of a network", "is network")),
    Column("multisite_decision", ("what becomes of the network", "keep or split", "network decision")),
    Column("upstream_choice", ("upstream", "code base")),
)


@dataclass(frozen=True)
class SiteList:
    """The rows of one file, good and bad as far as they could be read."""

    digest: str
    rows: tuple[SiteRow, ...]
    rejected: tuple[RejectedRow, ...]


def read_site_list(data: bytes) -> SiteList:
    """Raises UnreadableFile for what is no such table, and for more than 500 sites."""
    every = [
        each if isinstance(each, RejectedRow) else read_site_row(each.number, each.said, each.cells)
        for each in read_table(data, COLUMNS, most_rows=MOST_SITES)
    ]
    return SiteList(
        hashlib.sha256(data).hexdigest(),
        tuple(each for each in every if isinstance(each, SiteRow)),
        tuple(each for each in every if isinstance(each, RejectedRow)),
    )
