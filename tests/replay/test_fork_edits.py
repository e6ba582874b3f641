"""What may be put in place of an event where a run is forked, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from conversation import call, calls, load
from pydantic import BaseModel
from recordings import WORKED, adding, recorded

from agentlab.agent import sync
from agentlab.backend import Reply, TokenInfo
from agentlab.backends.scripted import Scripted
from agentlab.errors import TraceError
from agentlab.events import MessageAdded, ModelReplied, RunStarted, ToolFinished
from agentlab.messages import Image, Message, Text, ToolResult
from agentlab.replay import edited, fork


@pytest.fixture
def trace(runs) -> Any:
    return recorded(runs)


def forked(trace: Any, **options: Any) -> Any:
    """The fork's own trace, once it has ended."""
    options = {"agent": adding(trace.path.parent), **options}
    return load(sync(fork(trace, **options)).path)


def words(text: str) -> Callable[[Any], Any]:
    """Other words for whatever event it is."""
    return lambda event: edited(event, text)


def test_words_in_place_of_a_start_are_what_was_asked(trace):
    child = forked(trace, at=0, edit=words("Go on."))
    assert child.events[0].messages == (*trace.events[0].messages[:-1], Message.user("Go on."))


def test_words_in_place_of_a_picture_with_words_leave_the_picture():
    picture = Image(media_type="image/png", blob={"sha256": "0" * 64, "size": 1})  # pyright: ignore
    event = RunStarted(messages=(Message.user("What is it?", picture),))
    assert edited(event, "Who is it?") == RunStarted(
        messages=(Message.user("Who is it?", picture),)
    )


def test_words_in_place_of_a_reply_are_its_end(trace):
    child = forked(trace, at=6, edit=words("Enough."))
    assert child.events[6].reply.message == Message.assistant("Enough.")
    assert child.events[6].reply.stop == "end"
    assert child.events[6].reply.usage == trace.events[6].reply.usage


def test_words_in_place_of_an_added_message_keep_whose_they_are(trace):
    talked = forked(trace, at=5, prompt="Wait.")
    child = forked(talked, at=6, edit=words("Hurry."))
    assert child.events[:6] == trace.events[:6]
    assert child.events[6] == MessageAdded(message=Message.user("Hurry."))
    assert isinstance(child.events[7], ModelReplied)


def test_words_in_place_of_a_result_keep_whose_result_it_is(trace):
    child = forked(trace, at=4, edit=words("100"))
    assert child.events[4] == ToolFinished(result=ToolResult(call_id="a", content="100"))
    assert WORKED == [(100, 7)]


@pytest.mark.parametrize("change", ["edit", "tool_result"])
def test_a_result_from_elsewhere_becomes_that_of_this_call(trace, change):
    other = ToolResult(call_id="another", content="no such file", error="tool_error")
    given: Any = ToolFinished(result=other) if change == "edit" else other
    child = forked(trace, at=4, backend=Scripted(["Hm."]), **{change: given})
    assert child.events[4] == ToolFinished(result=other.model_copy(update={"call_id": "a"}))


def test_one_of_two_calls_at_work_gets_a_result_and_the_other_its_own(trace):
    """At 3 both calls have begun: what is given replaces one result of the log, not both."""
    child = forked(trace, at=3, tool_result="100")
    assert child.events[:4] == trace.events[:4]
    results = [e.result for e in child.events[4:6]]
    assert {r.call_id: r.content for r in results} == {"a": "3", "b": "100"}
    assert WORKED == [(3, 100)]


def test_a_changed_reply_has_no_tokens_and_an_unchanged_one_keeps_them(trace):
    token = TokenInfo(id=1, text="x", logprob=-0.5)

    def changed(message: Message) -> Callable[[Any], Any]:
        seen = {"message": message, "token_ids": (1,), "tokens": (token,)}
        return lambda event: ModelReplied(reply=event.reply.model_copy(update=seen))

    child = forked(trace, at=6, edit=changed(calls(call("add", id="x", a=50, b=5))))
    assert (child.events[6].reply.token_ids, child.events[6].reply.tokens) == ((), ())
    child = forked(trace, at=6, edit=changed(trace.events[6].reply.message))
    assert (child.events[6].reply.token_ids, child.events[6].reply.tokens) == ((1,), (token,))


def test_a_start_may_be_another_whole_conversation(trace):
    talk = (Message.system("Add."), Message.user("Hi."), Message.assistant("Hello."))
    child = forked(
        trace, at=0, edit=RunStarted(messages=(*talk, Message.user("Go."))), backend=Scripted(["5"])
    )
    assert child.events[0].messages == (*talk, Message.user("Go."))
    assert child.events[-1].output == "5"


MADE_UP: Any = {"call_id": "a", "content": "", "made_up": 1}


class _Whole(BaseModel):
    number: int


@pytest.mark.parametrize(
    ("at", "edit", "why"),
    [
        (0, RunStarted(messages=()), "a run can't start from an empty conversation"),
        (
            4,
            lambda _: _Whole.model_validate({"number": "a"}),
            "the edited event is not valid: Input should be a valid",
        ),
        (4, lambda e: e.model_copy(), None),
        (
            4,
            lambda _: ToolResult(**MADE_UP),
            r"the edited event is not valid: .*made_up",
        ),
        (
            6,
            ModelReplied(reply=Reply(message=calls(call("add"), call("add")))),
            "an edited reply is the assistant's, and each call has its own id",
        ),
    ],
)
def test_an_edit_that_is_no_event_is_refused_with_the_reason(trace, at, edit, why):
    if why is None:  # an equal event is an edit like any other
        assert forked(trace, at=at, edit=edit).events[: at + 1] == trace.events[: at + 1]
        return
    with pytest.raises(TraceError, match=f"^{why}"):
        forked(trace, at=at, edit=edit)


def test_where_one_can_speak_is_told_by_the_first_few_events(runs):
    steps = [calls(call("add", id=str(n), a=n, b=n)) for n in range(10)]
    trace = recorded(runs, said=[*steps, "done"])
    free = ", ".join(str(3 * n + 3) for n in range(8))
    with pytest.raises(TraceError, match=rf"fork at event {free}$"):
        forked(trace, at=1, prompt="Hm.")


def test_where_nobody_can_ever_speak_is_told_as_well(trace):
    lines = trace.path.read_bytes().splitlines(keepends=True)
    trace.path.write_bytes(b"".join(lines[:4]))  # as far as the start of the first call
    with pytest.raises(TraceError, match=r"fork at an event after which none waits$"):
        forked(load(trace.path), at=1, prompt="Hm.")


def test_only_words_are_edited_as_words():
    assert edited(MessageAdded(message=Message.user("a")), "b") == MessageAdded(
        message=Message(role="user", parts=(Text(text="b"),))
    )
