"""An AgentLab backend as a LangChain chat model.

    model = chat_model("local:agent", temperature=0)
    for chunk in model.stream("Tell me about tea."): …
    model.bind_tools([add]).invoke("What is 2 + 3?").tool_calls
    model.with_structured_output(Person).invoke("Ada was 36.")

Text, thoughts and calls stream as the model writes them. Errors are AgentLab's own. Structured
output is the backend's typed output: a local model's grammar admits nothing else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableMap, RunnablePassthrough
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr

from agentlab.agent.generators import owned
from agentlab.backend import Backend, Delta, Reply, Settings
from agentlab.errors import ConfigError
from agentlab.frameworks.beside import each, waited
from agentlab.frameworks.langchain.asked import AnyTool, Asked, asked, bound, choice, schema_of
from agentlab.frameworks.langchain.messages import to_ours
from agentlab.frameworks.langchain.parsers import WholeJson, WholeObject
from agentlab.frameworks.langchain.replies import PROVIDER, Chunks, result_of
from agentlab.frameworks.opened import checked, opened_by, reply_of

Structured = Runnable[LanguageModelInput, dict[str, Any] | BaseModel]


class ChatAgentLab(BaseChatModel):
    """A chat model. Make one with `chat_model`, whose errors are one line each."""

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    model: Any
    """A backend, or the name of one."""
    options: dict[str, Any] = Field(default_factory=dict, repr=False)
    """Of `connect`, for a model that is named."""
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
    api_key: SecretStr | None = None
    streaming: bool = False
    """Whether `invoke` streams as well, for callbacks that want the words as they come."""

    _backend: Backend = PrivateAttr()
    _settings: Settings = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Open the model."""
        super().model_post_init(context)
        self._backend, self._settings = opened_by(self)

    @property
    def backend(self) -> Backend:
        """The model itself; `await model.backend.aclose()` frees what it holds."""
        return self._backend

    def bind_tools(
        self,
        tools: Sequence[AnyTool],
        *,
        tool_choice: str | bool | Mapping[str, Any] | None = None,
        parallel_tool_calls: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """This model with tools that it may call.

        Args:
            tools: LangChain's tools, functions, types and schemas, and AgentLab's own tools.
            tool_choice: `auto`, `none`, `any` (or `required`, or True), or the name of one tool.
            parallel_tool_calls: whether one reply may make several calls.

        Raises:
            ConfigError: `tool_choice` names none of the tools.
        """
        offered = [bound(tool) for tool in tools]
        chosen = choice(tool_choice)
        names = [tool.get("function", {}).get("name") for tool in offered]
        if chosen not in ("auto", "none", "required", *names):
            known = ", ".join(map(str, names)) or "none"
            raise ConfigError(f"tool_choice names {chosen!r}, and the tools bound are: {known}")
        fields = {"tool_choice": chosen, "parallel_tool_calls": parallel_tool_calls, **kwargs}
        given = {name: value for name, value in fields.items() if value is not None}
        return self.bind(tools=offered, **given)

    def with_structured_output(
        self,
        schema: dict[str, Any] | type,
        *,
        include_raw: bool = False,
        method: str = "json_schema",
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Structured:
        """This model with answers in a form.

        Args:
            schema: a pydantic class, a TypedDict, a JSON Schema, or a function's schema.
            include_raw: give `raw`, `parsed` and `parsing_error`, instead of raising.
            method: `json_schema` (typed output), `function_calling` (the arguments of a call), or
                `json_mode` (any JSON object; the prompt has to say which).
            strict: taken for other models' sake; what is asked for is always held to.

        Raises:
            ConfigError: there is no such method or option.
        """
        if kwargs:
            raise ConfigError(f"with_structured_output takes no {next(iter(kwargs))!r}")
        if method == "function_calling":
            return super().with_structured_output(schema, include_raw=include_raw)
        if method not in ("json_schema", "json_mode"):
            known = "json_schema, function_calling, json_mode"
            raise ConfigError(f"no method {method!r}; there are: {known}")
        wanted = {"name": "answer", "schema": schema_of(schema)}
        json_schema = {"type": "json_schema", "json_schema": wanted}
        model = self.bind(
            response_format={"type": "json_object"} if method == "json_mode" else json_schema,
            ls_structured_output_format={"kwargs": {"method": method}, "schema": schema},
        )
        typed = isinstance(schema, type) and is_basemodel_subclass(schema)
        parser = WholeObject(pydantic_object=schema) if typed else WholeJson()
        if not include_raw:
            return cast(Structured, model | parser)
        parsed = RunnablePassthrough.assign(
            parsed=itemgetter("raw") | parser, parsing_error=lambda _: None
        )
        unparsed = RunnablePassthrough.assign(parsed=lambda _: None)
        either = parsed.with_fallbacks([unparsed], exception_key="parsing_error")
        return cast(Structured, RunnableMap(raw=model) | either)

    def get_num_tokens_from_messages(
        self, messages: list[BaseMessage], tools: Sequence[Any] | None = None
    ) -> int:
        """How many tokens a conversation takes, as the model would read it.

        Raises:
            ConfigError: the model is a service's, and can't be asked.
        """
        prompt = getattr(self._backend, "prompt", None)
        if prompt is None:
            raise ConfigError(f"{self._model_name} can't count tokens before it is asked")
        specs = asked(self._settings, None, {"tools": [bound(tool) for tool in tools or ()]}).tools
        return len(waited(prompt(to_ours(messages), tools=specs)))

    def get_token_ids(self, text: str) -> list[int]:
        """The tokens of a text, by `custom_get_token_ids`.

        Raises:
            ConfigError: that is not given: LangChain would load another model's from the network.
        """
        if self.custom_get_token_ids is not None:
            return self.custom_get_token_ids(text)
        raise ConfigError(
            "a text alone has no tokens of this model: count messages, with "
            "get_num_tokens_from_messages, or give custom_get_token_ids"
        )

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return result_of(waited(self._reply(messages, stop, kwargs)), self._model_name)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return result_of(await self._reply(messages, stop, kwargs), self._model_name)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        chunks = Chunks(self._model_name)
        for item in each(self._items(messages, stop, kwargs)):
            for chunk in chunks.of(item):
                if run_manager is not None:
                    run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                yield chunk

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        chunks = Chunks(self._model_name)
        async with owned(self._items(messages, stop, kwargs)) as items:
            async for item in items:
                for chunk in chunks.of(item):
                    if run_manager is not None:
                        await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                    yield chunk

    def _items(
        self, messages: Sequence[BaseMessage], stop: Sequence[str] | None, fields: dict[str, Any]
    ) -> AsyncIterator[Delta | Reply]:
        wanted: Asked = asked(self._settings, stop, fields)
        return self._backend.stream(
            to_ours(messages),
            tools=wanted.tools,
            settings=wanted.settings,
            output=wanted.output,
        )

    async def _reply(
        self, messages: Sequence[BaseMessage], stop: Sequence[str] | None, fields: dict[str, Any]
    ) -> Reply:
        return await reply_of(self._items(messages, stop, fields), self._model_name)

    @property
    def _model_name(self) -> str:
        return self._backend.identity.name

    @property
    def _llm_type(self) -> str:
        return PROVIDER

    @property
    def _identifying_params(self) -> dict[str, Any]:
        identity = self._backend.identity
        settings = self._settings.model_dump(exclude_unset=True)
        return {"model": identity.name, "details": identity.details, **settings}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_provider"] = PROVIDER
        params.setdefault("ls_model_name", self._model_name)
        return params


def made(model: Backend | str, options: Mapping[str, Any] | None, fields: dict[str, Any]) -> Any:
    """A chat model, or one line that says what is wrong with what was given."""
    known = [name for name in ChatAgentLab.model_fields if name not in ("model", "options")]
    checked("chat_model", fields, known)
    return ChatAgentLab(model=model, options=dict(options or {}), **fields)
