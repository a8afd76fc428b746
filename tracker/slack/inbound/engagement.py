"""/engagement: how it stands, what comes next, what is left of its hours; of two in one channel, it asks which."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from tracker.domain.budget import BudgetKind
from tracker.domain.duration import say_minutes
from tracker.domain.lifecycle import say_state
from tracker.slack.blocks import escape
from tracker.slack.inbound import dates
from tracker.slack.inbound.ask import Ask, Pressed
from tracker.slack.inbound.payload import uuid_of
from tracker.slack.inbound.reply import Reply, button, ephemeral, link, plainly
from tracker.store import budget as budgets
from tracker.store import engagement as engagements
from tracker.store import portfolio
from tracker.store import site as sites
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement

CHOOSE = "tracker.choose"
NONE_HERE = "No engagement that you may see has this channel. Its page says which channel it has."
HELP = """*In this channel you can write*
• `/engagement` or `/engagement status` – how it stands
• `/engagement next` – the next dates, and who has to do what
• `/engagement hours` – what is left of the hours
• `/log 1h30 shop.example.com fixed redirect loop` – log time (the team)
• `/uat` – the acceptance test, and your signature under it
• `/freeze` – the freezes, and your answer to them
Only you see the answers."""
SITES_SHOWN = 12

Lines = Callable[[AnySession, Ask, Engagement], Iterator[str]]


def run(session: AnySession, ask: Ask, words: str) -> Reply:
    """/engagement and what was written after it."""
    word = (words.split() or ["status"])[0].casefold()
    if word == "help":
        return ephemeral(HELP)
    if word not in SAYS:
        return ephemeral(f"“{escape(word[:40])}” is not something that I know.\n{HELP}")
    found = engagements.in_channel(session, ask.actor, ask.channel or "")
    if not found:
        return plainly(NONE_HERE)
    if len(found) > 1:
        return _which(word, found)
    return _say(session, ask, word, found[0])


def chosen(session: AnySession, ask: Ask, pressed: Pressed) -> Reply:
    """Which of several it was. Raises NotFound for one that is not theirs to see."""
    word, _, said = pressed.value.partition(":")
    engagement_id = uuid_of(said)
    if word not in SAYS or engagement_id is None:
        return ephemeral(HELP)
    return _say(session, ask, word, engagements.get(session, ask.actor, engagement_id))


def _which(word: str, found: Sequence[Engagement]) -> Reply:
    buttons = [button(each.name, f"{CHOOSE}.{number}", f"{word}:{each.id}") for number, each in enumerate(found)]
    return plainly("This channel has more than one engagement. Which one?", buttons)


def _say(session: AnySession, ask: Ask, word: str, engagement: Engagement) -> Reply:
    said = "\n".join([f"*{escape(engagement.name)}*", *SAYS[word](session, ask, engagement)])
    return ephemeral(said, [link("Open", ask.page(f"/engagements/{engagement.id}"))])


def _status(session: AnySession, ask: Ask, engagement: Engagement) -> Iterator[str]:
    stage, count = portfolio.stages_of(session, [engagement])[engagement.id]
    yield f"Stage: {say_state(stage)}. {count} site{'' if count == 1 else 's'}."
    listed = [site for site in sites.of_engagement(session, engagement.id) if site.stage != "withdrawn"]
    for site in listed[:SITES_SHOWN]:
        yield f"• {escape(site.name)}: {say_state(site.stage)}"
    if len(listed) > SITES_SHOWN:
        yield f"… and {len(listed) - SITES_SHOWN} more."
    yield from _upcoming(session, ask, engagement, most=1)


def _next(session: AnySession, ask: Ask, engagement: Engagement) -> Iterator[str]:
    yield from _upcoming(session, ask, engagement, most=dates.NEXT_SHOWN)


def _upcoming(session: AnySession, ask: Ask, engagement: Engagement, *, most: int) -> Iterator[str]:
    dated = dates.open_dates(session, engagement, ask.now)
    if not dated:
        yield "No date is open."
        return
    yield "Next:" if most == 1 else "The next dates:"
    yield from dates.lines(dated[:most] if most == 1 else dated, engagement.time_zone, ask.now, most=most)


def _hours(session: AnySession, _ask: Ask, engagement: Engagement) -> Iterator[str]:
    names = sites.names_in(session, engagement.id)
    kept = [budget for budget in budgets.of_engagement(session, engagement.id) if budget.limit_minutes]
    if not kept:
        yield "It has no hours yet."
    for budget in kept[:SITES_SHOWN]:
        balance = budget.balance
        place = f"{escape(names[budget.site_id])}: " if budget.site_id else ""
        yield f"• {place}{BudgetKind(budget.kind).label}: {say_minutes(balance.left)} left of {say_minutes(balance.limit)}"
    if len(kept) > SITES_SHOWN:
        yield f"… and {len(kept) - SITES_SHOWN} more."


SAYS: Mapping[str, Lines] = {"status": _status, "next": _next, "hours": _hours}
