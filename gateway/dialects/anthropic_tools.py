"""Tools and the choice among them: Anthropic's as OpenAI's.

A tool that Anthropic has defined and the client runs (``bash_20250124``, say) stays as it is. One that Anthropic runs
itself is refused: what it finds comes in blocks of its own, for which the way back has no place.
"""

from __future__ import annotations

from .anthropic_fields import Fields, Json, list_at, mistaken, object_at, only, text_at

RUN_BY_THE_CLIENT = ("bash_", "browser_", "computer_", "memory_", "text_editor_")
"""How the types of Anthropic's tools begin that the client itself runs."""

CHOICES = {"auto": "auto", "any": "required", "none": "none"}
OF_A_CHOICE = frozenset(("type", "name", "disable_parallel_tool_use"))


def tools_of(given: object) -> list[Json]:
    """The tools.

    Raises:
        Mistake: one is none, or cannot be had. It says which.
    """
    return [_tool(tool, f"tools.{place}") for place, tool in enumerate(list_at(given, "tools"))]


def choice_of(given: object) -> Json:
    """``tool_choice`` and ``parallel_tool_calls``, as far as *given* says anything of them.

    Raises:
        Mistake: it is no choice.
    """
    choice = object_at(given, "tool_choice")
    only(choice, OF_A_CHOICE, "tool_choice")
    kind = text_at(choice, "type", "tool_choice.type")
    made: Json = {}
    if kind == "tool":
        made["tool_choice"] = {
            "type": "function",
            "function": {"name": text_at(choice, "name", "tool_choice.name")},
        }
    elif kind in CHOICES:
        made["tool_choice"] = CHOICES[kind]
    else:
        mistaken("tool_choice.type", f"Input should be one of {', '.join((*CHOICES, 'tool'))}")
    alone = choice.get("disable_parallel_tool_use", False)
    if not isinstance(alone, bool):
        mistaken("tool_choice.disable_parallel_tool_use", "Input should be a boolean")
    if alone:
        made["parallel_tool_calls"] = False
    return made


def _tool(given: object, path: str) -> Json:
    tool = object_at(given, path)
    kind = tool.get("type", "custom")
    if not isinstance(kind, str):
        mistaken(f"{path}.type", "Input should be a string")
    if kind != "custom":
        if not kind.startswith(RUN_BY_THE_CLIENT):
            mistaken(
                f"{path}.type", f"tools of type {kind!r} are not to be had here: what they find cannot be passed on"
            )
        return dict(tool)
    return _function(tool, path)


def _function(tool: Fields, path: str) -> Json:
    """What else a tool says of itself (``input_examples``, say) stands in its function, where the adapter looks."""
    own = {name: tool[name] for name in tool.keys() - {"type", "input_schema", "cache_control"}}
    text_at(tool, "name", f"{path}.name")
    if "input_schema" not in tool:
        mistaken(f"{path}.input_schema", "Field required")
    object_at(tool["input_schema"], f"{path}.input_schema")
    if "parameters" in own:
        mistaken(f"{path}.parameters", "Extra inputs are not permitted")
    made: Json = {"type": "function", "function": {**own, "parameters": tool["input_schema"]}}
    if "cache_control" in tool:
        made["cache_control"] = tool["cache_control"]
    return made
