"""What a newcomer writes works, or says in one line what was expected."""

from __future__ import annotations

import asyncio
import copy
import functools
import gc
import json
import pickle
import threading
import warnings
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from agentlab import (
    Agent,
    Decision,
    Image,
    Limits,
    Message,
    Policy,
    Settings,
    Tool,
    ToolCall,
    ToolContext,
    Trace,
    connect,
    live,
    tool,
)
from agentlab.backends.scripted import Scripted
from agentlab.errors import ConfigError, Refused, TraceError
from agentlab.replay import fork


def call(name: str, /, **arguments: object) -> Message:
    return Message.assistant(ToolCall(id="c1", name=name, arguments=json.dumps(arguments)))


def area(width: float, height: float) -> float:
    """The area of a rectangle.

    Args:
        width: in metres.
    """
    return width * height


@tool(timeout=7, ask=True)
def look(name: str) -> str:
    """Look a name up."""
    return f"found {name}"


def logged(function: Callable[..., Awaitable[str]]) -> Callable[..., Awaitable[str]]:
    @functools.wraps(function)
    def inner(*args: object, **kwargs: object) -> Awaitable[str]:
        return function(*args, **kwargs)

    return inner


@tool
@logged
async def wrapped(name: str, context: ToolContext) -> str:
    """Look a name up, later."""
    await asyncio.sleep(0)
    print("looking")
    return f"found {name} for {context.deps}"


def agent(**given: object) -> Agent[str]:
    given = {"runs": None, **given}
    return Agent(backend=Scripted(["hello"]), **given)  # pyright: ignore[reportArgumentType]


