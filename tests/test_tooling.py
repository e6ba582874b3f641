"""Any typed function becomes a tool; whatever a model or a tool gets wrong comes back as data."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import enum
import functools
import io
import itertools
import json
import sys
import threading
from array import array
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict

import pytest
from conversation import call
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, Field

import agentlab.tooling.tools
from agentlab.errors import ConfigError, Refused, ToolError
from agentlab.messages import ToolCall
from agentlab.tooling import Tool, ToolContext, as_text, tool

if TYPE_CHECKING:
    from fractions import Fraction


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Point(BaseModel):
    x: float
    y: float = 0.0


@dataclasses.dataclass
class Box:
    corner: Point
    color: Color = Color.RED


class Row(TypedDict):
    a: int


def properties(made: Tool[Any]) -> dict[str, Any]:
    return made.spec.parameters["properties"]


async def answer(made: Tool[Any], **arguments: Any) -> str:
    result = await made.call(call(made.name, **arguments))
    assert result.error is None, result.content
    return result.content


# What the model is shown


def test_name_description_and_parameters_come_from_the_function():
    @tool
    def weather(city: str, unit: Literal["C", "F"] = "C") -> str:
        """The weather in a city.

        It is measured, not guessed.

        Args:
            city: the city's name.
            unit: degrees Celsius
                or Fahrenheit.

        Returns:
            Words.
        """
        return city + unit

    assert weather.name == "weather"
    assert weather.description == "The weather in a city.\n\nIt is measured, not guessed."
    assert weather.spec.parameters == {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "the city's name."},
            "unit": {
                "type": "string",
                "enum": ["C", "F"],
                "default": "C",
                "description": "degrees Celsius\nor Fahrenheit.",
            },
        },
        "required": ["city"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    "docstring",
    [
        "Adds.\n\n:param a: the first.\n",
        "Adds.\n\nArgs:\n    a (int): the first.\n",
        "Adds.\n\nParameters\n----------\na : int\n    the first.\n",
    ],
)
def test_three_styles_of_docstring_are_read(docstring):
    def add(a: int) -> int:
        return a

    add.__doc__ = docstring
    made = tool(add)
    assert made.description == "Adds."
    assert properties(made)["a"]["description"] == "the first."


def test_constraints_and_descriptions_in_annotations_hold_over_the_docstring():
    @tool
    def pick(n: Annotated[int, Field(ge=1, le=9, description="a digit")] = 3) -> int:
        """Pick.

        Args:
            n: not shown.
        """
        return n

    assert properties(pick)["n"] == {
        "type": "integer", "minimum": 1, "maximum": 9, "description": "a digit", "default": 3,
    }  # fmt: skip


async def test_a_field_may_stand_as_the_default():
    @tool
    def pick(n: int = Field(5, ge=1), m: int = Field(ge=0)) -> int:
        return n + m

    assert pick.spec.parameters["required"] == ["m"]
    assert properties(pick)["n"] == {"type": "integer", "minimum": 1, "default": 5}
    assert await answer(pick, m=1) == "6"
    assert (await pick.call(call("pick", n=0, m=1))).error == "bad_arguments"


def test_the_schema_is_small_and_the_same_every_time():
    def draw(title: str, box: Box, default: dict[str, int] = {"title": 1}) -> None:  # noqa: B006
        """Draw."""

    first, second = tool(draw).spec, tool(draw).spec
    assert first.model_dump_json() == second.model_dump_json()
    assert list(properties(tool(draw))) == ["title", "box", "default"]
    assert '"title":"' not in first.model_dump_json().replace(" ", "")
    assert properties(tool(draw))["default"]["default"] == {"title": 1}


def test_a_default_that_json_cannot_hold_is_left_out_of_the_schema():
    marker = object()

    @tool
    def f(x: Annotated[str, Field()] = marker) -> str:  # type: ignore[assignment]
        return repr(x is marker)

    assert "default" not in properties(f)["x"]
    assert f.spec.parameters.get("required") is None


# What the function is given


async def test_values_arrive_as_the_types_the_function_asks_for():
    @tool
    def check(
        box: Box,
        when: date,
        price: Decimal,
        raw: bytes,
        color: Color,
        numbers: list[int] | None = None,
        either: int | str = 0,
        path: Path = Path(),
    ) -> list[str]:
        return [type(v).__name__ for v in (
            box, box.corner, when, price, raw, color, numbers, either, path,
        )]  # fmt: skip

    names = await answer(
        check,
        box={"corner": {"x": 1}}, when="2026-11-24", price="0.1", raw="hi", color="blue",
        either="x",
    )  # fmt: skip
    assert json.loads(names) == [
        "Box", "Point", "date", "Decimal", "bytes", "Color", "NoneType", "str", "PosixPath",
    ]  # fmt: skip


async def test_parameters_may_have_any_name():
    @tool
    def f(_hidden: int, model_config: int, copy: int, class_: int, p0: int) -> list[int]:
        return [_hidden, model_config, copy, class_, p0]

    arguments = {"_hidden": 1, "model_config": 2, "copy": 3, "class_": 4, "p0": 5}
    assert await answer(f, **arguments) == "[1,2,3,4,5]"


async def test_a_mutable_default_is_new_in_every_call():
    @tool
    def grow(items: list[int] = []) -> int:  # noqa: B006
        items.append(1)
        return len(items)

    assert [await answer(grow), await answer(grow)] == ["1", "1"]


async def test_a_tool_without_parameters_takes_no_arguments_at_all():
    @tool
    def now() -> str:
        return "noon"

    for nothing in ("", "  \n", "{}"):
        result = await now.call(ToolCall(id="1", name="now", arguments=nothing))
        assert result.content == "noon"


async def test_types_known_only_where_the_tool_is_made_are_found():
    class Local(BaseModel):
        n: int

    @tool
    def plain(local: Local) -> int:
        return local.n

    @tool(name="named")
    def named(local: list[Local]) -> int:
        return local[0].n

    assert await answer(plain, local={"n": 3}) == "3"
    assert await answer(named, local=[{"n": 4}]) == "4"


def test_a_return_type_known_to_type_checkers_only_does_no_harm():
    @tool
    def half(n: int) -> Fraction:
        raise NotImplementedError

    assert properties(half) == {"n": {"type": "integer"}}


async def test_methods_partials_and_callable_objects_are_functions_too():
    class Shop:
        prices = {"pen": 2}

        def price(self, item: str) -> int:
            """The price of an item."""
            return self.prices[item]

        async def __call__(self, item: str) -> int:
            """Ask the shop."""
            return self.prices[item] * 10

    def fetch(url: str, key: str, tries: int = 1) -> str:
        """Fetch a page."""
        return f"{url} {key} {tries}"

    method = tool(Shop().price)
    assert (method.name, method.description) == ("price", "The price of an item.")
    assert await answer(method, item="pen") == "2"

    partial = tool(functools.partial(fetch, key="sk-hidden"))
    assert (partial.name, partial.description) == ("fetch", "Fetch a page.")
    assert "key" not in partial.spec.model_dump_json()
    assert await answer(partial, url="u") == "u sk-hidden 1"

    shop = tool(Shop())
    assert shop.name == "Shop"
    assert await answer(shop, item="pen") == "20"


async def test_a_decorated_function_keeps_its_signature():
    def loud(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            return function(*args, **kwargs).upper()

        return wrapper

    @tool
    @loud
    def echo(text: str) -> str:
        """Say it again."""
        return text

    assert echo.description == "Say it again."
    assert await answer(echo, text="a") == "A"


def make_without_annotation():
    @tool
    def f(x):  # pyright: ignore[reportMissingParameterType]
        pass


def make_with_stars():
    @tool
    def f(*args: int):
        pass


def make_with_keywords():
    @tool
    def f(**kwargs: int):
        pass


def make_positional_only():
    @tool
    def f(x: int, /):
        pass


def make_without_schema():
    @tool
    def f(x: threading.Thread):
        pass


def make_of_unknown_type():
    def f(x: Nowhere):  # noqa: F821  # pyright: ignore[reportUndefinedVariable]
        pass

    tool(f)


def make_of_unbound_method():
    class Thing:
        @tool
        def f(self, x: int):
            pass

    return Thing


def make_of_generator():
    @tool
    def f(x: int):
        yield x


def make_of_lambda():
    tool(lambda: 1)


def make_of_typed_dict():
    @tool
    def f(n: int, x: Row):
        pass

    if sys.version_info >= (3, 12):  # from there on it works
        raise ConfigError("parameter x: no JSON Schema, but for typing_extensions")


def make_with_long_name():
    @tool(name="a" * 65)
    def f():
        pass


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (make_without_annotation, "parameter x: add a type annotation, e.g. x: str"),
        (make_with_stars, "name each argument"),
        (make_with_keywords, "name each argument"),
        (make_positional_only, "remove the '/'"),
        (make_without_schema, "parameter x: no JSON Schema for .*: use text, numbers, lists"),
        (make_of_typed_dict, "parameter x: no JSON Schema .*typing_extensions"),
        (make_of_unknown_type, "Nowhere"),
        (make_of_unbound_method, r"tool\(thing.method\)"),
        (make_of_generator, "return the answer"),
        (make_of_lambda, "can't name a tool"),
        (make_with_long_name, "up to 64"),
    ],
)
def test_a_function_that_cannot_be_a_tool_says_why(make, says):
    with pytest.raises(ConfigError, match=says) as told:
        make()
    assert "\n" not in str(told.value)


async def test_a_default_of_none_may_be_given_whatever_the_type_says():
    @tool
    def f(n: Annotated[int, Field(ge=0, description="how many")] = None, *, s: str = "a"):  # noqa: RUF013  # pyright: ignore[reportArgumentType]
        return repr(n)

    assert (await f.call(call("f", n=None))).content == "None"
    assert (await f.call(call("f"))).content == "None"
    assert (await f.call(call("f", n=-1))).error == "bad_arguments"
    assert (await f.call(call("f", s=None))).error == "bad_arguments"
    assert f.spec.parameters["properties"]["n"]["description"] == "how many"


def test_a_tool_can_be_called_as_the_function_it_was_made_of():
    @tool
    def double(x: int) -> int:
        return 2 * x

    assert double(3) == double(x=3) == 6
    with pytest.raises(ConfigError, match="made of no function"):
        dataclasses.replace(double, function=None)(3)
    with pytest.raises(Refused, match="stands over a function"):
        tool(double)


# The context


async def test_the_context_is_filled_in_and_not_shown():
    @tool
    def save(context: ToolContext, name: str, also: ToolContext | None = None) -> str:
        assert also is context
        context.attach(name, b"data", "text/plain")
        return context.call_id

    assert list(properties(save)) == ["name"]
    result = await save.call(call("save", id="c9", name="a.txt"))
    assert result.content == "c9"
    assert [(a.name, a.blob.read()) for a in result.artifacts] == [("a.txt", b"data")]


async def test_artifacts_are_kept_when_the_tool_fails_afterwards():
    @tool
    def plot(context: ToolContext) -> str:
        context.attach("\udcff.png", b"png", "image/png")
        raise ToolError("no data in column b")

    result = await plot.call(call("plot"))
    assert (result.error, result.content) == ("tool_error", "no data in column b")
    assert [a.name for a in result.artifacts] == ["\ufffd.png"]


@pytest.mark.parametrize("secrets", [("sk-canary",), ("", "sk-canary")])
async def test_attached_files_do_not_hold_secrets(secrets):
    context = ToolContext(secrets=secrets)
    artifact = context.attach("log", b"a key: sk-canary!", "text/plain")
    assert artifact.blob.read() == b"a key: [secret]!"


# What a model gets wrong


@tool
def typed(n: int, flag: bool = False, point: Point | None = None) -> str:
    """Typed."""
    return f"{n} {flag} {point}"


DEEP = "[" * 10_000 + "]" * 10_000


@pytest.mark.parametrize(
    "arguments",
    [
        "{",
        '{"n": 1',
        '{"n": 1}}',
        "n=1",
        "null",
        "[1]",
        '"{}"',
        "{}",
        '{"n": "one"}',
        '{"n": 1, "extra": 2}',
        '{"n": 1.5}',
        '{"n": ' + "9" * 5000 + "}",
        '{"n": ' + DEEP + "}",
        '{"n": 1, "point": {"x": ' + DEEP + "}}",
        '{"n": "\\ud800"}',
        '{"n": "\ud800"}',
        '{"n": 1, "\\u0000": 2}',
        "\x00",
        '{"n": NaN}',
        '{"n": 1, "flag": "perhaps"}',
    ],
)
async def test_bad_arguments_go_back_to_the_model(arguments):
    result = await typed.call(ToolCall(id="1", name="typed", arguments=arguments))
    assert result.error == "bad_arguments"
    assert result.content.startswith("typed was not called: ")
    assert len(result.content) < 500
    assert result.model_validate_json(result.model_dump_json()) == result


@given(st.text() | st.binary().map(lambda b: b.decode("utf-8", "surrogateescape")))
async def test_no_text_of_a_model_escapes_as_an_exception(arguments):
    result = await typed.call(ToolCall(id="1", name="typed", arguments=arguments))
    assert result.error in (None, "bad_arguments")


async def test_the_message_names_the_argument_and_what_is_wrong_with_it():
    result = await typed.call(call("typed", n=1, point={"y": 1}))
    assert result.content == "typed was not called: point.x: Field required"


async def test_a_validator_that_breaks_is_an_answer_too():
    def broken(value: int) -> int:
        raise KeyError(value)

    @tool
    def f(n: Annotated[int, AfterValidator(broken)]) -> int:
        return n

    result = await f.call(call("f", n=1))
    assert (result.error, result.content) == ("bad_arguments", "f was not called: KeyError: 1")


# What a tool gets wrong


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ToolError("try a city"), "try a city"),
        (KeyError("x"), "KeyError: 'x'"),
        (SystemExit(3), "SystemExit: 3"),
        (GeneratorExit(), "GeneratorExit: "),
        (StopIteration(1), "StopIteration"),
        (TimeoutError("slow"), "TimeoutError: slow"),
        (ValueError("\ud800" + "x" * 50_000), "ValueError: \ufffdxxx"),
    ],
)
@pytest.mark.parametrize("style", ["plain", "async"])
async def test_whatever_a_tool_raises_is_its_result(error, says, style):
    def plain() -> str:
        raise error

    async def later() -> str:
        raise error

    made = tool(name="f")(plain if style == "plain" else later)
    result = await made.call(call("f"))
    assert result.error == "tool_error"
    assert says in result.content
    assert len(result.content) <= agentlab.tooling.tools.MAX_CHARS


async def test_an_interrupt_raised_in_a_thread_is_the_tools_own_doing():
    @tool
    def f() -> str:
        raise KeyboardInterrupt

    assert (await f.call(call("f"))).error == "tool_error"


async def test_a_tool_that_cancels_itself_has_failed():
    @tool
    async def f() -> str:
        raise asyncio.CancelledError

    result = await f.call(call("f"))
    assert (result.error, result.content) == ("tool_error", "f cancelled itself")


async def test_a_tool_that_hangs_is_ended_by_its_timeout_plain_or_async():
    release = threading.Event()

    def plain(context: ToolContext) -> str:
        context.attach("so-far", b"1", "text/plain")
        release.wait(30)
        return "late"

    async def later(context: ToolContext) -> str:
        context.attach("so-far", b"1", "text/plain")
        await asyncio.sleep(30)
        return "late"

    for function in (plain, later):
        result = await tool(name="f", timeout=0.02)(function).call(call("f"))
        assert (result.error, result.content) == ("timeout", "f did not answer within 0.02 seconds")
        assert len(result.artifacts) == 1
    release.set()


async def test_a_plain_tool_does_not_hold_up_the_event_loop():
    gate = threading.Event()

    @tool
    def wait() -> str:
        return "opened" if gate.wait(30) else "never"

    waiting = asyncio.create_task(wait.call(call("wait")))
    await asyncio.sleep(0.01)
    gate.set()
    assert (await waiting).content == "opened"


# What a tool answers


class Unwritable:
    pass


class Trap(BaseModel):
    model_config = {"arbitrary_types_allowed": True}
    thing: Unwritable = Unwritable()


@pytest.mark.parametrize(
    "value", [Unwritable(), Trap(), {"a": Unwritable()}, b"\xff\x00", lambda: 1, itertools.count()]
)
async def test_an_answer_that_cannot_be_written_is_an_error_of_the_tool(value):
    @tool
    def f() -> object:
        return value

    result = await f.call(call("f"))
    assert result.error == "tool_error"
    assert "the tool returned" in result.content


async def test_a_circular_answer_is_an_error_of_the_tool():
    loop: list[object] = []
    loop.append(loop)

    @tool
    def f() -> object:
        return loop

    assert (await f.call(call("f"))).error == "tool_error"


class _Scalar:
    """As numpy's numbers are: they know what they are in plain Python."""

    def __init__(self, value: object) -> None:
        self.value = value

    def tolist(self) -> object:
        return self.value


