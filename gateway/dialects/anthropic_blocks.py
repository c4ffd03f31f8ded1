"""Blocks of a message's content, as the parts that OpenAI's form has for them.

A block that OpenAI's form has no part for (a document with citations, a search result) stays as it is: an endpoint of
Anthropic's takes it back so, and any other refuses it by name. So does a block with a field that its part has no place
for. ``cache_control`` stays on whatever it was on.
"""

from __future__ import annotations

from typing import cast

from .anthropic_fields import Fields, Json, list_at, mistaken, object_at, text_at

IMAGES = frozenset(("image/jpeg", "image/png", "image/gif", "image/webp"))
PDF = "application/pdf"

FOREIGN = frozenset(
    ("audio", "file", "image_url", "input_audio", "input_image", "input_text", "input_video", "refusal", "video_url")
)
"""Parts of OpenAI's and others', which would pass for what they are not here."""


def block_at(value: object, path: str) -> Fields:
    """*value*, a block.

    Raises:
        Mistake: it is none.
    """
    block = object_at(value, path)
    kind = text_at(block, "type", f"{path}.type")
    if kind in FOREIGN:
        mistaken(f"{path}.type", f"Input tag {kind!r} is none of this API's")
    return block


def blocks_at(content: object, path: str) -> list[Fields]:
    """The blocks of *content*, a string or a list of them.

    Raises:
        Mistake: it is neither, or says nothing.
    """
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    blocks = [block_at(block, f"{path}.{place}") for place, block in enumerate(list_at(content, path))]
    if not blocks:
        mistaken(path, "content must not be empty")
    return blocks


def part_of(block: Fields, path: str) -> Json:
    """The part that says what *block* does.

    Raises:
        Mistake: it is a text without text.
    """
    kind = block["type"]
    if kind == "text":
        text_at(block, "text", f"{path}.text")
    elif kind == "image":
        return _image(block) or dict(block)
    elif kind == "document":
        return _document(block) or dict(block)
    return dict(block)


def content_of(parts: list[Json]) -> object:
    """*parts* as the content of a message: a single plain text is a string, which every vendor takes."""
    if len(parts) == 1 and parts[0].keys() == {"type", "text"}:
        return parts[0]["text"]
    return parts


def _image(block: Fields) -> Json | None:
    source = _source(block, frozenset(("type", "source", "cache_control")))
    url = ""
    if set(source) == {"type", "media_type", "data"} and source["type"] == "base64":
        kind = source["media_type"]
        if isinstance(kind, str) and kind in IMAGES and isinstance(source["data"], str):
            url = f"data:{kind};base64,{source['data']}"
    elif set(source) == {"type", "url"} and source["type"] == "url" and isinstance(source["url"], str):
        url = source["url"] if source["url"].lower().startswith(("https://", "http://")) else ""
    return _cached({"type": "image_url", "image_url": {"url": url}}, block) if url else None


def _document(block: Fields) -> Json | None:
    """A PDF, which is a file in OpenAI's form, and its title the file's name."""
    source = _source(block, frozenset(("type", "source", "title", "cache_control")))
    if set(source) != {"type", "media_type", "data"} or source["type"] != "base64" or source["media_type"] != PDF:
        return None
    if not isinstance(source["data"], str):
        return None
    file: Json = {"file_data": f"data:{PDF};base64,{source['data']}"}
    if "title" in block:
        file["filename"] = block["title"]
    return _cached({"type": "file", "file": file}, block)


def _source(block: Fields, fields: frozenset[str]) -> Fields:
    """Where the block's content is to be had; empty for a block with more than these *fields*."""
    source = block.get("source")
    return cast("Fields", source) if isinstance(source, dict) and not block.keys() - fields else {}


def _cached(part: Json, block: Fields) -> Json:
    return {**part, "cache_control": block["cache_control"]} if "cache_control" in block else part
