"""What may be a label: names as configured, words that are words, and few of them."""

import pytest

from paceline.router.export import labels, names
from paceline.router.export.book import Book
from paceline.router.export.cells import Total
from paceline.router.export.labels import Labels, Versions, Words, finish, server, vendor
from paceline.router.testing import Scripted, endpoint


@pytest.mark.parametrize(
    ("provider", "told"),
    [
        ("openai", "openai"),
        ("azure", "azure.ai.openai"),
        ("Azure-OpenAI", "azure.ai.openai"),
        ("azure_ai", "azure.ai.inference"),
        ("anthropic", "anthropic"),
        ("bedrock", "aws.bedrock"),
        ("gemini", "gcp.gemini"),
        ("vertex", "gcp.vertex_ai"),
        ("mistral", "mistral_ai"),
        ("xai", "x_ai"),
        ("my own", "my_own"),
    ],
)
def test_providers_are_named_as_in_the_conventions(provider: str, told: str) -> None:
    assert vendor(provider) == told


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://api.example.com/v1", ("api.example.com", 443)),
        ("http://10.0.0.7:8000/v1?api-version=1", ("10.0.0.7", 8000)),
        ("http://[::1]:8000", ("::1", 8000)),
        ("https://me:secret@api.example.com/v1#secret", ("api.example.com", 443)),
        ("HTTP://API.example.com", ("api.example.com", 80)),
        ("grpc://api.example.com", ("api.example.com", None)),
        ("https://api.example.com:port", (None, None)),
        ("https://[broken", (None, None)),
        ("nonsense", (None, None)),
        (None, (None, None)),
    ],
)
def test_of_a_url_only_host_and_port_are_told(url: str | None, told: tuple[str | None, int | None]) -> None:
    assert server(url) == told


def test_words_are_told_and_anything_else_is_other() -> None:
    words = Words()

    assert words.word("rate_limited") == "rate_limited"
    assert words.word(None) is None
    for text in ("", "no capacity for jane", "sk-live-1234", "ü", "x" * 41, "a\nb"):
        assert words.word(text) == "other"


def test_only_so_many_words_are_told() -> None:
    words = Words(most=3)

    assert [words.word(f"w{number}") for number in range(5)] == ["w0", "w1", "w2", "other", "other"]
    assert words.word("w1") == "w1"


@pytest.mark.parametrize(
    ("asked", "served", "told"),
    [
        ("gpt-4o", "gpt-4o", "gpt-4o"),
        ("gpt-4o", "gpt-4o-2024-08-06", "gpt-4o-2024-08-06"),
        ("claude-sonnet-4-5", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5-20250929"),
        ("claude-3-5-sonnet-latest", "claude-3-5-sonnet-20241022", "claude-3-5-sonnet-20241022"),
        ("gemini-2.5-flash", "gemini-2.5-flash-preview-05-20", "gemini-2.5-flash-preview-05-20"),
        ("gpt-4o", "gpt-4o-mini", "other"),
        ("gpt-4o", "gpt-4o-the-patient-is-jane", "other"),
        ("gpt-4o", "somebody else's", "other"),
        ("gpt-4o", "", "other"),
        ("gpt-4o", None, None),
    ],
)
def test_a_model_is_told_as_it_was_configured_or_as_a_version_of_that(
    asked: str, served: str | None, told: str | None
) -> None:
    versions = Versions(endpoint("a", Scripted(), model="large", deployment=asked))

    assert versions.name(served) == told
    assert versions.name(served) == told
    assert versions.name("large") == "large"


def test_only_so_many_versions_are_told() -> None:
    versions = Versions(endpoint("a", Scripted()))

    told = [versions.name(f"m-{number}") for number in range(1000, 1100)]

    assert len(set(told)) == labels.MOST_VERSIONS
    assert told[0] == "m-1000"
    assert told[-1] == "other"


def test_reasons_to_finish_are_the_vendors_words() -> None:
    assert [finish(reason) for reason in ("stop", "MAX_TOKENS", "because jane said so")] == [
        "stop",
        "MAX_TOKENS",
        "other",
    ]


def book(most_series: int) -> Book[Total]:
    def make(metric: names.Metric, labels: Labels) -> Total:
        del metric, labels
        return Total()

    return Book(make, most_series)


def test_the_same_labels_are_the_same_series() -> None:
    kept = book(10)

    assert kept.series(names.CALLS, ("chat", "answered", None)) is kept.series(names.CALLS, ("chat", "answered", None))
    assert kept.series(names.CALLS, ("chat", "failed", None)) is not kept.series(names.CALLS, ("nightly", None, None))
    assert kept.page(names.ATTEMPTS) == []


def test_label_sets_beyond_the_cap_are_counted_under_other_and_sums_stay_right() -> None:
    kept = book(2)

    for number in range(100):
        kept.series(names.CALLS_IN_TIME, (f"route {number}",)).add(1)
        kept.series(names.REFUSALS, ("chat", f"reason {number}")).add(1)

    for metric, other in ((names.CALLS_IN_TIME, ("other",)), (names.REFUSALS, ("other", "other"))):
        told = {labels: series.value for labels, series in kept.page(metric)}
        assert len(told) == 3
        assert told[other] == 98
        assert sum(told.values()) == 100


def test_a_port_is_a_number_and_so_left_out_of_other() -> None:
    kept = book(1)
    kept.series(names.CLIENT_DURATION, ("chat", "openai", "m", None, "a.example.com", 443, "here", None))

    kept.series(names.CLIENT_DURATION, ("chat", "openai", "m", None, "b.example.com", 443, "here", None))

    assert kept.page(names.CLIENT_DURATION)[1][0] == (*["other"] * 5, None, *["other"] * 2)
