"""Parts of a message's content: OpenAI's as Anthropic's blocks.

A block that Anthropic has and OpenAI has not (a document, a search result, a tool of Anthropic's own) may stand among
OpenAI's parts and goes out as it is, and so does ``cache_control`` on any of them. What Anthropic has no block for is
refused. No error here quotes content: it says where the part stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NoReturn, TypeAlias, cast

from ..router.errors import InvalidRequest, Unsupported

Fields: TypeAlias = Mapping[str, object]
Json: TypeAlias = dict[str, object]

DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)(?:;[\w-]+=[^;,]*)*;base64,", re.IGNORECASE)
IMAGES = {kind: kind for kind in ("image/jpeg", "image/png", "image/gif", "image/webp")} | {"image/jpg": "image/jpeg"}
PDF = "application/pdf"

UNHEARD = frozenset(("input_audio", "audio", "video_url", "input_video"))
"""OpenAI's and its followers' parts that Anthropic has no block for."""

DETAILS = (None, "auto", "high")
"""What may be asked of an image: Anthropic looks at every one as closely as it can."""


def refuse(where: str, why: str) -> NoReturn:
    """Say that what stands at *where* cannot be sent to Anthropic, though another vendor may take it, and *why*.

    Raises:
        Unsupported: always; of no endpoint yet.
    """
    raise Unsupported(f"{where} cannot be sent to Anthropic: {why}")


def mistaken(where: str, why: str) -> NoReturn:
    """Say that what stands at *where* is a mistake, whoever is asked, and *why*.

    Raises:
        InvalidRequest: always.
    """
    raise InvalidRequest(f"{where} is not as it should be: {why}")


def fields_of(value: object, where: str) -> Fields:
    """*value*, an object.

    Raises:
        InvalidRequest: it is none.
    """
    if not isinstance(value, Mapping):
        mistaken(where, f"it must be an object, not {type(value).__name__}")
    return cast(Fields, value)


def list_of(value: object, where: str) -> list[object]:
    """*value*, a list.

    Raises:
        InvalidRequest: it is none.
    """
    if not isinstance(value, list | tuple):
        mistaken(where, f"it must be a list, not {type(value).__name__}")
    return list(cast(Iterable[object], value))


def text_of(value: object, where: str) -> str:
    """*value*, a text.

    Raises:
        InvalidRequest: it is none.
    """
    if not isinstance(value, str):
        mistaken(where, f"it must be a string, not {type(value).__name__}")
    return value


def blocks_of(content: object, where: str) -> list[Json]:
    """*content* of a message, a string or a list of parts, as blocks. Anthropic refuses empty texts: they are left out.

    Raises:
        InvalidRequest: a part is none.
        Unsupported: a part cannot be sent. Either says which.
    """
    if content is None:
        return []
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    blocks = (_block_of(part, f"{where}[{place}]") for place, part in enumerate(list_of(content, where)))
    return [block for block in blocks if block.get("type") != "text" or block.get("text")]


def cached(block: Json, fields: Fields) -> Json:
    """*block*, with the ``cache_control`` of *fields*, if there is one."""
    control = fields.get("cache_control")
    return block if control is None else {**block, "cache_control": control}


def _block_of(part: object, where: str) -> Json:
    fields = fields_of(part, where)
    kind = fields.get("type")
    if kind == "refusal":
        return cached({"type": "text", "text": text_of(fields.get("refusal"), f"{where}.refusal")}, fields)
    if kind == "image_url":
        return cached(_image(fields.get("image_url"), f"{where}.image_url"), fields)
    if kind == "file":
        return cached(_document(fields_of(fields.get("file"), f"{where}.file"), f"{where}.file"), fields)
    if not isinstance(kind, str) or kind in UNHEARD:
        refuse(where, f"it takes no part of type {kind!r}, only texts, images and documents")
    return dict(fields)


def _image(image: object, where: str) -> Json:
    given: Fields = {"url": image} if isinstance(image, str) else fields_of(image, where)
    if given.get("detail") not in DETAILS:
        refuse(f"{where}.detail", "it looks at every image in full detail, so leave it out")
    url = text_of(given.get("url"), f"{where}.url")
    if url[:8].lower().startswith(("https://", "http://")):
        return {"type": "image", "source": {"type": "url", "url": url}}
    kind, data = _decoded(url, f"{where}.url")
    if kind not in IMAGES:
        refuse(f"{where}.url", f"it takes images of {', '.join(dict.fromkeys(IMAGES.values()))}")
    return {"type": "image", "source": {"type": "base64", "media_type": IMAGES[kind], "data": data}}


def _document(file: Fields, where: str) -> Json:
    """A file as a document. A ``file_id`` must be one of Anthropic's own files."""
    if file.get("file_id") is not None:
        source: Json = {"type": "file", "file_id": file["file_id"]}
    else:
        kind, data = _decoded(text_of(file.get("file_data"), f"{where}.file_data"), f"{where}.file_data")
        if kind != PDF:
            refuse(f"{where}.file_data", f"of files it takes {PDF}; send others as text")
        source = {"type": "base64", "media_type": PDF, "data": data}
    document: Json = {"type": "document", "source": source}
    return document if file.get("filename") is None else {**document, "title": file["filename"]}


def _decoded(url: str, where: str) -> tuple[str, str]:
    """Media type and base64 data of a data URL."""
    head = DATA_URL.match(url)
    if head is None:
        refuse(where, "it must be an http(s) URL of an image, or a data: URL in base64")
    return head.group(1).lower(), url[head.end() :]
