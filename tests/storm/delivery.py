"""The delivery storm: forked workers send due notices to a hostile Slack while something befalls them.

The scene says what (tests/storm/scenes.py), the seed when, and the judge is the double: of every notice it must hold exactly
one message. `--policy` breaks one condition of the promise on purpose, to show that the judge finds what there is to find.
Run it with `python -m tests.storm.delivery --help`.
"""

import argparse
import json
import sys
import time
from dataclasses import fields, replace
from typing import Any

from tests.slack_double.client import slack_process
from tests.slack_double.faults import FaultKind
from tests.slack_double.workspace import TOKEN
from tests.storm.database import ENGINES, storm_ground
from tests.storm.matrix import CELLS, matrix
from tests.storm.outbox import LATE, PACE_OF_SLACK, POLICIES, PROMISED, Storm, is_clean, judge, prepare
from tests.storm.scenes import SCENES, Stage
from tracker.store.database import db

ALL_SCENES = {**SCENES, "matrix": matrix}
# Where a scene says nothing, the storm is as `Storm` has it.
OF_SCENE: dict[str, dict[str, Any]] = {
    "nodes": {"engine": "postgresql", "workers": 6},
    "pacing": {"channels": 5, "faults": 0.0, "pace": 1.1},
    "matrix": {"channels": len(CELLS), "notices": len(CELLS), "faults": 0.0},
}
SHORT_LEASE = 2.2  # seconds: a frozen worker outlasts it, and the storm shall not take for ever
MARGIN = 0.1  # seconds by which Slack's pace is quicker than ours where the scene is about it, as 1 s is than 1.1 s


def run(storm: Storm) -> dict[str, Any]:
    """Let the storm rage on a fresh database, and judge what came of it."""
    slack_pace = storm.pace - MARGIN if storm.scene == "pacing" else PACE_OF_SLACK
    options = ["--seed", str(storm.seed), "--fault-rate", str(storm.faults), "--pace-seconds", str(slack_pace)]
    options += [word for number in range(storm.channels) for word in ("--channel", f"C{number}")]
    options += [word for kind in storm.fault_kinds for word in ("--fault-kind", kind)]
    over: dict[str, Any] = PROMISED | {"pace": storm.pace}
    late = LATE
    if storm.scene == "freeze":
        over["lease"] = SHORT_LEASE
    if storm.policy == "short-quiet":
        # Slack accepts long after the client has left, and nobody waits for that.
        late = 6.0
        over |= {"quiet": 0.05, "between_looks": 0.05}
    with slack_process(*options, "--fault-delay", str(late)) as slack, storm_ground(storm.engine, **over) as (found, server):
        settings = replace(found, slack_bot_token=TOKEN, slack_api_url=slack.base_url)
        stage = Stage(storm, settings, slack, server)
        with stage.app.app_context():
            ids = prepare(storm, slack)
            db.engine.dispose()
        began = time.monotonic()
        ALL_SCENES[storm.scene](stage)
        seconds = time.monotonic() - began
        slack.wait_until_settled(seconds=20)
        with stage.app.app_context():
            verdict = judge(ids, slack)
            db.session.remove()
            db.engine.dispose()
    return {
        **verdict,
        **stage.counted,
        "seconds": round(seconds, 1),
        "per_second": round(storm.notices / seconds, 1),
        **{name: value for name, value in vars(storm).items() if name != "kills"},
    }


def read_arguments(words: list[str] | None = None) -> Storm:
    parser = argparse.ArgumentParser(prog="python -m tests.storm.delivery", description=(__doc__ or "").partition("\n")[0])
    plain = Storm("sqlite")
    parser.add_argument("--scene", choices=ALL_SCENES, default="kill")
    parser.add_argument("--engine", choices=ENGINES, help="default: sqlite, for nodes postgresql")
    parser.add_argument("--notices", type=int, help=f"default: {plain.notices}")
    parser.add_argument("--workers", type=int, help=f"default: {plain.workers}, for nodes three groups of two")
    parser.add_argument("--kills", type=int, help=f"how often the scene strikes; default: {plain.kills}")
    parser.add_argument("--faults", type=float, help=f"share of requests that fail, 0 to 1; default: {plain.faults}, pacing none")
    parser.add_argument("--channels", type=int, help=f"default: {plain.channels}, for pacing 5")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--policy", choices=POLICIES, help="all but the first break the promise, to test the judge")
    parser.add_argument("--fault-kind", dest="fault_kinds", type=FaultKind, action="append", help="repeatable; default: every")
    parser.add_argument("--within", type=float, help=f"the longest it may take, in seconds; default: {plain.within:g}")
    parser.add_argument("--threads", type=float, help="share of notices that are replies in a thread; default: none")
    parser.add_argument("--pace", type=float, help=f"our seconds between two messages; default: {plain.pace:g}, for pacing 1.1")
    said = {name: value for name, value in vars(parser.parse_args(words)).items() if value is not None}
    if "fault_kinds" in said:
        said["fault_kinds"] = tuple(str(kind) for kind in said["fault_kinds"])
    assert set(said) <= {field.name for field in fields(Storm)}
    return Storm(**({"engine": "sqlite"} | OF_SCENE.get(said["scene"], {}) | said))


def main() -> None:
    verdict = run(read_arguments())
    sys.stdout.write(json.dumps(verdict) + "\n")
    sys.exit(0 if is_clean(verdict) else 1)


if __name__ == "__main__":
    main()
