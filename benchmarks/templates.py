"""What chat templates are read as: format, who tells of the tools, and whether a call comes back.

    python benchmarks/templates.py FOLDER

FOLDER holds Jinja files, for instance `models/templates` of a llama.cpp checkout. For each template
that has to do with tools, a conversation with calls is rendered. `read` says whether the calls that
the template wrote are read back as they were, `kept` whether every word of the history is in the
prompt, `forced` whether the grammar admits those calls and they are read back from its writing.
Ends with 1 if any is not so.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from agentlab.backend import Settings, ToolSpec
from agentlab.backends.llamacpp.channels import parser_for
from agentlab.backends.llamacpp.constraint import constrain
from agentlab.backends.llamacpp.formats import Format
from agentlab.backends.llamacpp.guide import Guide
from agentlab.backends.llamacpp.template import Template
from agentlab.errors import AgentLabError
from agentlab.messages import Message, ToolCall, ToolResult

FIND = ToolSpec(
    name="find_flights",
    description="Find flights.",
    parameters={
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "Where to."},
            "days": {"type": "integer", "description": "How long."},
            "direct": {"type": "boolean", "description": "No change."},
        },
        "required": ["city", "days"],
    },
)
NOW = ToolSpec(name="now", description="Now.", parameters={"type": "object", "properties": {}})
TOOLS = [FIND, NOW]
GIVEN: list[tuple[str, dict[str, object]]] = [
    ("find_flights", {"city": 'say "Rome"\n<b> 5', "days": 3}),
    ("now", {}),
    ("find_flights", {"city": "42", "days": -7, "direct": True}),
]


def read(format: Format, text: str) -> list[tuple[str, object]]:
    """The calls in a reply."""
    parser = parser_for(format, calls=True, tools=TOOLS)
    parser.feed(text.encode())
    parser.finish()
    calls: list[tuple[str, object]] = []
    for call in parser.message.tool_calls:
        try:
            calls.append((call.name, json.loads(call.arguments)))
        except ValueError:
            calls.append((call.name, call.arguments))
    return calls


def admits(grammar: str, text: str) -> bool:
    """Whether this is a whole text of a grammar, byte by byte."""
    guide = Guide([*(bytes([byte]) for byte in range(256)), b""], (), (256,))
    walk = guide.walk(grammar)
    return walk.take_text(text) and walk.complete


def checked(template: Template) -> tuple[bool, bool, bool]:
    """(read, kept, forced)."""
    format = template.format
    given = GIVEN[:1] if format.single else GIVEN
    calls = [
        ToolCall(id=f"call{number:05}", name=name, arguments=json.dumps(arguments))
        for number, (name, arguments) in enumerate(given, 1)
    ]
    results = Message.results(
        [ToolResult(call_id=call.id, content=f"result-{call.id}") for call in calls]
    )
    asked = [Message.user("the-question")]
    history = [*asked, Message.assistant("the-words", *calls), results, Message.user("and-more")]
    told = template.render(history, TOOLS, str)
    kept = all(word in told for word in ("the-question", "the-words", "and-more"))
    # ids may have to be others, so results are known by their beginning
    kept = kept and told.count("result-") >= len(calls)
    written = template.render([*asked, Message.assistant(*calls), results], TOOLS, str)
    turn = written[written.rindex("the-question") :]
    end = turn.find("<|call|>") if format.style == "harmony" else -1
    turn = turn[turn.find(format.trigger) : end if end > 0 else None]
    expected: list[tuple[str, object]] = [(name, arguments) for name, arguments in given]
    constraint = constrain(format, TOOLS, Settings(tool_choice="required"), None)
    grammar = constraint.grammar if constraint is not None else None
    own = format.write(calls)
    forced = grammar is not None and admits(grammar, own) and read(format, own) == expected
    return read(format, turn) == expected, kept, forced


def main() -> int:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path, nargs="?")
    arguments.add_argument("--all", action="store_true", help="also templates without tools")
    options = arguments.parse_args()
    if options.folder is None:
        print("nothing to look at: name a folder of chat templates")
        return 0
    files = sorted(options.folder.glob("*.jinja"))
    if not files:
        print(f"{options.folder} holds no .jinja files: name a folder of chat templates")
        return 2
    print(f"{'template':52} {'format':22} {'read':5} {'kept':5} {'forced':6} tools told by")
    native = own = wrong = 0
    for file in files:
        try:
            template = Template(file.read_text(encoding="utf-8"), bos="<s>", eos="</s>")
            found = checked(template)
        except (AgentLabError, OSError, ValueError) as error:
            print(f"{file.stem[:52]:52} {error}")
            wrong += 1
            continue
        is_native = template.has_tools or template.writes_calls
        if not is_native and not options.all and "tools" not in file.read_text(encoding="utf-8"):
            continue
        native, own = native + is_native, own + (not is_native)
        wrong += not all(found)
        marks = [" yes " if held else " NO  " for held in found]
        name = " ".join(template.format.name.split())[:22]
        print(f"{file.stem[:52]:52} {name:22} {' '.join(marks)}  {template.told_by}")
    print(f"\n{native} in their own format, {own} with our section; {wrong} not right")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
