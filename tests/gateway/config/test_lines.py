"""On which line something stands."""

from __future__ import annotations

from paceline.gateway.config.lines import Lines

TEXT = """\
top = 1
dotted.key = 2

[gateway]  # the program
port = 80
text = \"\"\"
fake = 1
[fake]
\"\"\"
"quoted key" = 3

[[endpoint]]
name = "a"
profile = {
  ttft_ms = 3 }
[endpoint.limits]
gap_s = 1

  [[endpoint]]
  name = "b"
  [[endpoint.list]]
  x = 1
  [[endpoint.list]]
  x = 2

[policies.'rtt']
a.b = 1
"""


def test_keys_and_tables_are_found() -> None:
    lines = Lines(TEXT)

    assert lines.of(("top",)) == 1
    assert lines.of(("dotted", "key")) == 2
    assert lines.of(("gateway",)) == 4
    assert lines.of(("gateway", "port")) == 5
    assert lines.of(("gateway", "quoted key")) == 10
    assert lines.of(("policies", "rtt", "a", "b")) == 27


def test_tables_in_lists_are_told_apart() -> None:
    lines = Lines(TEXT)

    assert lines.of(("endpoint", 0)) == 12
    assert lines.of(("endpoint", 0, "limits", "gap_s")) == 17
    assert lines.of(("endpoint", 1)) == 19
    assert lines.of(("endpoint", 1, "name")) == 20
    assert [lines.of(("endpoint", 1, "list", place, "x")) for place in (0, 1)] == [22, 24]


def test_what_stands_within_a_line_is_told_by_the_line_it_begins_on() -> None:
    assert Lines(TEXT).of(("endpoint", 0, "profile", "ttft_ms", "deeper")) == 14


def test_what_is_nowhere_has_no_line() -> None:
    assert Lines(TEXT).of(("nowhere",)) is None
    assert Lines(TEXT).of(()) is None


def test_what_only_looks_like_a_key_is_none() -> None:
    assert Lines(TEXT).of(("fake",)) is None
    assert Lines(TEXT).of(("gateway", "fake")) == 4
