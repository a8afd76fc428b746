"""The lines of the table that compare servers: time entries, pages, growth, the month's report."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from bench import goals, requests, table
from bench.goals import Goal
from bench.load import Outcome, Target, ask
from bench.rounds import Pace, interleaved
from bench.stage import Act
from bench.table import Figure, Line
from tracker.domain.access import Role

ENTRY_CLIENTS = (1, 8)
READERS = (Role.ENGAGEMENT_MANAGER, Role.ENGINEER, Role.CUSTOMER_APPROVER)
PLACES = ("first", "middle", "last")
REPORT_SHOTS = 5  # a report is long: a few of each in a round are enough


def entry_lines(acts: Sequence[Act], pace: Pace) -> Iterator[Line]:
    """Time entries over the API beside *checked*, and how long the slowest of both wait."""
    for act in acts:
        ours = Target(act.ours, requests.entries(act.pair), 201)
        yardstick = Target(act.yardstick, requests.checked(act.pair), 201)
        for clients in ENTRY_CLIENTS:
            found = interleaved({"ours": ours, "checked": yardstick}, pace, clients=clients)
            mine, other = found["ours"], found["checked"]
            line = partial(_line, act, clients, mine, other)
            yield line("POST /api/v1/time-entries : checked", goals.ENTRY, table.rate, table.say_rate)
            if clients > 1:
                yield line("its p99 : checked's p99", goals.ENTRY_P99, table.p99, table.say_p99)


def page_lines(acts: Sequence[Act], pace: Pace, clients: Sequence[int] = (1,)) -> Iterator[Line]:
    """Engagement page and portfolio, as each of three people sees them, beside *page* and *portfolio*."""
    for act in acts:
        targets = {
            "page": Target(act.yardstick, requests.yardstick_pages(act.pair)),
            "portfolio": Target(act.yardstick, requests.yardstick_portfolios(act.pair)),
        }
        for role in READERS:
            targets[f"page {role}"] = Target(act.ours, act.readers[role].engagement_pages())
            targets[f"portfolio {role}"] = Target(act.ours, [act.readers[role].portfolio("first")])
        for number in clients:
            found = interleaved(targets, pace, clients=number)
            for name in ("page", "portfolio"):
                for role in READERS:
                    what = f"{'engagement page' if name == 'page' else 'portfolio page'}, {_say(role)} : {name}"
                    outcomes = found[f"{name} {role}"], found[name]
                    yield _line(act, number, *outcomes, what, goals.PAGE, table.rate, table.say_rate)


def growth_lines(acts: Sequence[Act], pace: Pace) -> Iterator[Line]:
    """What a page takes at the largest size beside the smallest, for every role."""
    small, large = acts[0], acts[-1]
    targets = {}
    for role in Role:
        for act, size in ((small, "small"), (large, "large")):
            reader = act.readers[role]
            targets[f"engagement page {role} {size}"] = Target(act.ours, reader.engagement_pages())
            for place in PLACES:
                targets[f"portfolio, {place} page {role} {size}"] = Target(act.ours, [reader.portfolio(place)])
    found = interleaved(targets, pace, clients=1, most=pace.shots)
    span = f"{large.pair.shape.engagements} : {small.pair.shape.engagements}"
    for page in (*(f"portfolio, {place} page" for place in PLACES), "engagement page"):
        for role in Role:
            at_large, at_small = found[f"{page} {role} large"], found[f"{page} {role} small"]
            yield Line(
                what=f"p50 of {page}, {_say(role)}",
                engine=large.pair.engine,
                clients=1,
                size=span,
                ours=table.say_p50(at_large),
                other=f"{table.say_p50(at_small)} at {small.pair.shape.engagements}",
                values=table.ratios(at_large, at_small, table.p50),
                goal=goals.GROWTH,
                bad=table.wrong(at_large, at_small),
            )


def report_lines(act: Act, pace: Pace) -> Iterator[Line]:
    """Hours by engagement over four weeks, over the API, as a page, and all of them as a file, beside *report*."""
    first, last = act.pair.shape.month
    asked = f"from={first}&to={last}"
    yardstick = Target(act.yardstick, [requests.get(f"/report?{asked}")])
    cookie, token = act.readers[Role.ADMIN].cookie, f"Authorization: Bearer {act.pair.world.places[0].tokens[0]}"
    doors = {
        "hours by engagement, API": requests.get(f"/api/v1/hours?group_by=engagement&{asked}", token),
        "hours by engagement, page": requests.get(f"/hours?group_by=engagement&{asked}", cookie),
        "hours by engagement, file": requests.get(f"/hours.csv?group_by=engagement&{asked}", cookie),
    }
    for what, request in doors.items():
        size, ours = str(act.pair.shape.engagements), Target(act.ours, [request])
        if ask(act.ours, request)[0] != "200":
            yield Line(f"{what} : report", act.pair.engine, 1, size, "–", "–", [], goals.REPORT, "not there yet")
            continue
        found = interleaved({"ours": ours, "report": yardstick}, pace, clients=1, most=REPORT_SHOTS)
        yield _line(act, 1, found["ours"], found["report"], f"{what} : report", goals.REPORT, table.p50, table.say_p50)


def _line(
    act: Act,
    clients: int,
    mine: Sequence[Outcome],
    other: Sequence[Outcome],
    what: str,
    goal: Goal,
    figure: Figure,
    say: Callable[[Sequence[Outcome]], str],
) -> Line:
    return Line(
        what=what,
        engine=act.pair.engine,
        clients=clients,
        size=str(act.pair.shape.engagements),
        ours=say(mine),
        other=say(other),
        values=table.ratios(mine, other, figure),
        goal=goal,
        bad=table.wrong(mine, other),
    )


def _say(role: Role) -> str:
    return role.label.lower()