class _Table:
    """As data frames are: iterated, they give the names of their columns only."""

    columns = ("a",)

    def to_dict(self, orient: str) -> object:
        return [{"a": 1}, {"a": 2}] if orient == "records" else {}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is\x00\x1b[31m", "as it is\x00\x1b[31m"),
        ("\ud83d\ude00 \ud800", "😀 \ufffd"),
        (None, "done"),
        (1.5, "1.5"),
        (float("inf"), "Infinity"),
        ({"a": (1, Color.RED)}, '{"a":[1,"red"]}'),
        (Point(x=1), '{"x":1.0,"y":0.0}'),
        (Decimal("0.10"), '"0.10"'),
        ("é" * 3, "ééé"),
        (range(3), "[0,1,2]"),
        ({"a": {"b": 1}.keys()}, '{"a":["b"]}'),
        (array("d", [1, 2.5]), "[1.0,2.5]"),
        ([_Scalar(7)], "[7]"),
        (_Table(), '[{"a":1},{"a":2}]'),
    ],
)
def test_answers_become_text(value, text):
    assert as_text(value) == text


async def test_a_long_answer_is_shortened_and_kept_whole_beside():
    @tool(max_chars=100)
    def f() -> str:
        return "a" * 500 + "z" * 500

    result = await f.call(call("f"))
    assert result.content.startswith("a" * 75 + "\n[… 900 characters left out")
    assert result.content.endswith("z" * 25)
    assert result.artifacts[0].name == "full-output.txt"
    assert result.artifacts[0].blob.read() == b"a" * 500 + b"z" * 500


