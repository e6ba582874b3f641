"""Parsers of JSON that is whole.

LangChain's own mend what is cut off, so that an answer which ran into `max_tokens` passes for one
with less in it. These say so, whether the answer came at once or was streamed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from langchain_core.exceptions import OutputParserException
from langchain_core.messages import BaseMessage
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.outputs import Generation
from pydantic_core import from_json


class WholeJson(JsonOutputParser):
    """JSON as plain data; what has come so far, where it is streamed."""

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """The data; see `JsonOutputParser`."""
        if not partial:
            _check(result[0].text)
        return super().parse_result(result, partial=partial)

    def _transform(self, input: Iterator[str | BaseMessage]) -> Iterator[Any]:
        said: list[str] = []
        yield from super()._transform(_kept(input, said))
        _check("".join(said))

    async def _atransform(self, input: AsyncIterator[str | BaseMessage]) -> AsyncIterator[Any]:
        said: list[str] = []
        async for item in super()._atransform(_akept(input, said)):
            yield item
        _check("".join(said))


class WholeObject(WholeJson, PydanticOutputParser[Any]):
    """JSON as an instance of a pydantic class."""


def _check(text: str) -> None:
    try:
        from_json(text)
    except ValueError as error:
        raise OutputParserException(
            f"the answer is no whole JSON ({error}): if it was cut off, raise max_tokens",
            llm_output=text,
        ) from None


def _kept(items: Iterator[str | BaseMessage], said: list[str]) -> Iterator[str | BaseMessage]:
    for item in items:
        said.append(item if isinstance(item, str) else str(item.text))
        yield item


async def _akept(
    items: AsyncIterator[str | BaseMessage], said: list[str]
) -> AsyncIterator[str | BaseMessage]:
    async for item in items:
        said.append(item if isinstance(item, str) else str(item.text))
        yield item
