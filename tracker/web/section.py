"""The pages of one engagement and of one site, as the navigation on top of each of them lists them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.web.present import Shown


@dataclass(frozen=True)
class Section:
    """One page: its name in the code, its label, what follows the address of its subject, and who may see it."""

    key: str
    label: str
    path: str
    permission: Permission = Permission.SEE_ENGAGEMENTS


OF_ENGAGEMENT: Sequence[Section] = (
    Section("overview", "Overview", ""),
    Section("duties", "Duties", "/duties"),
    Section("scope", "Scope", "/scope"),
    Section("hours", "Hours", "/hours"),
    Section("questions", "Questions", "/questions"),
    Section("risks", "Risks", "/risks"),
    Section("changes", "Changes", "/change-requests"),
    Section("conversation", "Conversation", "/comments"),
    Section("kickoff", "Kick-off and links", "/kickoff"),
    Section("channels", "Channels", "/channels", Permission.EDIT_ENGAGEMENT),
    Section("preferences", "Preferences", "/preferences", Permission.EDIT_ENGAGEMENT),
    Section("dry-run", "What will be told", "/dry-run", Permission.SEE_NOTICES),
)
OF_SITE: Sequence[Section] = (
    Section("overview", "Overview", ""),
    Section("scope", "Scope", "/scope"),
    Section("facts", "Facts", "/facts"),
    Section("inventory", "Inventory", "/inventory"),
    Section("path", "Path", "/path"),
    Section("freezes", "Freezes", "/freezes"),
    Section("uat", "UAT", "/uat"),
)


def of_engagement(actor: Actor, engagement_id: UUID, current: str) -> list[Shown]:
    """The pages of an engagement that somebody may see."""
    return _shown(OF_ENGAGEMENT, f"/engagements/{engagement_id}", actor, current)


def of_site(actor: Actor, site_id: UUID, current: str) -> list[Shown]:
    """The pages of a site that somebody may see."""
    return _shown(OF_SITE, f"/sites/{site_id}", actor, current)


def _shown(sections: Sequence[Section], base: str, actor: Actor, current: str) -> list[Shown]:
    return [
        Shown(label=each.label, url=f"{base}{each.path}", current=each.key == current)
        for each in sections
        if actor.may(each.permission)
    ]
