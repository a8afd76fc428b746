"""Every kind of reminder, one line each."""

from collections.abc import Mapping

from tracker.domain.deadline import DeadlineKind
from tracker.domain.reminders import (
    access,
    code_freeze,
    content_freeze,
    content_freeze_notice,
    custom,
    dns_cutover,
    hypercare_end,
    inventory,
    join_channel,
    kickoff,
    ttl,
    uat,
)
from tracker.domain.reminders.ladder import ESCALATIONS, Ladder

REMINDERS: Mapping[DeadlineKind, Ladder] = {
    DeadlineKind.KICKOFF: kickoff.LADDER,
    DeadlineKind.INVENTORY: inventory.LADDER,
    DeadlineKind.JOIN_CHANNEL: join_channel.LADDER,
    DeadlineKind.ACCESS: access.LADDER,
    DeadlineKind.CODE_FREEZE: code_freeze.LADDER,
    DeadlineKind.UAT: uat.LADDER,
    DeadlineKind.TTL: ttl.LADDER,
    DeadlineKind.CONTENT_FREEZE_NOTICE: content_freeze_notice.LADDER,
    DeadlineKind.CONTENT_FREEZE: content_freeze.LADDER,
    DeadlineKind.DNS_CUTOVER: dns_cutover.LADDER,
    DeadlineKind.HYPERCARE_END: hypercare_end.LADDER,
    DeadlineKind.CUSTOM: custom.LADDER,
}
# What is said of something overdue to those above whoever has to do it. Only the team's own channel hears it.
ESCALATED = frozenset(f"{kind}.{step}" for kind, ladder in REMINDERS.items() if ladder.climbs for step in ESCALATIONS)