async def test_a_hundred_megabytes_do_not_reach_the_model():
    @tool
    def f() -> str:
        return "x" * (100 << 20)

    result = await f.call(call("f"))
    assert result.error is None
    assert len(result.content) < agentlab.tooling.tools.MAX_CHARS + 200
    assert "the first 64 MB of which" in result.content
    assert result.artifacts[0].blob.size == 64 << 20


# What a tool prints


async def test_what_tools_print_side_by_side_goes_to_each_ones_own_listener(capsys):
    meet = threading.Barrier(2, timeout=30)

    def talk(name: str) -> None:
        for i in range(20):
            print(name, i)
            if i == 0:
                meet.wait()

    async def talk_async(name: str) -> None:
        for i in range(20):
            print(name, i)
            await asyncio.sleep(0)

    heard: dict[str, list[str]] = {}

    async def listen(name: str, function) -> None:
        heard[name] = []
        context = ToolContext(emit=heard[name].append)
        await tool(name="talk")(function).call(call("talk", name=name), context)

    before = sys.stdout
    await asyncio.gather(
        listen("a", talk), listen("b", talk), listen("c", talk_async), listen("d", talk_async)
    )
    for name, pieces in heard.items():
        assert "".join(pieces) == "".join(f"{name} {i}\n" for i in range(20))
    assert capsys.readouterr().out == ""
    assert sys.stdout is before


