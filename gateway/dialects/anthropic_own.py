"""What an event of Anthropic's own says that has no field in a chunk: from its raw bytes, for clients of Anthropic's.

That is where one block of text ends and the next begins, what a text cites, and how exactly the answer ended: the stop
sequence that was met, the category of a refusal.
"""

from __future__ import annotations

import msgspec

from .anthropic_form import OWN


class End(msgspec.Struct, frozen=True):
    """Why the answer ended, as ``message_delta`` tells it."""

    stop_reason: str
    stop_sequence: str | None = None
    stop_details: object = None


class Words(msgspec.Struct, frozen=True):
    """Of a block of text. begins: it does here. citation: a delta that cites, as it came; None without."""

    begins: bool = False
    citation: msgspec.Raw | None = None


class _Kind(msgspec.Struct, frozen=True):
    type: str = ""


class _Event(msgspec.Struct, frozen=True):
    type: str = ""
    content_block: _Kind = _Kind()
    delta: msgspec.Raw = msgspec.Raw(b"{}")


_decode_event = msgspec.json.Decoder(_Event).decode
_decode_kind = msgspec.json.Decoder(_Kind).decode
_decode_end = msgspec.json.Decoder(End).decode

NONE_OF_IT = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def own_of(raw: bytes) -> End | Words | None:
    """What *raw*, a vendor's JSON of a piece, says beyond the chunk. None for anything else, as OpenAI's frames."""
    try:
        event = _decode_event(raw)
        if event.type == "content_block_start":
            return Words(begins=True) if event.content_block.type == "text" else None
        if event.type == "content_block_delta":
            return Words(citation=event.delta) if _decode_kind(event.delta).type == "citations_delta" else None
        if event.type == "message_delta":
            end = _decode_end(event.delta)
            return end if end.stop_reason in OWN else None
    except NONE_OF_IT:
        return None
    return None
