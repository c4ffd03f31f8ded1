"""Messages in OpenAI's form as Anthropic's turns: what each part becomes, and what is refused by its place."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from .anthropic_asked import CACHE, PIXEL, REFUSED, USER, body, called, parts, turns
from .anthropic_server import Json


def test_system_and_developer_messages_make_the_system_prompt_wherever_they_stand() -> None:
    said = body(
        [
            {"role": "system", "content": "one"},
            USER,
            {"role": "developer", "content": [{"type": "text", "text": "two", "cache_control": CACHE}]},
            {"role": "system", "content": ""},
        ]
    )
    assert said["system"] == [{"type": "text", "text": "one"}, {"type": "text", "text": "two", "cache_control": CACHE}]
    assert len(said["messages"]) == 1


def test_neighbours_of_one_role_are_one_turn() -> None:
    texts = [{"type": "text", "text": text} for text in "abcd"]
    assert turns(
        {"role": "user", "content": "a"},
        {"role": "user", "content": "b"},
        {"role": "assistant", "content": "c"},
        {"role": "assistant", "content": ""},
        {"role": "user", "content": "d"},
    ) == [("user", texts[:2]), ("assistant", texts[2:3]), ("user", texts[3:])]


def test_a_last_message_of_the_assistant_is_what_the_answer_continues() -> None:
    assert turns(USER, {"role": "assistant", "content": "It is ("})[-1] == (
        "assistant",
        [{"type": "text", "text": "It is ("}],
    )


def test_calls_and_their_results_are_blocks_and_the_results_one_turn_with_what_follows() -> None:
    second = {
        "id": "call.2:0",
        "type": "function",
        "function": {"name": "now", "arguments": ""},
        "cache_control": CACHE,
    }
    calls = {"role": "assistant", "content": "Wait.", "tool_calls": [*called()["tool_calls"], second]}
    assert turns(
        USER,
        calls,
        {"role": "tool", "tool_call_id": "call_1", "content": "rain", "name": "look"},
        {"role": "tool", "tool_call_id": "call.2:0", "content": [{"type": "text", "text": "noon"}], "is_error": True},
        {"role": "tool", "tool_call_id": "call_3", "cache_control": CACHE},
        {"role": "user", "content": "so?"},
    )[1:] == [
        (
            "assistant",
            [
                {"type": "text", "text": "Wait."},
                {"type": "tool_use", "id": "call_1", "name": "look", "input": {"at": 1}},
                {"type": "tool_use", "id": "call_2_0", "name": "now", "input": {}, "cache_control": CACHE},
            ],
        ),
        (
            "user",
            [
                {"type": "tool_result", "tool_use_id": "call_1", "content": "rain"},
                {
                    "type": "tool_result",
                    "tool_use_id": "call_2_0",
                    "content": [{"type": "text", "text": "noon"}],
                    "is_error": True,
                },
                {"type": "tool_result", "tool_use_id": "call_3", "cache_control": CACHE},
                {"type": "text", "text": "so?"},
            ],
        ),
    ]


def test_sealed_thinking_stands_in_front_and_what_it_says_in_the_open_is_left_out() -> None:
    sealed = {"type": "thinking", "thinking": "hm", "signature": "s"}
    message: Json = {
        **called(),
        "thinking_blocks": (sealed,),
        "reasoning_content": "hm",
        "refusal": None,
        "annotations": [],
    }
    assert turns(USER, message)[1][1][0] == sealed


def test_what_an_assistant_refused_to_say_was_said() -> None:
    assert turns(USER, {"role": "assistant", "content": None, "refusal": "No."})[1][1] == [
        {"type": "text", "text": "No."}
    ]
    assert parts({"type": "refusal", "refusal": "No."}) == [{"type": "text", "text": "No."}]


def test_the_cache_control_of_a_message_is_on_its_last_block() -> None:
    ((_, blocks),) = turns(
        {
            "role": "user",
            "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
            "cache_control": CACHE,
        }
    )
    assert blocks == [{"type": "text", "text": "a"}, {"type": "text", "text": "b", "cache_control": CACHE}]


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("https://x/y.png", {"type": "url", "url": "https://x/y.png"}),
        ("HTTP://x/y.png", {"type": "url", "url": "HTTP://x/y.png"}),
        (f"data:image/png;base64,{PIXEL}", {"type": "base64", "media_type": "image/png", "data": PIXEL}),
        (f"data:image/JPG;name=a;base64,{PIXEL}", {"type": "base64", "media_type": "image/jpeg", "data": PIXEL}),
    ],
)
def test_images_are_sources(url: str, source: dict[str, str]) -> None:
    image = {"type": "image", "source": source}
    assert parts({"type": "image_url", "image_url": {"url": url, "detail": "high"}}) == [image]
    assert parts({"type": "image_url", "image_url": url, "cache_control": CACHE}) == [{**image, "cache_control": CACHE}]


def test_files_are_documents() -> None:
    file = {"file_data": f"data:application/pdf;base64,{PIXEL}", "filename": "a.pdf"}
    source = {"type": "base64", "media_type": "application/pdf", "data": PIXEL}
    assert parts({"type": "file", "file": file}, {"type": "file", "file": {"file_id": "file_1"}}) == [
        {"type": "document", "source": source, "title": "a.pdf"},
        {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
    ]


def test_blocks_of_anthropics_own_go_out_as_they_are() -> None:
    own = {"type": "search_result", "source": "x", "title": "t", "content": [{"type": "text", "text": "a"}]}
    assert parts(own, MappingProxyType({"type": "text", "text": "b"})) == [own, {"type": "text", "text": "b"}]


REFUSED_MESSAGES: list[tuple[list[Json], str]] = [
    ([{"role": "system", "content": "only"}], "nothing to answer"),
    ([{"role": "function", "content": "x"}], r"messages\[0\]\.role"),
    ([{**USER, "name": "Ann"}], r"messages\[0\]\.name"),
    ([USER, {"role": "assistant", "content": "x", "audio": {"id": "a"}}], r"messages\[1\]\.audio"),
    ([USER, {"role": "assistant", "content": "x", "reasoning_content": "hm"}], "thinking_blocks, or not at all"),
    ([{"role": "system", "content": [{"type": "image", "source": {}}]}], "text alone"),
    ([{"role": "user", "content": 3}], r"messages\[0\]\.content"),
    ([{"role": "user", "content": ["hi"]}], r"content\[0\]"),
    ([{"role": "user", "content": [{"type": "input_audio"}]}], "input_audio"),
    ([{"role": "user", "content": [{"text": "hi"}]}], "type None"),
    ([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "gs://x"}}]}], r"image_url\.url"),
    ([{"role": "user", "content": [{"type": "image_url", "image_url": "data:image/bmp;base64,x"}]}], "image/png"),
    (
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x", "detail": "low"}}]}],
        "detail",
    ),
    ([{"role": "user", "content": [{"type": "file", "file": {"file_data": "data:a/b;base64,x"}}]}], "file_data"),
    ([USER, called(type="custom")], r"tool_calls\[0\]\.type"),
    ([USER, called(id=None)], r"tool_calls\[0\]\.id"),
    ([USER, called(function={"name": "f", "arguments": "{half"})], r"function\.arguments"),
    ([USER, called(function={"name": "f", "arguments": "[1]"})], r"function\.arguments"),
    ([USER, called(function={"name": "f", "arguments": '"\ud800"'})], r"function\.arguments"),
    ([USER, {"role": "tool", "content": "x"}], "tool_call_id"),
]


@pytest.mark.parametrize(("messages", "told"), REFUSED_MESSAGES)
def test_a_message_that_cannot_be_sent_is_refused_by_its_place(messages: list[Json], told: str) -> None:
    with pytest.raises(REFUSED, match=told):
        body(messages)


def test_a_refusal_never_quotes_what_it_refuses() -> None:
    for content in ("data:text/html;base64,SECRET", "ftp://SECRET"):
        with pytest.raises(REFUSED) as refused:
            parts({"type": "image_url", "image_url": content})
        assert "SECRET" not in str(refused.value)
    with pytest.raises(REFUSED) as refused:
        turns(USER, called(function={"name": "f", "arguments": "SECRET"}))
    assert "SECRET" not in f"{refused.value!r}{refused.value.__cause__!r}{refused.value.__context__!r}"