def test_a_backend_may_be_given_by_its_name(monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr(
        "agentlab.backends.connect", lambda name: asked.append(name) or Scripted([])
    )
    assert isinstance(Agent(backend="local:smollm2").backend, Scripted)
    assert asked == ["local:smollm2"]


@pytest.mark.parametrize("tools", [[area], (area,), area, [look], look])
def test_tools_may_be_functions_and_alone(tools):
    (made,) = agent(tools=tools).tools
    assert made.spec.parameters["required"] == (
        ["width", "height"] if made.name == "area" else ["name"]
    )


def test_tools_may_come_from_an_iterator():
    assert [made.name for made in agent(tools=iter([area, look])).tools] == ["area", "look"]


def test_a_plain_function_is_called_as_a_tool():
    backend = Scripted([call("area", width=3, height=4), "12"])
    assert Agent(backend=backend, tools=area, runs=None).run_sync("?").output == "12"


def test_plain_values_become_those_of_an_agent():
    made = agent(settings={"temperature": 0}, limits={"steps": 3}, approval="ask", handoffs="desk")
    assert (made.settings, made.limits) == (Settings(temperature=0), Limits(steps=3))
    assert made.approval == Policy(otherwise="ask")
    assert made.handoffs == ("desk",)
    assert agent(approval={"deny": ("x",)}).approval == Policy(deny=("x",))
    assert made.with_(settings={"seed": 1}).settings == Settings(seed=1)


async def _asks(_call: ToolCall) -> str:
    return "allow"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"tools": ["calculator"]}, r"tools takes functions.*; 'calculator' is str$"),
        ({"tools": None}, "tools takes functions.*, not None$"),
        ({"tools": [agent()]}, r"agent\.as_tool\(\)"),
        ({"settings": 3}, r"settings takes Settings\(temperature=0\) or a mapping.*; 3 is int$"),
        ({"settings": {"temprature": 0}}, "did you mean 'temperature'"),
        ({"limits": 5}, r"limits takes Limits\(steps=5\)"),
        (
            {"approval": "maybe"},
            "approval takes a Policy, a function, or allow, ask or deny; 'maybe'",
        ),
        ({"approval": _asks}, "can't be async.*approver"),
        ({"examples": ["hello"]}, r"examples takes messages, such as Message\.user"),
        ({"handoffs": [3]}, "handoffs takes agents or their names"),
        ({"instructions": None}, "instructions takes a text"),
        ({"name": 3}, "name takes a text"),
        ({"tool": [area]}, "Agent has no field 'tool': did you mean 'tools'"),
        ({"approval": {"ask": "buy"}}, "Policy, ask: it takes several: write a list$"),
        ({"output_type": {"a": int}}, "output_type takes a type, such as a class.* is dict$"),
        ({"output_type": "Answer"}, "output_type takes a type.*; 'Answer' is str$"),
        ({"output_type": Limits()}, "output_type takes a type.* is Limits$"),
        ({"output_type": None}, "output_type takes a type.*, not None$"),
        ({"runs": 5}, "runs takes a folder, or None to keep nothing; 5 is int$"),
        ({"runs": False}, "runs takes a folder, or None to keep nothing; False is bool$"),
        ({"tools": [agent().as_tool]}, r"agent\.as_tool\(\)"),
        ({"output_type": lambda x: x}, "output_type takes a type.* is function$"),
        ({"output_type": len}, "output_type takes a type.* is builtin_function_or_method$"),
        ({"repairs": -1}, "repairs takes a number from 0 up, and -1 is none$"),
        ({"repairs": True}, "repairs takes a number from 0 up, and True is none$"),
        ({"approval": lambda: "ask"}, r"approval takes a function of one argument.* takes \(\)$"),
        ({"model": "local:agent"}, "Agent has no field 'model': write backend=…$"),
        ({"system_prompt": "x"}, "'system_prompt': write instructions=…$"),
        ({"temperature": 0}, r"'temperature': write settings=\{'temperature': …\}$"),
        ({"steps": 3}, r"'steps': write limits=\{'steps': …\}$"),
        ({"response_model": int}, "write output_type=…$"),
    ],
)
def test_what_makes_no_agent_is_told_in_one_line_when_it_is_made(given, says):
    with pytest.raises(Refused, match=says) as refused:
        agent(**given)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("make", "given", "says"),
    [
        (Agent, Scripted([]), "Agent takes its values by name: backend, name, "),
        (Policy, "buy", "Policy takes its values by name: ask, deny, allow, otherwise$"),
        (Limits, 5, "Limits takes its values by name: steps, "),
        (Image, "photo.png", "Image takes its values by name: media_type, blob$"),
        (Message.user, 5, r"Message.user takes texts, and parts.*; 5 is int$"),
        (Message.assistant, ["a"], r"Message.assistant takes texts.* is list$"),
    ],
)
def test_values_without_names_are_told_the_names(make, given, says):
    with pytest.raises(Refused, match=says) as refused:
        make(given)
    assert "\n" not in str(refused.value)


def test_the_arguments_of_a_call_may_be_written_as_a_mapping():
    arguments: Any = {"width": 2, "height": 3.5}
    made = ToolCall(id="1", name="area", arguments=arguments)
    assert made.arguments == '{"width":2,"height":3.5}'
    assert ToolCall.model_validate_json(made.model_dump_json()) == made


@pytest.mark.parametrize("said", [Policy(deny=("aera",)), Policy(ask=("x", "aerea"))])
def test_a_policy_that_misspells_a_tool_warns(said):
    with pytest.warns(RuntimeWarning, match="its approval names 'ae.*did you mean 'area'") as told:
        agent(tools=[area], approval=said)
    assert told[0].filename == __file__


@pytest.mark.parametrize(
    "said", [Policy(deny=("delete_*",)), Policy(ask=("area",), deny=("aera",)), Policy(ask=("x",))]
)
def test_a_policy_that_names_others_tools_does_not(said, recwarn):
    agent(tools=[area], approval=said)
    assert not recwarn.list


@pytest.mark.parametrize("given", [None, 5, ["run"]])
def test_what_cannot_be_resumed_is_told(given):
    with pytest.raises(Refused, match="resume takes the result of a run, its trace or its path"):
        agent().resume(given)


