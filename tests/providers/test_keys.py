"""Several keys, and tokens that change: a key that is refused costs a round trip, and no policy hears of it."""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import traceback
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import pytest

from paceline.router import Attempt, Event, Health, Keys, KeySetAside, Secret, TokenSource
from paceline.router.errors import (
    AttemptFailed,
    AuthenticationFailed,
    CallError,
    ConfigurationError,
    Gated,
    ProviderError,
    RateLimited,
    StreamInterrupted,
)

from .loopback import HEARD, WHOLE, Asked, Say, asking, begun, frame, question, replies, streams, text

if TYPE_CHECKING:
    from aiohttp import web

ONE, TWO, THREE = "sk-key-number-one", "sk-key-number-two", "sk-key-number-three"
GOOD = streams(WHOLE)


def refuses(status: int, code: str = "", **headers: str) -> Say:
    return replies({"error": {"message": "no", "code": code}}, status, **headers)


def by_key(answers: Mapping[str, Say]) -> Say:
    """A vendor who answers each key in its own way."""

    async def say(request: web.Request) -> web.StreamResponse:
        return await answers[request.headers["Authorization"].removeprefix("Bearer ")](request)

    return say


class HandClock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def shown_keys(asked: Asked) -> list[str]:
    """The key of each request, in order."""
    return [headers["Authorization"].removeprefix("Bearer ") for headers in asked.vendor.headers]


def with_keys(
    answers: Mapping[str, Say], check: Callable[[Asked, HandClock], Awaitable[None]], keys: Keys | None = None
) -> list[Event]:
    """Run *check* on a router whose one endpoint has a key for each of *answers*. What was told."""
    heard: list[Event] = []

    async def main() -> None:
        clock = HandClock()
        credential = keys or Keys(list(answers))
        async with asking(by_key(answers), api_key=credential, clock=clock, listeners=[heard.append]) as asked:
            await check(asked, clock)

    asyncio.run(main())
    return heard


# -- several keys


def test_calls_are_spread_over_the_keys() -> None:
    async def check(asked: Asked, _clock: HandClock) -> None:
        answers = [await asked.complete() for _ in range(6)]
        assert shown_keys(asked) == [ONE, TWO, THREE] * 2
        assert [answer.attempts[0].key for answer in answers] == [1, 2, 3] * 2

    with_keys({ONE: GOOD, TWO: GOOD, THREE: GOOD}, check)


def test_a_call_takes_the_key_with_the_fewest_calls_in_flight() -> None:
    async def waits(request: web.Request) -> web.StreamResponse:
        response = await begun(request)
        await response.write(frame(text("Hello")))
        await request.app[HEARD].wait()
        await response.write(WHOLE)
        return response

    async def check(asked: Asked, _clock: HandClock) -> None:
        long = asyncio.create_task(asked.complete())
        await asked.vendor.asked.wait()
        for _ in range(3):
            await asked.complete()
        asked.vendor.is_heard()
        await long
        assert shown_keys(asked) == [ONE, TWO, TWO, TWO]

    with_keys({ONE: waits, TWO: GOOD}, check)


