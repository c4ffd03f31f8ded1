"""The options of ``paceline top``."""

from __future__ import annotations

import argparse
import os
from urllib.parse import urlsplit

import attrs

from ..arguments import number
from .choices import Sort

DEFAULT_URL = "http://127.0.0.1:8080"
DEFAULT_EVERY_S = 1.0

ABOUT = """\
Watch a gateway in the terminal: routes against what they promise, endpoints with their state and load, what went wrong
by reason, and the last calls with the way they took. It connects again when the gateway is restarted.

keys: q quit, p pause, s order of the endpoints
"""

EXAMPLES = """\
examples:
  paceline top                                        the gateway of this machine, at port 8080
  paceline top gateway.internal:9090 --every 5
  paceline top https://llm.example --key-env WATCH_KEY
  paceline top --once | head -20                      one picture, for scripts

exit codes: 0 you have quit, or the one picture is shown; 1 no gateway answered to --once; 2 what was given cannot be
used, or the gateway asks for another key; 130 Ctrl-C; 143 SIGTERM.
"""

SORTS = {"configured": Sort.CONFIGURED, "ttft": Sort.TTFT, "load": Sort.LOAD, "errors": Sort.ERRORS}


@attrs.frozen(kw_only=True)
class TopOptions:
    """What was asked for on the command line.

    url: of the gateway. every_s: seconds between two looks. key: bearer key, if it asks for one; never shown.
    once: one picture, and no more. sort: order of the endpoints.
    """

    url: str = DEFAULT_URL
    every_s: float = DEFAULT_EVERY_S
    key: str | None = attrs.field(default=None, repr=False)
    once: bool = False
    sort: Sort = Sort.CONFIGURED

    @classmethod
    def of(cls, given: argparse.Namespace) -> TopOptions:
        """From a parsed command line."""
        return cls(url=given.url, every_s=given.every, key=given.key_env, once=given.once, sort=SORTS[given.sort])


def describe_top(parser: argparse.ArgumentParser) -> None:
    """Add the options to its own parser."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description, parser.epilog = ABOUT, EXAMPLES
    parser.add_argument(
        "url", type=_address, nargs="?", default=DEFAULT_URL, metavar="URL",
        help=f"where its dashboard is served (default {DEFAULT_URL})",
    )  # fmt: skip
    parser.add_argument(
        "--every", type=number(0.2, 3600), default=DEFAULT_EVERY_S, metavar="S",
        help=f"seconds between two looks (default {DEFAULT_EVERY_S:g})",
    )  # fmt: skip
    parser.add_argument(
        "--key-env", type=_key, metavar="NAME", help="environment variable that holds the gateway's bearer key"
    )
    parser.add_argument("--once", action="store_true", help="print one picture and end")
    parser.add_argument("--sort", choices=SORTS, default="configured", help="order of the endpoints to begin with")


def _address(text: str) -> str:
    """The base URL of a gateway, of what a person types: ``localhost:8080`` will do."""
    url = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(url)
        fits = parts.scheme in {"http", "https"} and parts.hostname and not parts.query and not parts.fragment
        _ = parts.port  # raises where it is none
    except ValueError:
        fits = None
    if not fits:
        raise argparse.ArgumentTypeError(f"{text!r} is no address: give one such as {DEFAULT_URL}")
    return url.rstrip("/")


def _key(name: str) -> str:
    """The key that a variable holds. The message never shows it."""
    key = os.environ.get(name, "").strip()
    if not key:
        raise argparse.ArgumentTypeError(f"the environment variable {name} is not set, or empty")
    if not (key.isascii() and key.isprintable()):
        raise argparse.ArgumentTypeError(f"what {name} holds is no key: it has letters that no header can have")
    return key