async def test_a_tool_left_behind_does_not_print_on_the_terminal(capsys):
    gate, done = threading.Event(), threading.Event()

    @tool(timeout=0.02)
    def late() -> None:
        gate.wait(30)
        print("boo")
        done.set()

    before = sys.stdout
    assert (await late.call(call("late"))).error == "timeout"
    gate.set()
    await asyncio.to_thread(done.wait, 30)
    for _ in range(10_000):  # its thread gives the terminal back as it ends its work
        if sys.stdout is before:
            break
        await asyncio.sleep(0.001)
    assert sys.stdout is before
    assert capsys.readouterr().out == ""


def test_a_stream_put_in_place_while_a_tool_is_at_work_is_captured_and_given_back():
    from agentlab.tooling.capture import captured

    before, heard, late = sys.stdout, list[str](), list[str]()
    with contextlib.ExitStack() as left_behind:
        left_behind.enter_context(captured(late.append))
        with contextlib.redirect_stdout(io.StringIO()) as theirs:
            with captured(heard.append):
                print("mine")
            assert sys.stdout is theirs
        print("late")
    assert sys.stdout is before
    assert heard == ["mine", "\n"]
    assert late == ["late", "\n"]
    assert theirs.getvalue() == ""


def test_others_use_the_terminal_as_before_while_a_tool_is_at_work(capfdbinary):
    from agentlab.tooling.capture import captured

    heard: list[str] = []
    with captured(heard.append):
        sys.stdout.buffer.write(b"raw")
        thread = threading.Thread(target=print, args=("other",))
        thread.start()
        thread.join()
        sys.stdout.flush()
        print("mine")
    sys.stdout.flush()
    assert heard == ["mine", "\n"]
    assert capfdbinary.readouterr().out == b"rawother\n"


async def test_an_async_function_under_an_ordinary_decorator_is_awaited():
    def logged(function: Any) -> Any:
        @functools.wraps(function)
        def inner(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return inner

    @tool
    @logged
    async def look(name: str) -> str:
        """Look up."""
        print("looking")
        await asyncio.sleep(0)
        return f"found {name}"

    assert await answer(look, name="Ada") == "found Ada"