REFUSALS: dict[str, Say] = {
    "401": refuses(401),
    "402": refuses(402),
    "403": refuses(403),
    "429 of quota": refuses(429, "insufficient_quota"),
    "quota, inside a 200": streams(frame({"error": {"message": "no more credit", "code": "insufficient_quota"}})),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_a_key_that_is_refused_is_set_aside_and_the_next_one_is_asked_at_once(refusal: Say) -> None:
    async def check(asked: Asked, clock: HandClock) -> None:
        answer = await asked.complete()
        assert answer.text == "Hello there"
        assert len(answer.attempts) == 1, "to every policy it is one attempt"
        assert answer.attempts[0].key == 2
        assert "key 1 of 2 is left alone for 300.000 s" in answer.story()
        assert asked.target.learned.recent.failing(clock()) == 0.0, "the endpoint is well"
        await asked.complete()
        assert shown_keys(asked) == [ONE, TWO, TWO]
        clock.now_s += 301.0
        await asked.complete()
        assert shown_keys(asked)[3:] == [ONE, TWO]

    heard = with_keys({ONE: refusal, TWO: GOOD}, check)
    (first, second) = [event for event in heard if isinstance(event, KeySetAside)]
    assert (first.key, first.of, first.until_s) == (1, 2, 1300.0)
    assert first.reason in {"authentication", "quota", "permission"}
    assert second.at_s == 1301.0


def test_a_key_that_works_again_is_back() -> None:
    answers: dict[str, Say] = {ONE: refuses(401), TWO: GOOD}

    async def check(asked: Asked, clock: HandClock) -> None:
        await asked.complete()
        answers[ONE] = GOOD
        clock.now_s += 300.0
        for _ in range(4):
            await asked.complete()
        assert shown_keys(asked)[2:] == [ONE, TWO, ONE, TWO]

    with_keys(answers, check)


def test_a_rate_limited_key_rests_until_the_vendors_own_time() -> None:
    async def check(asked: Asked, clock: HandClock) -> None:
        for _ in range(2):
            await asked.complete()
        clock.now_s += 6.9
        await asked.complete()
        assert shown_keys(asked) == [ONE, TWO, TWO, TWO]
        clock.now_s += 0.2
        await asked.complete()
        assert shown_keys(asked)[4:] == [ONE, TWO]

    heard = with_keys({ONE: refuses(429, **{"Retry-After": "7"}), TWO: GOOD}, check)
    assert next(event.until_s for event in heard if isinstance(event, KeySetAside)) == 1007.0


def test_a_rate_limited_key_rests_a_while_where_the_vendor_does_not_say() -> None:
    async def check(asked: Asked, clock: HandClock) -> None:
        await asked.complete()
        clock.now_s += 1.9
        await asked.complete()
        clock.now_s += 0.2
        await asked.complete()
        assert shown_keys(asked) == [ONE, TWO, TWO, ONE, TWO]

    with_keys({ONE: refuses(429), TWO: GOOD}, check, Keys([ONE, TWO], rest_s=2.0))


def test_while_every_key_rests_the_endpoint_is_gated_until_the_first_is_back() -> None:
    answers = {ONE: refuses(429, **{"Retry-After": "7"}), TWO: refuses(429, **{"Retry-After": "30"})}

    async def check(asked: Asked, clock: HandClock) -> None:
        with pytest.raises(RateLimited) as raised:
            await asked.complete()
        assert raised.value.retry_after_s == 7.0, "of the key that is back first, not of the one asked last"
        assert asked.target.opens_at_s(clock()) == 1007.0
        with pytest.raises(Gated):
            await asked.complete()
        assert shown_keys(asked) == [ONE, TWO]

    with_keys(answers, check)


def test_the_keys_themselves_hold_the_gate_where_the_endpoint_does_not() -> None:
    """An endpoint is gated for five minutes at most; the vendor asked for ten."""
    answers = {ONE: refuses(429, **{"Retry-After": "600"}), TWO: refuses(429, **{"Retry-After": "700"})}

    async def check(asked: Asked, clock: HandClock) -> None:
        with pytest.raises(RateLimited):
            await asked.complete()
        clock.now_s += 400.0
        with pytest.raises(Gated, match="every key is rate-limited or refused") as raised:
            await asked.complete()
        assert raised.value.retry_after_s == 200.0
        assert len(asked.vendor.headers) == 2

    with_keys(answers, check)


def test_a_refused_key_is_no_fault_of_the_endpoint_while_another_only_rests() -> None:
    answers = {ONE: refuses(429, **{"Retry-After": "7"}), TWO: refuses(401)}

    async def check(asked: Asked, _clock: HandClock) -> None:
        with pytest.raises(AuthenticationFailed) as raised:
            await asked.complete()
        assert raised.value.health is Health.LIMIT
        assert raised.value.retry_after_s == 7.0

    with_keys(answers, check)


def test_when_every_key_is_refused_each_call_tries_one_all_the_same() -> None:
    answers: dict[str, Say] = {ONE: refuses(401), TWO: refuses(403)}

    async def check(asked: Asked, clock: HandClock) -> None:
        with pytest.raises(AttemptFailed) as raised:
            await asked.complete()
        assert raised.value.health is Health.CREDENTIAL
        clock.now_s += 1.0
        with pytest.raises(AuthenticationFailed):
            await asked.complete()
        answers[TWO] = GOOD
        clock.now_s += 1.0
        await asked.complete()
        assert shown_keys(asked) == [ONE, TWO, ONE, TWO]

    with_keys(answers, check)


@pytest.mark.parametrize("refusal", [refuses(500), refuses(400), refuses(429, **{"retry-after-ms": "20"})])
def test_what_is_not_the_keys_fault_is_no_reason_to_try_another(refusal: Say) -> None:
    async def check(asked: Asked, _clock: HandClock) -> None:
        with pytest.raises(AttemptFailed):
            await asked.complete()
        assert shown_keys(asked) == [ONE]

    assert not [event for event in with_keys({ONE: refusal, TWO: GOOD}, check) if isinstance(event, KeySetAside)]


def test_once_something_of_the_answer_was_seen_no_other_key_is_asked() -> None:
    broken = streams(frame(text("Hello")), frame({"error": {"code": "insufficient_quota"}}))

    async def check(asked: Asked, _clock: HandClock) -> None:
        with pytest.raises(StreamInterrupted):
            await asked.stream()
        assert shown_keys(asked) == [ONE]

    with_keys({ONE: broken, TWO: GOOD}, check)


def test_a_long_answer_does_not_bring_back_a_key_that_was_refused_meanwhile() -> None:
    async def first_long_then_limited(request: web.Request) -> web.StreamResponse:
        seen.append(request)
        if len(seen) > 1:
            return await refuses(429, **{"Retry-After": "60"})(request)
        response = await begun(request)
        await response.write(frame(text("Hello")))
        await request.app[HEARD].wait()
        await response.write(WHOLE)
        return response

    seen: list[web.Request] = []

    async def check(asked: Asked, clock: HandClock) -> None:
        long = asyncio.create_task(asked.complete())
        await asked.vendor.asked.wait()
        for _ in range(2):  # the second goes to the key with as many calls in flight that was used less recently
            clock.now_s += 1.0
            await asyncio.gather(asked.complete(), asked.complete())
        assert shown_keys(asked).count(ONE) == 2
        asked.vendor.is_heard()
        await long
        await asyncio.gather(asked.complete(), asked.complete())
        assert shown_keys(asked).count(ONE) == 2, "it still rests"

    with_keys({ONE: first_long_then_limited, TWO: GOOD}, check)


def test_a_source_that_gives_nothing_leaves_the_call_to_the_next_key() -> None:
    async def check(asked: Asked, _clock: HandClock) -> None:
        answer = await asked.complete()
        assert answer.attempts[0].key == 2
        assert shown_keys(asked) == [TWO]

    with_keys({TWO: GOOD}, check, Keys([TokenSource(Tokens(OSError("no route"))), TWO]))


def test_a_single_key_in_a_list_is_never_set_aside() -> None:
    async def check(asked: Asked, _clock: HandClock) -> None:
        for _ in range(2):
            with pytest.raises(AuthenticationFailed) as raised:
                await asked.complete()
            assert raised.value.attempts[0].key is None
        assert shown_keys(asked) == [ONE, ONE]

    assert not [event for event in with_keys({ONE: refuses(401)}, check) if isinstance(event, KeySetAside)]


def test_a_call_that_is_cancelled_gives_its_key_back() -> None:
    async def never(_request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    async def check(asked: Asked, _clock: HandClock) -> None:
        call = asyncio.create_task(asked.complete())
        await asked.vendor.asked.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        (ring,) = asked.target.handler._rings.values()  # type: ignore[attr-defined]
        assert [key.in_flight for key in ring._keys] == [0, 0]

    with_keys({ONE: never, TWO: GOOD}, check)


# -- tokens that change


class Tokens:
    """A source that gives one token after the other."""

    def __init__(self, *tokens: str | Exception) -> None:
        self._tokens = list(tokens)
        self.fetches = 0

    def __call__(self) -> str:
        self.fetches += 1
        token = self._tokens[min(self.fetches, len(self._tokens)) - 1]
        if isinstance(token, Exception):
            raise token
        return token


class SlowTokens(Tokens):
    """The same, but one has to wait. asked: set by each fetch."""

    def __init__(self, *tokens: str | Exception) -> None:
        super().__init__(*tokens)
        self.asked = asyncio.Event()
        self.ready = asyncio.Event()

    async def __call__(self) -> str:  # type: ignore[override]
        self.asked.set()
        token = super().__call__()
        await self.ready.wait()
        return token


def with_token(
    source: object, answers: Mapping[str, Say], check: Callable[[Asked, HandClock], Awaitable[None]]
) -> None:
    async def main() -> None:
        clock = HandClock()
        async with asking(by_key(answers), api_key=source, clock=clock) as asked:
            await check(asked, clock)

    asyncio.run(main())


def test_a_token_is_fetched_when_it_is_needed_and_used_for_a_while() -> None:
    source = Tokens(ONE, TWO)

    async def check(asked: Asked, clock: HandClock) -> None:
        assert source.fetches == 0
        for pause_s in (0.0, 59.0, 2.0, 59.0):
            clock.now_s += pause_s
            await asked.complete()
        assert shown_keys(asked) == [ONE, ONE, TWO, TWO]
        assert source.fetches == 2

    with_token(source, {ONE: GOOD, TWO: GOOD}, check)


def test_an_environment_variable_that_changes_is_a_source_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACELINE_TEST_TOKEN", ONE)

    async def check(asked: Asked, clock: HandClock) -> None:
        await asked.complete()
        monkeypatch.setenv("PACELINE_TEST_TOKEN", TWO)
        clock.now_s += 6.0
        await asked.complete()
        assert shown_keys(asked) == [ONE, TWO]

    with_token(TokenSource(lambda: os.environ["PACELINE_TEST_TOKEN"], reuse_s=5.0), {ONE: GOOD, TWO: GOOD}, check)


def test_calls_that_need_a_token_at_the_same_time_wait_for_one_fetch() -> None:
    async def main() -> None:
        source = SlowTokens(ONE)
        async with asking(GOOD, api_key=source) as asked:
            calls = [asyncio.create_task(asked.complete()) for _ in range(5)]
            await source.asked.wait()
            calls[0].cancel()
            source.ready.set()
            await asyncio.gather(*calls[1:])
            assert source.fetches == 2, "the first was cancelled with its call, and the second served the others"
            assert set(shown_keys(asked)) == {ONE}

    asyncio.run(main())


def test_the_earlier_token_is_used_on_while_the_next_is_fetched() -> None:
    async def main() -> None:
        source, clock = SlowTokens(ONE, TWO), HandClock()
        source.ready.set()
        async with asking(GOOD, api_key=source, clock=clock) as asked:
            await asked.complete()
            clock.now_s += 61.0
            source.ready.clear()
            source.asked.clear()
            waits = asyncio.create_task(asked.complete())
            await source.asked.wait()
            await asked.complete()
            source.ready.set()
            await waits
            assert shown_keys(asked) == [ONE, ONE, TWO]

    asyncio.run(main())


def test_a_refused_token_is_fetched_anew_at_once() -> None:
    source = Tokens(ONE, TWO)

    async def check(asked: Asked, _clock: HandClock) -> None:
        answer = await asked.complete()
        assert shown_keys(asked) == [ONE, TWO]
        assert "the token was refused" in answer.story()

    with_token(source, {ONE: refuses(401), TWO: GOOD}, check)


def test_a_token_that_is_refused_and_stays_the_same_is_not_sent_twice() -> None:
    source = Tokens(ONE)

    async def check(asked: Asked, _clock: HandClock) -> None:
        with pytest.raises(AuthenticationFailed):
            await asked.complete()
        assert shown_keys(asked) == [ONE]
        assert source.fetches == 2

    with_token(source, {ONE: refuses(401)}, check)


def test_two_tokens_in_a_row_that_are_refused_are_enough() -> None:
    source = Tokens(ONE, TWO, THREE)

    async def check(asked: Asked, _clock: HandClock) -> None:
        with pytest.raises(AuthenticationFailed):
            await asked.complete()
        assert shown_keys(asked) == [ONE, TWO]

    with_token(source, dict.fromkeys((ONE, TWO, THREE), refuses(401)), check)


def test_a_source_that_fails_is_told_and_the_next_call_asks_again() -> None:
    source = Tokens(OSError("no route"), ONE)

    async def check(asked: Asked, _clock: HandClock) -> None:
        with pytest.raises(AuthenticationFailed, match="raised OSError") as raised:
            await asked.complete()
        assert isinstance(raised.value.__cause__, OSError)
        await asked.complete()

    with_token(source, {ONE: GOOD}, check)


def test_a_source_that_fails_later_leaves_the_earlier_token_in_use() -> None:
    source = Tokens(ONE, OSError("no route"), TWO)

    async def check(asked: Asked, clock: HandClock) -> None:
        for _ in range(3):
            await asked.complete()
            clock.now_s += 61.0
        assert shown_keys(asked) == [ONE, ONE, TWO]

    with_token(source, {ONE: GOOD, TWO: GOOD}, check)


@pytest.mark.parametrize(("token", "told"), [("", "no token"), (7, "no token but int"), ("a\nb", "line break")])
def test_what_is_no_token_is_told_as_such(token: object, told: str) -> None:
    async def check(asked: Asked, _clock: HandClock) -> None:
        with pytest.raises(AuthenticationFailed, match=told):
            await asked.complete()

    with_token(lambda: token, {}, check)


def test_a_source_may_give_a_secret_and_stand_among_keys() -> None:
    async def check(asked: Asked, _clock: HandClock) -> None:
        for _ in range(2):
            await asked.complete()
        assert shown_keys(asked) == [ONE, TWO]

    with_token([lambda: Secret(ONE), TWO], {ONE: GOOD, TWO: GOOD}, check)


# -- what is built


@pytest.mark.parametrize(
    ("build", "told"),
    [
        (lambda: Keys([]), "the list of keys is empty"),
        (lambda: Keys(ONE), "must be a list of keys"),  # type: ignore[arg-type]
        (lambda: Keys([ONE, ONE]), "listed twice"),
        (lambda: Keys([ONE, 7]), "must be a string, a Secret"),  # type: ignore[list-item]
        (lambda: Keys([ONE], aside_s=0.0), "aside_s must be"),
        (lambda: Keys([ONE], rest_s=-1.0), "rest_s must be"),
        (lambda: TokenSource("sk-not-a-function"), "must be a function"),  # type: ignore[arg-type]
        (lambda: TokenSource(str, reuse_s=1.0), "must be a function"),
        (lambda: TokenSource(Tokens(ONE), reuse_s=0.0), "reuse_s must be"),
    ],
)
def test_a_credential_that_cannot_work_is_refused_when_it_is_built(build: Callable[[], object], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as raised:
        build()
    assert "sk-" not in str(raised.value)


# -- nothing shows a key


def told_by(error: BaseException) -> Iterable[str]:
    """Everything that a log, a debugger or a person may be shown of *error*."""
    seen: set[int] = set()
    chain: list[BaseException | None] = [error]
    while chain:
        each = chain.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield from (str(each), repr(each), repr(each.args), repr(vars(each)))
        chain += [each.__cause__, each.__context__]
    yield "".join(traceback.format_exception(error))


FAILURES: dict[str, Say] = {
    "a refusal that quotes the key": replies({"error": {"message": f"bad key {ONE}, {TWO}"}}, 401),
    "a redirect to the key": replies(b"", 302, Location=f"https://x/?key={ONE}&other={TWO}"),
    "HTML": replies(f"<html>{ONE}</html>".encode(), 500, "text/html"),
    "an error in the stream": streams(frame({"error": {"message": f"who is {ONE}?"}})),
    "garbage": streams(b"data: {" + ONE.encode() + b"\n\n"),
}


@pytest.mark.parametrize("say", FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("key", [ONE, [ONE, TWO], Tokens(ONE)], ids=["one", "two", "token"])
def test_the_key_is_nowhere_in_what_a_failing_call_leaves(
    say: Say, key: object, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[Event] = []

    async def main() -> tuple[CallError, list[str]]:
        async with asking(say, api_key=key, listeners=[heard.append]) as asked:
            with pytest.raises(CallError) as raised:
                await asked.router.complete(question())
            target = asked.target
            told = [repr(part) for part in (target, target.endpoint, target.endpoint.api_key, target.handler, heard)]
            told += [str(asked.router.report()), asked.router.describe(), repr(asked.router.pools())]
            told += [repr(attempt) + str(attempt) for attempt in raised.value.attempts]
            told += [str(decision) for decision in raised.value.decisions]
            return raised.value, told

    with caplog.at_level(logging.DEBUG):
        error, told = asyncio.run(main())
    told += [*told_by(error), caplog.text]
    told += told_by(pickle.loads(pickle.dumps(error)))  # noqa: S301  our own
    assert not [text for text in told if ONE in text or TWO in text]


def test_an_error_of_the_client_library_that_holds_the_headers_is_not_passed_on() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    async def main() -> CallError:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        async with server, asking(GOOD, api_key=ONE, url=url) as asked:
            with pytest.raises(ProviderError, match="does not speak HTTP") as raised:
                await asked.complete()
        return raised.value

    assert not [text for text in told_by(asyncio.run(main())) if ONE in text]


def test_a_secret_is_neither_pickled_nor_compared_in_the_open() -> None:
    for credential in (Keys([ONE, TWO]), TokenSource(Tokens(ONE)), Secret(ONE)):
        assert "number" not in repr(credential)
        assert "number" not in f"{credential}{credential!s}"
    with pytest.raises(TypeError):
        pickle.dumps(Keys([ONE, TWO]))


def test_the_attempt_tells_the_number_of_its_key_and_no_more() -> None:
    attempts: list[Attempt] = []

    async def check(asked: Asked, _clock: HandClock) -> None:
        attempts.append((await asked.complete()).attempts[0])

    with_keys({ONE: GOOD, TWO: GOOD}, check)
    assert attempts[0].key == 1
    assert ONE not in repr(attempts[0])
