"""What ``/api/live.json`` says, as far as it is shown here.

The gateway that is watched may be newer than this program or older: fields that are not known are passed over, and
those that are missing are not known. Only what is no snapshot at all is refused. What the fields mean stands in
`gateway.dashboard.now`; seconds end in ``_s``, shares are 0 to 1.
"""

from __future__ import annotations

import msgspec

FORMAT = 1


class Quantiles(msgspec.Struct, frozen=True):
    """Of *samples* values."""

    samples: int = 0
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


class Promise(msgspec.Struct, frozen=True):
    """What a route promises; None: not."""

    ttft_s: float | None = None
    total_s: float | None = None
    success: float | None = None


class RouteSeen(msgspec.Struct, frozen=True):
    """Calls of one route in the last while."""

    name: str
    objective: Promise = Promise()
    calls: int = 0
    calls_per_s: float = 0.0
    success: float | None = None
    in_time: float | None = None
    burn: float | None = None
    refused: int = 0
    failures: dict[str, int] = {}
    retries: dict[str, int] = {}
    fallbacks: dict[str, int] = {}
    hedges: int = 0
    hedges_won: int = 0
    ttft: Quantiles = Quantiles()
    total: Quantiles = Quantiles()


class EndpointSeen(msgspec.Struct, frozen=True):
    """One endpoint, and attempts there in the last while."""

    name: str
    model: str = ""
    region: str = ""
    state: str = "in"
    why: str | None = None
    until_s: float | None = None
    in_flight: int = 0
    used: int = 0
    limit: int | None = None
    waiting: int = 0
    expected_ttft_s: float | None = None
    attempts: int = 0
    answered: int = 0
    failures: dict[str, int] = {}
    ttft: Quantiles = Quantiles()

    @property
    def failed(self) -> int:
        """Attempts that failed."""
        return sum(self.failures.values())

    @property
    def load(self) -> float:
        """Share of the slots in use; 0.0 without a limit."""
        return self.used / self.limit if self.limit else 0.0


class Note(msgspec.Struct, frozen=True, array_like=True):
    """What a layer decided."""

    after_s: float
    by: str
    words: str


class Try(msgspec.Struct, frozen=True):
    """One attempt of a call."""

    endpoint: str
    outcome: str = ""
    reason: str | None = None
    hedge: bool = False


class CallSeen(msgspec.Struct, frozen=True):
    """One of the last calls."""

    id: int
    route: str
    outcome: str
    ended_s: float = 0.0
    reason: str | None = None
    notable: bool = False
    ttft_s: float | None = None
    total_s: float | None = None
    notes: list[Note] = []
    tries: list[Try] = []


class Loaded(msgspec.Struct, frozen=True):
    """The configuration that is served.

    refused: why a newer one was not taken, in lines; None: there was none.
    needs_restart: what of it takes effect at the next start only.
    """

    source: str = ""
    refused: str | tuple[str, ...] | None = None
    needs_restart: tuple[str, ...] = ()


class Snapshot(msgspec.Struct, frozen=True):
    """One look at a gateway. over_s: what figures of late are of."""

    format: int
    process: str
    routes: list[RouteSeen]
    endpoints: list[EndpointSeen]
    now_s: float = 0.0
    up_s: float = 0.0
    over_s: float = 0.0
    configuration: Loaded = Loaded()
    calls: list[CallSeen] = []


class NotASnapshot(ValueError):
    """What was read is no snapshot, or one of another format. The message says where it differs."""


_decoder = msgspec.json.Decoder(Snapshot)


def read(body: bytes) -> Snapshot:
    """A snapshot as it came over the wire.

    Raises:
        NotASnapshot: it is none, or not of this format.
    """
    try:
        snapshot = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise NotASnapshot(f"this is no snapshot of a Paceline gateway: {fault}") from None
    if snapshot.format != FORMAT:
        raise NotASnapshot(f"the gateway speaks format {snapshot.format}, and format {FORMAT} is read: use its version")
    return snapshot
