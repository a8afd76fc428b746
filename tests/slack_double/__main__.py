"""Run the stand-in until told to stop: `python -m tests.slack_double --port 8910 --channel C1=acme-migration`."""

import argparse
import signal
import sys
import threading

from tests.slack_double.faults import SCHEDULED_KINDS, FaultKind
from tests.slack_double.server import SlackDouble
from tests.slack_double.workspace import TOKEN, Channel, Settings, Token


def main() -> None:
    options = _parser().parse_args()
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    with SlackDouble(
        port=options.port,
        seed=options.seed,
        fault_rate=options.fault_rate,
        fault_kinds=options.fault_kind or SCHEDULED_KINDS,
        fault_methods=options.fault_method,
        fault_delay=options.fault_delay,
        retry_after=options.retry_after,
        retry_after_most=options.retry_after_most,
        fault_rates=dict(options.fault_rate_of or []),
        pace_seconds=options.pace_seconds,
        lag_seconds=options.lag_seconds,
        page_default=options.page_default,
        page_max=options.page_max,
        reads_per_minute=options.reads_per_minute,
        channels=options.channel or ["C1"],
        tokens={token: Token() for token in options.token or [TOKEN]},
    ) as slack:
        # Whoever started this waits for the line: flushed, or it would stay in the buffer of a pipe.
        sys.stdout.write(slack.base_url + "\n")
        sys.stdout.flush()
        stopping.wait()


def _channel(text: str) -> Channel:
    channel, _, name = text.partition("=")
    return Channel(channel, name)


def _rate(text: str) -> tuple[str, float]:
    method, _, share = text.partition("=")
    return method, float(share)


def _parser() -> argparse.ArgumentParser:
    defaults = Settings()
    parser = argparse.ArgumentParser(prog="python -m tests.slack_double", description="A stand-in for Slack.")
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--channel", type=_channel, action="append", help="ID or ID=name; repeatable")
    parser.add_argument("--token", action="append", help=f"a valid token; repeatable; default {TOKEN}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fault-rate", type=float, default=0.0, help="share of requests that fail, 0 to 1")
    parser.add_argument("--fault-kind", type=FaultKind, action="append", help="repeatable; default: every kind")
    parser.add_argument("--fault-method", action="append", help="limit faults to this method; repeatable")
    parser.add_argument("--fault-delay", type=float, default=0.2, help="seconds of lateness and between drips")
    parser.add_argument("--retry-after", type=int, default=1, help="seconds a scheduled 429 asks for")
    parser.add_argument("--retry-after-most", type=int, default=0, help="then any number of seconds up to this one")
    parser.add_argument("--fault-rate-of", type=_rate, action="append", help="METHOD=share, such as chat.update=0.2; repeatable")
    parser.add_argument("--pace-seconds", type=float, default=defaults.pace_seconds)
    parser.add_argument("--lag-seconds", type=float, default=defaults.lag_seconds)
    parser.add_argument("--page-default", type=int, default=defaults.page_default)
    parser.add_argument("--page-max", type=int, default=defaults.page_max)
    parser.add_argument("--reads-per-minute", type=int, default=None, help="default: no limit")
    return parser


if __name__ == "__main__":
    main()
