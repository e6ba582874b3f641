"""A message is encoded once for as long as it lives, and never taken for another."""

from __future__ import annotations

from agentlab.backend import Settings, ToolSpec
from agentlab.backends.encoded import Encoded
from agentlab.backends.heads import Heads
from agentlab.messages import Message


def test_a_message_is_encoded_once() -> None:
    asked: list[Message] = []

    def encode(message: Message) -> bytes:
        asked.append(message)
        return message.text.encode()

    encoded = Encoded(encode)
    message = Message.user("hello")
    assert [encoded(message), encoded(message)] == [b"hello", b"hello"]
    assert asked == [message]


def test_it_is_forgotten_with_the_message() -> None:
    encoded = Encoded(lambda message: message.text.encode())
    kept = Message.user("kept")
    encoded(kept)
    for number in range(1000):
        # addresses of dead messages are used again, so a mix-up would show
        assert encoded(Message.user(str(number))) == str(number).encode()
    assert len(encoded) == 1
    assert encoded(kept) == b"kept"


def test_heads_are_made_once_for_each_combination() -> None:
    made: list[object] = []

    def make(*combination: object) -> bytes:
        made.append(combination)
        return str(len(made)).encode()

    heads = Heads(make)
    tool = ToolSpec(name="t", description="", parameters={})
    hot = Settings(temperature=1)
    first = heads([tool], hot, None, None)
    assert heads((tool,), Settings(temperature=1), None, None) == first
    others = [
        heads([], hot, None, None),
        heads([tool], Settings(), None, None),
        heads([tool], hot, {}, None),
        heads([tool], hot, None, "tool"),
    ]
    assert len({first, *others}) == 5


def test_heads_of_tools_that_are_gone_are_not_mixed_up() -> None:
    heads = Heads(lambda tools, *_: tools[0].name.encode())
    for number in range(1000):
        tool = ToolSpec(name=str(number), description="", parameters={})
        assert heads([tool], Settings(), None, None) == str(number).encode()