def test_a_path_may_be_a_text(runs):
    result = agent(runs=runs).run_sync("hi", workspace=str(runs))
    assert Trace.load(str(result.path)).header.run == result.run
    with pytest.raises(TraceError, match=r"^/: Is a directory$"):
        Trace.load("/")


async def test_a_workspace_that_is_a_text_reaches_tools_as_a_path(runs):
    def where(context: ToolContext) -> str:
        """Where it is."""
        return type(context.workspace).__name__

    asks = Message.assistant(ToolCall(id="1", name="where", arguments="{}"))
    asked = Agent(backend=Scripted([asks, "there"]), tools=[where], runs=None)
    result = await asked.run("?", workspace="/tmp")
    assert "Path" in str(result.messages[2].parts)


def test_labels_that_are_no_mapping_are_refused():
    with pytest.raises(Refused, match=r"labels takes a mapping.*; \['a'\] is list$"):
        agent().run_sync("hi", labels=["a"])


@pytest.mark.parametrize("given", [None, 3, connect, object()])
def test_what_is_no_backend_is_told_when_the_agent_is_made(given):
    with pytest.raises(Refused, match="backend takes a model"):
        Agent(backend=given, runs=None)


def test_a_history_that_is_no_messages_is_told_before_the_run():
    with pytest.raises(Refused, match=r"history takes messages.*Message\.user\('hello'\)"):
        agent().run("hi", history=["hello"])  # pyright: ignore[reportArgumentType]
    with pytest.raises(Refused, match="history takes messages"):
        agent().run("hi", history="hello")  # pyright: ignore[reportArgumentType]
    with pytest.raises(Refused, match="what the user says"):
        agent().run(None)  # pyright: ignore[reportArgumentType]
    messages = agent().run_sync("hi").messages
    assert agent().run_sync("and?", history=messages).messages[:2] == messages


@pytest.mark.parametrize("name", [None, 3])
def test_connect_says_what_it_takes(name):
    with pytest.raises(ConfigError, match=r"connect takes a model's name, e\.g\. 'local:smollm2'"):
        connect(name)


def test_a_decision_may_be_its_verdict(runs):
    asking = Agent(
        backend=Scripted([call("area", width=3, height=4), "12"]),
        tools=area,
        approval="ask",
        runs=runs,
    )
    paused = asking.run_sync("?")
    assert paused.path is not None
    trace = Trace.load(paused.path)
    waits = paused.messages[-1].tool_calls[0].id
    with pytest.raises(
        Refused, match=f"decision on {waits} must be allow, deny or a Decision; 'yes'"
    ):
        asking.resume(trace, decisions={waits: "yes"})  # pyright: ignore[reportArgumentType]
    assert asking.resume_sync(trace, decisions={waits: "allow"}).output == "12"


def test_decisions_that_are_no_mapping_are_refused(runs):
    asking = agent(approval="ask", runs=runs)
    with pytest.raises(Refused, match=r"decisions takes a mapping, such as \{call\.id: 'allow'\}"):
        asking.resume(runs / "x.jsonl", decisions=["1"])  # pyright: ignore[reportArgumentType]


async def _says_yes(_call: ToolCall) -> str:
    return "yes"


class _Person:
    async def __call__(self, _call: ToolCall) -> str:
        return "allow"


@pytest.mark.parametrize(
    ("approver", "content"),
    [
        (_asks, "12.0"),
        (_Person(), "12.0"),
        (lambda _call: "allow", "12.0"),
        (functools.partial(_asks), "12.0"),
        (lambda _call: "deny", None),
        (lambda _call: Decision(verdict="deny", reason="Too large."), "Too large."),
        # a plain function may wait for a person: it is not called on the event loop
        (lambda _call: "allow" if threading.current_thread().daemon else "deny", "12.0"),
    ],
)
def test_an_approver_may_be_plain_and_answer_with_a_verdict(approver, content):
    asking = Agent(
        backend=Scripted([call("area", width=3, height=4), "12"]),
        tools=area,
        approval="ask",
        runs=None,
    )
    made: Any = asking.run_sync("?", approver=approver).messages[2].parts[0]
    assert (made.content == content) if content else made.error == "denied"


