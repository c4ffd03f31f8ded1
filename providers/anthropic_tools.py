"""Tools and the choice among them: OpenAI's as Anthropic's. Those of Anthropic's own form go out as they are."""

from __future__ import annotations

from .anthropic_parts import Fields, Json, cached, fields_of, list_of, mistaken, refuse, text_of

CHOICES = {"auto": "auto", "none": "none", "required": "any"}
OWN_CHOICES = frozenset(("auto", "any", "tool", "none"))

NO_PARAMETERS: Json = {"type": "object", "properties": {}}
"""The schema of a function that takes none: Anthropic wants one."""

OF_A_FUNCTION = frozenset(("name", "description", "parameters", "strict"))
"""What OpenAI tells of a function; whatever else stands there is Anthropic's own, such as ``input_examples``."""


def tools_of(given: object) -> list[Json]:
    """OpenAI's *given* tools.

    Raises:
        InvalidRequest: one is no tool.
        Unsupported: one cannot be sent. Either says which.
    """
    tools = enumerate(list_of(given, "tools"))
    return [_tool(fields_of(tool, f"tools[{place}]"), f"tools[{place}]") for place, tool in tools]


def choice_of(given: object, parallel: object, *, has_tools: bool) -> Json | None:
    """OpenAI's ``tool_choice`` and ``parallel_tool_calls`` in one; None to leave it to Anthropic.

    Raises:
        InvalidRequest: it is no choice.
        Unsupported: it cannot be sent.
    """
    choice = None if given is None else _choice(given)
    if parallel is not False or not has_tools:
        return choice
    choice = choice or {"type": "auto"}
    return choice if choice["type"] == "none" else {**choice, "disable_parallel_tool_use": True}


def _tool(tool: Fields, where: str) -> Json:
    if tool.get("type") == "custom" and "custom" in tool:
        refuse(where, "it knows no custom tools of OpenAI's: make it a function")
    if tool.get("type") != "function":
        return dict(tool)
    function = fields_of(tool.get("function"), f"{where}.function")
    schema = function.get("parameters")
    made: Json = {
        "name": text_of(function.get("name"), f"{where}.function.name"),
        "input_schema": NO_PARAMETERS if schema is None else fields_of(schema, f"{where}.function.parameters"),
    }
    for name in ("description", "strict"):
        if function.get(name) is not None:
            made[name] = function[name]
    own = {name: function[name] for name in function.keys() - OF_A_FUNCTION}
    return cached({**made, **own}, tool)


def _choice(given: object) -> Json:
    if isinstance(given, str):
        if given not in CHOICES:
            mistaken("tool_choice", f"it must be one of {', '.join(CHOICES)}, or name a function")
        return {"type": CHOICES[given]}
    choice = fields_of(given, "tool_choice")
    if choice.get("type") == "function":
        function = fields_of(choice.get("function"), "tool_choice.function")
        return {"type": "tool", "name": text_of(function.get("name"), "tool_choice.function.name")}
    if choice.get("type") not in OWN_CHOICES:
        refuse(
            "tool_choice", f"it has no choice of type {choice.get('type')!r}: name one function, or give fewer tools"
        )
    return dict(choice)
