"""Betas of Anthropic's, asked for call by call: names in the parameter ``betas``, sent in the header they belong into.

    Request(..., params={"betas": ["context-management-2025-06-27"]})

That is what Anthropic's own SDK calls them. Those that an endpoint asks for with every call, in its headers, stay. A
name is put into a header, so what may stand in it is bounded. To endpoints of other vendors they say nothing, and do
not keep a call from falling back there: a beta only lets Anthropic read what a request asks for, and what it asks for
stands in fields and blocks of its own, which are refused by name where they cannot be had.

Source: Anthropic's API reference, "Beta headers".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs
from multidict import CIMultiDict, CIMultiDictProxy

from .anthropic_parts import list_of, mistaken
from .openai_request import BETAS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..router.call import Call
    from .http_head import Head

HEADER = "anthropic-beta"
MOST_BETAS = 32
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)


def betas_in(params: Mapping[str, object]) -> tuple[str, ...]:
    """The names among *params*, each once, in their order.

    Raises:
        InvalidRequest: they are no names, or too many.
    """
    given = params.get(BETAS)
    if given is None:
        return ()
    names: dict[str, None] = {}
    for name in list_of(given, BETAS):
        if not isinstance(name, str) or not NAME.fullmatch(name):
            mistaken(BETAS, "each must be a name of letters, digits, dots, dashes and underscores, 128 at most")
        names[name] = None
    if len(names) > MOST_BETAS:
        mistaken(BETAS, f"there may be {MOST_BETAS} at most")
    return tuple(names)


def with_betas(call: Call, head: Head) -> Head:
    """The *head* of the address, and the betas that this call asks for besides.

    Raises:
        InvalidRequest: as `betas_in`.
    """
    betas = betas_in(call.request.params)
    if not betas:
        return head
    always = [name.strip() for name in head.headers.get(HEADER, "").split(",") if name.strip()]
    asked = CIMultiDict(head.headers)
    asked[HEADER] = ",".join(dict.fromkeys((*always, *betas)))
    return attrs.evolve(head, headers=CIMultiDictProxy(asked))