@pytest.mark.parametrize(
    ("approver", "says"),
    [
        (_says_yes, "the decision on c1 must be allow, deny or a Decision; 'yes' is str"),
        (lambda _call: True, "the decision on c1 must be allow, deny or a Decision; True is bool"),
        (lambda _call: None, "the decision on c1 must be allow, deny or a Decision, not None"),
        ("allow", "approver takes a function of the call that answers allow or deny; 'allow' is"),
    ],
)
def test_an_approver_that_decides_nothing_is_told_and_nothing_is_called(approver, says):
    called: list[str] = []
    asking = Agent(
        backend=Scripted([call("look", name="Ada")]),
        tools=tool(name="look")(lambda: called.append("look")),
        approval="ask",
        runs=None,
    )
    with pytest.raises(Refused, match=says):
        asking.run_sync("?", approver=approver)
    assert not called


@pytest.mark.parametrize("name", ["text", "output", "messages", "outcome", "pending", "usage"])
def test_what_only_a_result_has_is_told_to_who_forgot_to_await(name):
    run = agent().run("hi")
    with pytest.raises(AttributeError, match=rf"no '{name}', its result has: `await agent\.run"):
        getattr(run, name)
    with pytest.raises(AttributeError, match=r"'Run' object has no attribute 'nothing'$"):
        _ = run.nothing  # pyright: ignore[reportAttributeAccessIssue,reportUnknownMemberType,reportUnknownVariableType]
    with pytest.raises(TypeError, match=r"no list of events: .*`async for`, or use run_sync$"):
        list(run)  # pyright: ignore
    assert run.path is None
    assert asyncio.run(run).text == "hello"


async def test_a_run_is_a_coroutine():
    first = asyncio.create_task(agent().run("hi"))
    assert (await first).text == "hello"
    both = await asyncio.gather(agent().run("hi"), agent().run("hi"))
    assert [result.text for result in both] == ["hello", "hello"]
    backend = Scripted(["one two three"], pace=5)
    task = asyncio.create_task(Agent(backend=backend, runs=None).run("hi"))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(backend.requests) == 1


@pytest.mark.parametrize("said", ["ok", Message.assistant("ok")])
def test_a_script_may_be_one_reply(said):
    assert Agent(backend=Scripted(said), runs=None).run_sync("?").text == "ok"


@pytest.mark.parametrize("replies", [[1], 1, None, lambda *_: None, lambda *_: 1])
def test_a_script_that_can_say_nothing_is_told(replies):
    with pytest.raises(ConfigError, match=r"^a script (says texts|is a list)"):
        Agent(backend=Scripted(replies), runs=None).run_sync("?")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("local:agent", r"local:agent has no option 'nctx': did you mean 'n_ctx'\?$"),
        ("openai:m", r"openai:m has no option 'nctx'; there are .*api_key"),
    ],
)
def test_a_misspelt_option_of_a_model_names_the_nearest(name, says):
    with pytest.raises(ConfigError, match=says):
        connect(name, nctx=12, **({} if name.startswith("local") else {"api_key": "x"}))


def test_a_run_that_is_never_run_warns():
    run = [agent().run("hi")]
    with pytest.warns(RuntimeWarning, match=r"never run: `await agent\.run\(….*, or use run_sync$"):
        run.clear()


def test_so_does_one_that_should_go_on_and_a_fork(tmp_path):
    backend = Scripted([call("area", width=3, height=4), "12", "12"])
    asking = Agent(backend=backend, tools=area, approval="ask", runs=tmp_path)
    paused = asking.run_sync("?")
    dropped: list[object] = [asking.resume(paused)]
    with pytest.warns(RuntimeWarning, match=r"`await agent\.resume\(….*, or use resume_sync$"):
        dropped.clear()
    assert paused.path is not None
    dropped = [fork(Trace.load(paused.path), at=1, agent=asking)]
    with pytest.warns(RuntimeWarning, match=r"`await fork\(…\)`, or iterate it with `async for`$"):
        dropped.clear()


