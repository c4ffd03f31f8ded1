"""aiohttp's side of one connection, without the work it does anew for each piece of an answer.

Whenever a piece is taken from its buffer, aiohttp resumes reading, whether or not it was ever paused. Since 3.14 that
runs the parser over nothing and asks the transport, so that sixty events that came in one read cost sixty such rounds,
a quarter of what they cost in all. What was not paused has left nothing unread, and need not be resumed.
"""

from __future__ import annotations

from typing import Any

from aiohttp.client_proto import ResponseHandler


class Protocol(ResponseHandler):
    """As aiohttp's."""

    def resume_reading(self, *how: Any, **so: Any) -> None:  # whatever a version of aiohttp may tell
        """Go on reading, if that was paused."""
        if self._reading_paused:
            super().resume_reading(*how, **so)
