"""`agentlab mcp --prompt` and `--file`: prompts to pick, and files that tell when they change."""

from __future__ import annotations

import asyncio
import sys
import warnings
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import mcp.types as types
import pytest
from mcp import Client, MCPError, StdioServerParameters

from agentlab.errors import ConfigError
from agentlab.plugins.equipment import Equipment
from agentlab_tools.mcp.prompts import Prompts
from agentlab_tools.mcp.serve import server_of
from agentlab_tools.mcp.shelf import Shelf, shared_files

PNG = b"\x89PNG\r\n\x1a\n"
REVIEW = """# Review a chapter

Review it for {reader}. Be {tone:kind | strict}, and answer as {"verdict": "…"}.
![the rules](rules.txt)
![a plot](plot.png)
![](agentlab:///files/{file})
That was {file}, {reader}.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "review.md").write_text(REVIEW, "utf-8")
    (tmp_path / "prompts" / "plain.md").write_text("Say hello.\n", "utf-8")
    (tmp_path / "prompts" / "notes.txt").write_text("no prompt", "utf-8")
    for name, data in (("rules.txt", b"Be brief."), ("plot.png", PNG)):
        (tmp_path / "prompts" / name).write_bytes(data)
    (tmp_path / "one.txt").write_text("Chapter one", "utf-8")
    return tmp_path


@asynccontextmanager
async def client(
    folder: Path, mode: str = "auto", prompts: Sequence[str] | None = None, **options: Any
) -> AsyncGenerator[Client]:
    shelf = Shelf(shared_files([str(folder / "one.txt")]))
    offered = Prompts(prompts or [str(folder / "prompts")], shelf)
    server = server_of((), Equipment(), shelf, offered)
    async with Client(server, mode=mode, **options) as opened:
        yield opened


def texts(result: types.GetPromptResult) -> list[str]:
    held = [message.content for message in result.messages]
    return [one.text for one in held if isinstance(one, types.TextContent)]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_prompts_are_listed_with_what_is_to_be_filled_in(folder: Path, mode: str) -> None:
    async with client(folder, mode) as opened:
        plain, review = (await opened.list_prompts()).prompts
        assert (plain.name, plain.description, plain.arguments) == ("plain", "plain", [])
        assert (review.name, review.description) == ("review", "Review a chapter")
        assert review.arguments is not None
        assert [(a.name, a.required) for a in review.arguments] == [
            ("reader", True),
            ("tone", False),
            ("file", True),
        ]
        assert review.arguments[1].description == "kind or strict"


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_prompt_is_filled_in_and_its_files_come_along(folder: Path, mode: str) -> None:
    async with client(folder, mode) as opened:
        got = await opened.get_prompt("review", {"reader": "{tone} beginners", "file": "one.txt"})
    kinds = [message.content.type for message in got.messages]
    assert kinds == ["text", "resource", "image", "resource", "text"]
    assert texts(got) == [
        'Review it for {tone} beginners. Be kind, and answer as {"verdict": "…"}.',
        "That was one.txt, {tone} beginners.",
    ]
    _, rules, plot, chapter, _ = (message.content for message in got.messages)
    assert isinstance(rules, types.EmbeddedResource)
    assert isinstance(rules.resource, types.TextResourceContents)
    assert rules.resource.text == "Be brief."
    assert isinstance(plot, types.ImageContent)
    assert plot.mime_type == "image/png"
    assert isinstance(chapter, types.EmbeddedResource)
    assert isinstance(chapter.resource, types.TextResourceContents)
    assert (chapter.resource.uri, chapter.resource.text) == (
        "agentlab:///files/one.txt",
        "Chapter one",
    )


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("nothing", {}, "There is no prompt 'nothing'"),
        ("review", {"reader": "all"}, "The prompt review needs file"),
        # what a client fills in is an address on the shelf, and never a path
        ("review", {"reader": "all", "file": "../prompts/rules.txt"}, "nothing to read at"),
        ("review", {"reader": "all", "file": "../../etc/passwd"}, "nothing to read at"),
    ],
)
async def test_what_cannot_be_had_is_an_error(
    folder: Path, name: str, given: dict[str, str], told: str
) -> None:
    async with client(folder) as opened:
        with pytest.raises(MCPError, match=told):
            await opened.get_prompt(name, given)


async def test_a_path_that_a_client_fills_in_is_not_read(folder: Path) -> None:
    (folder / "prompts" / "any.md").write_text("![]({path})\n", "utf-8")
    async with client(folder) as opened:
        for path in ("rules.txt", str(folder / "prompts" / "rules.txt"), "/etc/passwd"):
            with pytest.raises(MCPError, match="nothing to read at"):
                await opened.get_prompt("any", {"path": path})
        got = await opened.get_prompt("any", {"path": "agentlab:///files/one.txt"})
        assert [message.content.type for message in got.messages] == ["resource"]


async def test_values_are_offered_while_one_types(folder: Path) -> None:
    review = types.PromptReference(type="ref/prompt", name="review")
    async with client(folder) as opened:

        async def offered(argument: str, begun: str) -> list[str]:
            found = await opened.complete(review, {"name": argument, "value": begun})
            return found.completion.values

        assert await offered("tone", "") == ["kind", "strict"]
        assert await offered("tone", "ST") == ["strict"]
        assert await offered("reader", "") == []


async def test_a_prompt_is_as_its_file_is_then(folder: Path) -> None:
    async with client(folder, cache=None) as opened:
        (folder / "prompts" / "plain.md").write_text("Say goodbye to {whom}.\n", "utf-8")
        got = await opened.get_prompt("plain", {"whom": "all"})
        assert texts(got) == ["Say goodbye to all."]
        (folder / "prompts" / "review.md").write_bytes(b"\xff")
        assert [one.name for one in (await opened.list_prompts()).prompts] == ["plain"]
        with pytest.raises(MCPError, match=r"review\.md can't be a prompt: it is no UTF-8"):
            await opened.get_prompt("review")


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (["gone.md"], "gone.md can't be read: No such file"),
        (["empty"], "there are no prompts"),
        (["prompts/plain.md", "prompts/plain.md"], "two prompts are called plain"),
        (["lost.md"], r"lost\.md names the file plot\.svg, which is not there"),
    ],
)
def test_what_is_no_prompt_is_one_clear_line(folder: Path, files: list[str], told: str) -> None:
    (folder / "empty").mkdir()
    (folder / "lost.md").write_text("![](plot.svg)", "utf-8")
    with pytest.raises(ConfigError, match=told):
        Prompts([str(folder / file) for file in files])


def command(folder: Path) -> StdioServerParameters:
    arguments = ["-m", "agentlab", "mcp", "-t", "calculator"]
    arguments += ["--file", str(folder / "one.txt"), "--prompt", str(folder / "prompts")]
    return StdioServerParameters(command=sys.executable, args=arguments)


async def test_the_command_offers_prompts_and_tells_of_changed_files(folder: Path) -> None:
    uri = "agentlab:///files/one.txt"
    async with Client(command(folder)) as opened:
        assert len((await opened.list_prompts()).prompts) == 2
        async with opened.listen(resource_subscriptions=[uri]) as changes:
            (folder / "one.txt").write_text("Chapter one, mended", "utf-8")
            event: Any = await asyncio.wait_for(anext(aiter(changes)), 20)
            assert event.uri == uri


async def test_a_client_of_before_hears_of_changes_until_it_has_had_enough(folder: Path) -> None:
    uri, heard = "agentlab:///files/one.txt", asyncio.Queue[str]()

    async def hear(message: object) -> None:
        if isinstance(message, types.ResourceUpdatedNotification):
            heard.put_nowait(message.params.uri)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        async with Client(command(folder), mode="legacy", message_handler=hear) as opened:
            assert opened.server_capabilities.resources is not None
            assert opened.server_capabilities.resources.subscribe
            with pytest.raises(MCPError, match="nothing to read at"):
                await opened.subscribe_resource("agentlab:///files/two.txt")  # pyright: ignore[reportDeprecated]
            await opened.subscribe_resource(uri)  # pyright: ignore[reportDeprecated]
            (folder / "one.txt").write_text("Chapter one, mended", "utf-8")
            assert await asyncio.wait_for(heard.get(), 20) == uri
            (folder / "one.txt").unlink()  # gone is changed, too
            assert await asyncio.wait_for(heard.get(), 20) == uri
            await opened.unsubscribe_resource(uri)  # pyright: ignore[reportDeprecated]
            (folder / "one.txt").write_text("again", "utf-8")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(heard.get(), 2.5)