def test_a_run_that_was_driven_by_hand_was_run():
    class Wrong(Exception): ...

    thrown, closed = agent().run("hi"), agent().run("hi")
    with pytest.raises(Wrong):
        thrown.throw(Wrong())
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        del thrown
    assert [str(warning.message) for warning in warned] == []
    closed.close()  # which leaves it as it was, never run
    with pytest.warns(RuntimeWarning, match="never run"):
        del closed


async def test_a_run_that_is_over_still_says_where_its_result_is():
    run = agent().run("hi")
    await run
    with pytest.raises(AttributeError, match=r"`await agent\.run\(…\)`, or iterate it with"):
        _ = cast(Any, run).text


def test_so_does_a_run_that_was_to_be_watched():
    dropped: list[object] = [live(agent().run("hi"))]
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        dropped.clear()
        told = [str(warning.message) for warning in warned]
        warned.clear()  # they hold what was dropped, which has a warning of its own
    assert any("'live' was never awaited" in said for said in told)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: tool(tiemout=3), "tool has no option 'tiemout': did you mean 'timeout'"),  # pyright: ignore
        (lambda: tool(area, readonly=True), "tool has no option 'readonly': .*'read_only'"),  # pyright: ignore
        (lambda: tool("area"), "stands over a function, or takes options by name; got 'area'"),  # pyright: ignore
        (lambda: tool(area).with_(desription="x"), "Tool has no field 'desription': .*'descri"),
        (
            lambda: tool(timeout="10")(area),  # pyright: ignore
            "timeout of tool area takes seconds above 0.*'10' is none",
        ),
        (lambda: tool(timeout=0)(area), "timeout of tool area takes seconds above 0"),
        (lambda: tool(max_chars=True)(area), "max_chars of tool area takes a number"),
        (lambda: Tool(nme="x"), "Tool has no field 'nme': did you mean 'name'"),  # pyright: ignore
    ],
)
def test_a_misspelt_option_of_a_tool_is_told_with_the_one_that_was_meant(make, says):
    with pytest.raises(Refused, match=says):
        make()


async def test_a_run_that_was_run_does_not_warn(recwarn):
    await agent().run("hi")
    gc.collect()
    assert not recwarn.list


async def test_an_async_function_under_a_plain_decorator_is_awaited():
    said: list[str] = []
    context = ToolContext(deps="you", emit=said.append)
    result = await wrapped.call(
        ToolCall(id="c", name="wrapped", arguments='{"name":"Ada"}'), context
    )
    assert (result.content, result.error) == ("found Ada for you", None)
    assert "".join(said) == "looking\n"


class Desk:
    def find(self, name: str) -> str:
        """Find it."""
        return f"{name} is here"


@pytest.mark.parametrize(
    "made", [look, tool(area), look.with_(name="seek", timeout=None), wrapped, tool(Desk().find)]
)
async def test_a_tool_can_be_pickled(made):
    again = pickle.loads(pickle.dumps(made))
    for name in ("name", "description", "timeout", "max_chars", "read_only", "ask", "spec"):
        assert getattr(again, name) == getattr(made, name)
    arguments = '{"width":2,"height":3}' if made.name == "area" else '{"name":"Ada"}'
    asked = ToolCall(id="c", name=made.name, arguments=arguments)
    assert await again.call(asked) == await made.call(asked)


def test_a_tool_that_no_other_process_finds_says_why_it_is_not_pickled():
    @tool
    def inner(x: int) -> int:
        return x

    with pytest.raises(pickle.PicklingError, match="define it at the top of a module"):
        pickle.dumps(inner)
    assert copy.deepcopy(inner) is inner
    assert Message.user("x") == copy.deepcopy(Message.user("x"))
