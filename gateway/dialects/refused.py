"""What the gateway itself refuses, before any router is asked: a key, a body, a path, or one call too many.

Each is an error of Paceline's tree that knows its HTTP status, so that a dialect writes it in its API's form like any
other.
"""

from __future__ import annotations

from ...router.errors import InvalidRequest, PacelineError


class Refused(PacelineError):
    """The gateway does not take this request.

    status: of HTTP. code: the reason in a word, for programs. retry_after_s: when to come back; None: do not.
    allow: the methods that would do; empty where the method is not what is wrong.
    """

    status = 400
    code = "refused"
    reason = "refused"
    retry_after_s: float | None = None

    def __init__(self, message: str, *, allow: str = "") -> None:
        super().__init__(message)
        self.allow = allow


class KeyRefused(Refused):
    """There is no key, or it is none of ours."""

    status = 401
    code = "invalid_api_key"


class ForeignPage(Refused):
    """A web page of another site asks, through the browser of somebody who can reach us."""

    status = 403
    code = "foreign_origin"


class NotServed(Refused):
    """Nothing is served at this path."""

    status = 404
    code = "not_found"


class WrongMethod(Refused):
    """The path is right, the method is not."""

    status = 405
    code = "method_not_allowed"


class BodyTooSlow(Refused):
    """The request did not arrive in time."""

    status = 408
    code = "request_timeout"


class BodyTooLarge(Refused):
    """The request's body is longer than the gateway takes."""

    status = 413
    code = "request_too_large"


class NotJson(Refused):
    """The request does not say that its body is JSON."""

    status = 415
    code = "unsupported_media_type"


class TooManyCalls(Refused):
    """As many calls are in flight as the gateway takes at once."""

    status = 503
    code = "too_many_calls"
    retry_after_s = 1.0


class GoingDown(Refused):
    """The gateway finishes what it has and takes nothing more."""

    status = 503
    code = "going_down"
    retry_after_s = 1.0


class Mistake(InvalidRequest):
    """The body is wrong.

    param: the field at fault, as the client wrote it; None where it is the whole.
    """

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param
