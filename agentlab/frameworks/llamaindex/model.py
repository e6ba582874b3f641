"""An AgentLab backend as a LlamaIndex LLM that calls tools.

    model = llm("local:agent", temperature=0)
    for response in model.stream_chat([ChatMessage("Tell me about tea.")]): …
    model.structured_predict(Person, PromptTemplate("Ada was 36."))

Text, thoughts and calls stream as the model writes them. Errors are AgentLab's own. What is
predicted in a structure is the backend's typed output: a local model's grammar admits nothing else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

from llama_index.core.base.llms.generic_utils import (
    achat_to_completion_decorator,
    astream_chat_to_completion_decorator,
    chat_to_completion_decorator,
    stream_chat_to_completion_decorator,
)
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
    LLMMetadata,
    MessageRole,
    ToolCallBlock,
)
from llama_index.core.llms import callbacks
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.prompts import BasePromptTemplate
from llama_index.core.tools.types import BaseTool
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, ValidationError

from agentlab.agent.generators import owned
from agentlab.backend import Backend, Delta, JsonSchema, Reply, Settings, ToolSpec
from agentlab.errors import ConfigError, OutputInvalid
from agentlab.frameworks.beside import each, waited
from agentlab.frameworks.llamaindex.messages import SoFar, response_of, to_ours
from agentlab.frameworks.opened import SAMPLING, checked, opened_by, reply_of, sampled
from agentlab.tooling.parameters import PlainSchema, without_titles
from agentlab.values import explained

Model = TypeVar("Model", bound=BaseModel)

F = TypeVar("F", bound=Callable[..., Any])

_USUAL_WINDOW = 32_768


def _told(method: F) -> F:
    """Tells LlamaIndex's callbacks and its instrumentation of what is asked and answered."""
    return cast(F, cast(Any, callbacks).llm_chat_callback()(method))


