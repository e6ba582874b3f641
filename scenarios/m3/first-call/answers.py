"""Reference programs, the starters, and plausible mistakes that the checks must reject."""

from __future__ import annotations

from collections.abc import Mapping

from agentlab.labs import CodeAnswer

_STARTER = '''\
def request(model, key, conversation):
    """The conversation as one HTTP request.

    conversation["instructions"]  what the model is told
    conversation["turns"]         a list of {{"role": "user" or "assistant", "text": …}}
    conversation["limit"]         how many tokens the answer may have
    """
    return {{
        "path": "{path}",
        "headers": {{}},
        "body": {{"model": model}},
    }}


def read(answer):
    """What an answer says. `answer` is its JSON, as Python data."""
    return {{"text": "", "input_tokens": 0, "output_tokens": 0}}
'''


def starter(path: str) -> CodeAnswer:
    """Both functions, with nothing in them but the path."""
    return CodeAnswer(code=_STARTER.format(path=path))


_CHAT = """\
def request(model, key, conversation):
    turns = [{"role": "system", "content": conversation["instructions"]}]
    for turn in conversation["turns"]:
        turns.append({"role": turn["role"], "content": turn["text"]})
    return {
        "path": "/v1/chat/completions",
        "headers": {"authorization": f"Bearer {key}"},
        "body": {
            "model": model,
            "messages": turns,
            "max_completion_tokens": conversation["limit"],
        },
    }


def read(answer):
    return {
        "text": answer["choices"][0]["message"]["content"],
        "input_tokens": answer["usage"]["prompt_tokens"],
        "output_tokens": answer["usage"]["completion_tokens"],
    }
"""

_RESPONSES = """\
def request(model, key, conversation):
    items = []
    for turn in conversation["turns"]:
        items.append({"type": "message", "role": turn["role"], "content": turn["text"]})
    return {
        "path": "/v1/responses",
        "headers": {"authorization": f"Bearer {key}"},
        "body": {
            "model": model,
            "instructions": conversation["instructions"],
            "input": items,
            "max_output_tokens": conversation["limit"],
        },
    }


def read(answer):
    text = ""
    for item in answer["output"]:
        if item["type"] == "message":
            for part in item["content"]:
                if part["type"] == "output_text":
                    text += part["text"]
    return {
        "text": text,
        "input_tokens": answer["usage"]["input_tokens"],
        "output_tokens": answer["usage"]["output_tokens"],
    }
"""

_MESSAGES = """\
def request(model, key, conversation):
    turns = []
    for turn in conversation["turns"]:
        turns.append({"role": turn["role"], "content": turn["text"]})
    return {
        "path": "/v1/messages",
        "headers": {"x-api-key": key, "anthropic-version": "2023-06-01"},
        "body": {
            "model": model,
            "system": conversation["instructions"],
            "messages": turns,
            "max_tokens": conversation["limit"],
        },
    }


def read(answer):
    usage = answer["usage"]
    cached = usage.get("cache_read_input_tokens") or 0
    written = usage.get("cache_creation_input_tokens") or 0
    text = "".join(part["text"] for part in answer["content"] if part["type"] == "text")
    return {
        "text": text,
        "input_tokens": usage["input_tokens"] + cached + written,
        "output_tokens": usage["output_tokens"],
    }
"""

CHAT = CodeAnswer(code=_CHAT)
RESPONSES = CodeAnswer(code=_RESPONSES)
MESSAGES = CodeAnswer(code=_MESSAGES)

_MADE_UP = """

def read(answer):
    return {"text": "Hello! How can I help you?", "input_tokens": 26, "output_tokens": 8}
"""
_NEVER_ASKS = """
def request(model, key, conversation):
    return "I would rather not."


def read(answer):
    return {"text": "Hello!", "input_tokens": 26, "output_tokens": 8}
"""


def _changed(code: str, old: str, new: str) -> CodeAnswer:
    assert old in code
    return CodeAnswer(code=code.replace(old, new))


def _common(code: str, other_key: tuple[str, str]) -> dict[str, CodeAnswer]:
    """Mistakes one can make with any of the protocols."""
    return {
        "forgets-what-was-said": _changed(
            code, 'conversation["turns"]:', 'conversation["turns"][-1:]:'
        ),
        "makes-everyone-the-user": _changed(code, 'turn["role"]', '"user"'),
        "does-not-bound-the-answer": _changed(code, 'conversation["limit"]', "40"),
        "has-another-key": _changed(code, *other_key),
        "makes-the-answer-up": CodeAnswer(code=code + _MADE_UP),
        "never-asks": CodeAnswer(code=_NEVER_ASKS),
    }


_BEARER = ("{key}", "sk-mine")

CHAT_WRONG: Mapping[str, CodeAnswer] = {
    **_common(_CHAT, _BEARER),
    "leaves-the-instructions-out": _changed(
        _CHAT, '{"role": "system", "content": conversation["instructions"]}', ""
    ),
    "counts-the-answer-twice": _changed(_CHAT, '"prompt_tokens"', '"total_tokens"'),
}
RESPONSES_WRONG: Mapping[str, CodeAnswer] = {
    **_common(_RESPONSES, _BEARER),
    "speaks-chat-completions": _changed(_RESPONSES, '"input":', '"messages":'),
    "bounds-it-as-in-chat": _changed(_RESPONSES, "max_output_tokens", "max_completion_tokens"),
    "sends-a-chat-there": CodeAnswer(code=_CHAT.replace("chat/completions", "responses")),
    "calls-at-the-wrong-door": CodeAnswer(code=_CHAT),
}
MESSAGES_WRONG: Mapping[str, CodeAnswer] = {
    **_common(_MESSAGES, ('"x-api-key": key', '"x-api-key": "sk-mine"')),
    "instructs-in-a-turn": _changed(
        _changed(_MESSAGES, '            "system": conversation["instructions"],\n', "").code,
        "turns = []",
        'turns = [{"role": "system", "content": conversation["instructions"]}]',
    ),
    "carries-the-key-as-openai-does": _changed(
        _MESSAGES, '"x-api-key": key', '"authorization": f"Bearer {key}"'
    ),
    "names-no-version": _changed(_MESSAGES, ', "anthropic-version": "2023-06-01"', ""),
    "forgets-the-cache": _changed(_MESSAGES, " + cached + written", ""),
}