class AgentLabLLM(FunctionCallingLLM):
    """An LLM. Make one with `llm`, whose errors are one line each."""

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    model: Any = Field(exclude=True)
    """A backend, or the name of one."""
    options: dict[str, Any] = Field(default_factory=dict, exclude=True, repr=False)
    """Of `connect`, for a model that is named."""
    context_window: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop: list[str] | None = None
    timeout: float | None = None
    max_retries: int | None = None
    api_key: SecretStr | None = Field(default=None, exclude=True)

    _backend: Backend = PrivateAttr()
    _settings: Settings = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Open the model."""
        super().model_post_init(context)
        self._backend, self._settings = opened_by(self)

    @classmethod
    def class_name(cls) -> str:
        """What LlamaIndex calls it."""
        return "agentlab"

    @property
    def backend(self) -> Backend:
        """The model itself; `await model.backend.aclose()` frees what it holds."""
        return self._backend

    @property
    def metadata(self) -> LLMMetadata:
        """What the model is; its context as the model file says, where it runs here."""
        identity = self._backend.identity
        window = self.context_window or identity.details.get("n_ctx") or _USUAL_WINDOW
        return LLMMetadata(
            context_window=int(window),
            num_output=self.max_tokens or -1,
            is_chat_model=True,
            is_function_calling_model=True,
            model_name=identity.name,
        )

    @_told
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Answer a conversation; see `llm` for what a reply can be told."""
        return response_of(waited(self._reply(messages, kwargs)))

    @_told
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """`chat`, awaited."""
        return response_of(await self._reply(messages, kwargs))

    @_told
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """Answer piece by piece."""
        items = self._items(messages, kwargs)

        def responses() -> ChatResponseGen:
            said = SoFar()
            for item in each(items):
                yield said.of(item)

        return responses()

    @_told
    async def astream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> ChatResponseAsyncGen:
        """`stream_chat`, async."""
        items = self._items(messages, kwargs)

        async def responses() -> ChatResponseAsyncGen:
            said = SoFar()
            async with owned(items) as reading:
                async for item in reading:
                    yield said.of(item)

        return responses()

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """Answer a prompt, as a user's message."""
        return chat_to_completion_decorator(self.chat)(prompt, **kwargs)

    async def acomplete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponse:
        """`complete`, awaited."""
        return await achat_to_completion_decorator(self.achat)(prompt, **kwargs)

    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseGen:
        """`complete`, piece by piece."""
        return stream_chat_to_completion_decorator(self.stream_chat)(prompt, **kwargs)

    async def astream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseAsyncGen:
        """`stream_complete`, async."""
        return await astream_chat_to_completion_decorator(self.astream_chat)(prompt, **kwargs)

    def structured_predict(
        self,
        output_cls: type[Model],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Model:
        """An instance of a class.

        Raises:
            OutputInvalid: the answer does not fit, e.g. because it was cut off.
        """
        messages = self._extend_messages(prompt.format_messages(**prompt_args))
        fields = {**(llm_kwargs or {}), "output": _schema(output_cls)}
        return _read(output_cls, self.chat(messages, **fields))

    async def astructured_predict(
        self,
        output_cls: type[Model],
        prompt: BasePromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Model:
        """`structured_predict`, awaited."""
        messages = self._extend_messages(prompt.format_messages(**prompt_args))
        fields = {**(llm_kwargs or {}), "output": _schema(output_cls)}
        return _read(output_cls, await self.achat(messages, **fields))

    def get_tool_calls_from_response(
        self, response: ChatResponse, error_on_no_tool_call: bool = True, **kwargs: Any
    ) -> list[ToolSelection]:
        """The calls that a response makes; arguments that are no JSON object are none.

        Raises:
            ValueError: there are no calls, and there ought to be some.
        """
        calls = [block for block in response.message.blocks if isinstance(block, ToolCallBlock)]
        if not calls and error_on_no_tool_call:
            raise ValueError("the model called no tool")
        return [
            ToolSelection(
                tool_id=call.tool_call_id or "",
                tool_name=call.tool_name,
                tool_kwargs=call.tool_kwargs if isinstance(call.tool_kwargs, dict) else {},
            )
            for call in calls
        ]

    def _prepare_chat_with_tools(
        self,
        tools: Sequence[BaseTool],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        verbose: bool = False,
        allow_parallel_tool_calls: bool = False,
        tool_required: bool = False,
        **kwargs: Any,
    ) -> dict[str, Any]:
        messages = [*(chat_history or [])]
        if user_msg is not None:
            said = user_msg if isinstance(user_msg, ChatMessage) else _user(user_msg)
            messages.append(said)
        return {
            "messages": messages,
            "tools": [tool.metadata.to_openai_tool(skip_length_check=True) for tool in tools],
            "tool_choice": "required" if tool_required else "auto",
            "parallel_tool_calls": allow_parallel_tool_calls,
            **kwargs,
        }

    def _items(
        self, messages: Sequence[ChatMessage], fields: Mapping[str, Any]
    ) -> AsyncIterator[Delta | Reply]:
        tools: tuple[ToolSpec, ...] = ()
        output: JsonSchema | None = None
        changes: dict[str, Any] = {}
        for name, value in fields.items():
            if value is None:
                continue
            if name == "tools":
                tools = tuple(map(_spec, value))
            elif name == "output":
                output = value
            elif name == "stop":
                changes[name] = tuple(value)
            elif name in (*SAMPLING, "tool_choice", "parallel_tool_calls"):
                changes[name] = value
            else:
                known = (*SAMPLING, "stop", "tools", "tool_choice", "parallel_tool_calls", "output")
                raise ConfigError(f"a reply takes no {name!r}: it takes {', '.join(known)}")
        settings = sampled(self._settings, changes)
        return self._backend.stream(
            to_ours(messages), tools=tools, settings=settings, output=output
        )

    async def _reply(self, messages: Sequence[ChatMessage], fields: Mapping[str, Any]) -> Reply:
        return await reply_of(self._items(messages, fields), self._backend.identity.name)


def made(
    model: Backend | str,
    options: Mapping[str, Any] | None,
    context_window: int | None,
    fields: dict[str, Any],
) -> AgentLabLLM:
    """An LLM, or one line that says what is wrong with what was given."""
    ours = ("model", "options", "context_window")
    known = [name for name in AgentLabLLM.model_fields if name not in ours]
    checked("llm", fields, known)
    return AgentLabLLM(
        model=model, options=dict(options or {}), context_window=context_window, **fields
    )


def _user(text: str) -> ChatMessage:
    return ChatMessage(role=MessageRole.USER, content=text)


def _spec(tool: Mapping[str, Any]) -> ToolSpec:
    function = cast(Mapping[str, Any], tool["function"])
    parameters = without_titles(function["parameters"])
    return ToolSpec(
        name=function["name"], description=function["description"], parameters=parameters
    )


def _schema(output_cls: type[BaseModel]) -> JsonSchema:
    return without_titles(output_cls.model_json_schema(schema_generator=PlainSchema))


def _read(output_cls: type[Model], response: ChatResponse) -> Model:
    try:
        return output_cls.model_validate_json(response.message.content or "")
    except ValidationError as error:
        why = explained(error, output_cls)
    cut = cast(Any, response).additional_kwargs["finish_reason"] == "length"
    more = "; it was cut off: raise max_tokens" if cut else ""
    raise OutputInvalid(f"the answer is no {output_cls.__name__}{why}{more}")
