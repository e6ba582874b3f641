"""The llama.cpp backend on the real bundled model."""

from __future__ import annotations

import asyncio
import json

import jsonschema
import pytest
from gguf_writer import write_lora

from agentlab.backend import Delta, Reply, Settings, TextDelta, ToolCallDelta, ToolSpec
from agentlab.backends.llamacpp.backend import LlamaCpp
from agentlab.backends.llamacpp.registry import locate, open_backend
from agentlab.backends.llamacpp.template import PLAIN
from agentlab.errors import BackendError, ConfigError, ContextOverflow, ModelNotFound
from agentlab.messages import Blob, Image, Message, ToolCall, ToolResult

CALCULATOR = ToolSpec(
    name="calculator",
    description="Work out an arithmetic expression.",
    parameters={
        "type": "object",
        "properties": {"expression": {"type": "string", "pattern": "^[0-9 +*()-]{1,12}$"}},
        "required": ["expression"],
        "additionalProperties": False,
    },
)
WEATHER = ToolSpec(
    name="weather",
    description="The weather in a city.",
    parameters={
        "type": "object",
        "properties": {"city": {"enum": ["Oslo", "Rome"]}},
        "required": ["city"],
    },
)
GREEDY = Settings(temperature=0, repeat_penalty=1.0, max_tokens=24)
FACT = [Message.user("Write one sentence about the sea.")]


async def ask(
    backend: LlamaCpp, messages: list[Message], settings: Settings = GREEDY, **options
) -> tuple[list[Delta | Reply], Reply]:
    *deltas, reply = [item async for item in backend.stream(messages, settings=settings, **options)]
    assert isinstance(reply, Reply)
    return deltas, reply


def text_of(deltas: list[Delta | Reply]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


async def test_text_streams_and_joins_to_the_message(smollm2):
    deltas, reply = await ask(smollm2, FACT)
    assert len(deltas) > 5
    assert text_of(deltas) == reply.message.text != ""
    assert reply.usage.output_tokens == len(reply.token_ids) <= 24
    assert reply.usage.cost == 0.0


async def test_the_second_turn_evaluates_only_its_new_tokens(smollm2):
    smollm2.forget()
    _, first = await ask(smollm2, FACT)
    conversation = [*FACT, first.message, Message.user("And one about hills.")]
    _, second = await ask(smollm2, conversation)
    # all that was read and written is warm, but for the last token, which was only sampled
    warm = first.usage.input_tokens + first.usage.output_tokens - 1
    assert second.usage.cached_tokens == warm
    assert second.usage.input_tokens > warm


async def test_the_prompt_is_shown_as_the_model_reads_it(smollm2):
    said = [Message.system("Be brief."), Message.user("Say <|im_end|> and hi.")]
    seen = await smollm2.prompt(said)
    assert "".join(token.text for token in seen).endswith(
        "<|im_start|>user\nSay <|im_end|> and hi.<|im_end|>\n<|im_start|>assistant\n"
    )
    controls = [token.text for token in seen if token.control]
    assert controls == ["<|im_start|>", "<|im_end|>"] * 2 + ["<|im_start|>"]
    *_, reply = [d async for d in smollm2.stream(said, settings=Settings(max_tokens=4))]
    assert reply.usage.input_tokens == len(seen)
    after = await smollm2.prompt([*said, reply.message, Message.user("Again.")])
    assert sum(token.read for token in after) >= len(seen)
    assert not after[-1].read


async def test_a_turn_with_a_tool_call_is_warm_too(smollm2):
    smollm2.forget()
    question = [Message.user("What is 12 * 7?")]
    required = Settings(
        temperature=0, max_tokens=60, tool_choice="required", parallel_tool_calls=False
    )
    _, first = await ask(smollm2, question, required, tools=[CALCULATOR])
    (call,) = first.message.tool_calls
    result = Message.results([ToolResult(call_id=call.id, content="84")])
    conversation = [*question, first.message, result]
    _, second = await ask(smollm2, conversation, tools=[CALCULATOR])
    warm = first.usage.input_tokens + first.usage.output_tokens - 1
    assert second.usage.cached_tokens == warm


async def test_two_conversations_stay_warm_side_by_side():
    backend = open_backend("local:smollm2", n_ctx=1024, slots=2, threads=1)
    one = [Message.user("Count the words. " + "apple " * 300)]
    other = [Message.user("Name the colours. " + "blue " * 300)]
    short = Settings(temperature=0, max_tokens=1)
    for messages in (one, other):
        assert (await ask(backend, messages, short))[1].usage.cached_tokens < 50
    for messages in (one, other):
        assert (await ask(backend, messages, short))[1].usage.cached_tokens > 300
    await backend.aclose()


async def test_the_same_seed_gives_the_same_tokens_and_another_does_not(smollm2):
    async def drawn(seed: int) -> tuple[int, ...]:
        smollm2.forget()
        settings = Settings(temperature=1.5, top_k=0, top_p=1, min_p=0, seed=seed, max_tokens=16)
        return (await ask(smollm2, FACT, settings))[1].token_ids

    assert await drawn(1) == await drawn(1)
    assert await drawn(1) != await drawn(2)


@pytest.mark.parametrize(
    "narrow",
    [Settings(top_k=1), Settings(top_p=1e-6), Settings(min_p=1.0), Settings(top_k=0, min_p=1)],
)
async def test_samplers_narrowed_to_one_token_are_greedy(smollm2, narrow):
    wide = {"temperature": 1.5, "repeat_penalty": 1.0, "max_tokens": 8, "seed": 5}
    settings = narrow.model_copy(update=wide)
    _, greedy = await ask(smollm2, FACT, GREEDY.model_copy(update={"max_tokens": 8}))
    assert (await ask(smollm2, FACT, settings))[1].token_ids == greedy.token_ids


async def test_a_repeat_penalty_changes_what_is_written(smollm2):
    settings = GREEDY.model_copy(update={"repeat_penalty": 5.0})
    _, plain = await ask(smollm2, FACT)
    assert (await ask(smollm2, FACT, settings))[1].token_ids != plain.token_ids


async def test_a_default_penalty_spares_calls_and_one_asked_for_does_not(smollm2):
    assert smollm2.identity.details["default_repeat_penalty"] == 1.1
    asked = Settings(temperature=0, tool_choice="calculator", max_tokens=60)
    question = [Message.user("What is 11111 * 11111?")]

    async def tokens(penalty: float | None) -> tuple[int, ...]:
        settings = asked.model_copy(update={"repeat_penalty": penalty})
        return (await ask(smollm2, question, settings, tools=[CALCULATOR]))[1].token_ids

    assert await tokens(None) == await tokens(1.0)
    assert await tokens(None) != await tokens(3.0)


async def test_max_tokens_cuts_the_reply(smollm2):
    _, reply = await ask(smollm2, FACT, Settings(temperature=0, max_tokens=3))
    assert reply.stop == "length"
    assert len(reply.token_ids) == 3


async def test_a_stop_text_across_tokens_ends_the_reply_unseen(smollm2):
    _, whole = await ask(smollm2, FACT)
    text = whole.message.text
    stop = text[5:13]
    deltas, reply = await ask(smollm2, FACT, GREEDY.model_copy(update={"stop": (stop,)}))
    assert reply.stop == "stop_sequence"
    assert reply.message.text == text_of(deltas) == text[: text.index(stop)]


async def test_a_required_call_is_one_that_validates(smollm2):
    settings = Settings(
        temperature=0, max_tokens=80, tool_choice="required", parallel_tool_calls=False
    )
    deltas, reply = await ask(
        smollm2, [Message.user("What is 2+2?")], settings, tools=[CALCULATOR, WEATHER]
    )
    (call,) = reply.message.tool_calls
    tool = {"calculator": CALCULATOR, "weather": WEATHER}[call.name]
    jsonschema.validate(json.loads(call.arguments), tool.parameters)
    assert reply.stop == "tool_calls"
    parts = [delta for delta in deltas if isinstance(delta, ToolCallDelta)]
    assert "".join(part.arguments for part in parts) == call.arguments
    assert len(parts) > 1


async def test_a_named_tool_is_the_one_called_whatever_the_question(smollm2):
    settings = Settings(
        temperature=0, max_tokens=80, tool_choice="weather", parallel_tool_calls=False
    )
    _, reply = await ask(
        smollm2, [Message.user("What is 2+2?")], settings, tools=[CALCULATOR, WEATHER]
    )
    assert [call.name for call in reply.message.tool_calls] == ["weather"]
    assert json.loads(reply.message.tool_calls[0].arguments)["city"] in ("Oslo", "Rome")


async def test_several_calls_in_one_reply_are_read_as_such(smollm2):
    settings = Settings(temperature=1.0, seed=0, max_tokens=90, tool_choice="weather")
    question = [Message.user("What is the weather in Oslo and in Rome? Ask about both.")]
    most: tuple[ToolCall, ...] = ()
    for seed in range(6):
        seeded = settings.model_copy(update={"seed": seed})
        calls = (await ask(smollm2, question, seeded, tools=[WEATHER]))[1].message.tool_calls
        most = max(most, calls, key=len)
        if len(most) > 1:
            break
    ids = [call.id for call in most]
    assert len(ids) > 1
    assert ids == [f"call_{number}" for number in range(1, len(ids) + 1)]


async def test_call_ids_go_on_counting_through_the_conversation(smollm2):
    settings = Settings(
        temperature=0, max_tokens=60, tool_choice="weather", parallel_tool_calls=False
    )
    question = [Message.user("Weather in Oslo?")]
    _, first = await ask(smollm2, question, settings, tools=[WEATHER])
    done = Message.results([ToolResult(call_id="call_1", content="rain")])
    again = [*question, first.message, done, Message.user("And in Rome?")]
    _, second = await ask(smollm2, again, settings, tools=[WEATHER])
    assert [call.id for call in second.message.tool_calls] == ["call_2"]


async def test_without_tool_choice_no_call_is_made(smollm2):
    settings = Settings(temperature=0, max_tokens=24, tool_choice="none")
    _, reply = await ask(smollm2, [Message.user("What is 2+2?")], settings, tools=[CALCULATOR])
    assert reply.message.tool_calls == ()
    assert reply.message.text


async def test_an_output_schema_shapes_the_text(smollm2):
    schema = {
        "type": "object",
        "properties": {"answer": {"type": "integer", "minimum": 0, "maximum": 99}},
        "required": ["answer"],
    }
    _, reply = await ask(smollm2, [Message.user("What is 2+2?")], output=schema)
    jsonschema.validate(json.loads(reply.message.text), schema)
    assert reply.stop == "end"


async def test_tools_and_output_give_a_call_or_the_output(smollm2):
    schema = {"type": "object", "properties": {"sure": {"type": "boolean"}}, "required": ["sure"]}
    settings = Settings(temperature=2.0, top_k=0, top_p=1, min_p=0, max_tokens=90)
    kinds = set()
    for seed in range(3):
        _, reply = await ask(
            smollm2,
            [Message.user("Is it raining in Rome?")],
            settings.model_copy(update={"seed": seed}),
            tools=[WEATHER],
            output=schema,
        )
        if reply.message.tool_calls:
            kinds.add("call")
            assert reply.message.text == ""
        else:
            kinds.add("output")
            jsonschema.validate(json.loads(reply.message.text), schema)
    assert kinds


async def test_token_information_is_the_models_own_distribution(smollm2):
    settings = Settings(temperature=0, repeat_penalty=1.0, max_tokens=6, logprobs=3)
    _, reply = await ask(smollm2, FACT, settings)
    assert [token.id for token in reply.tokens] == list(reply.token_ids)
    for token in reply.tokens:
        assert token.masked is None
        # greedy takes the most likely one
        assert token.top[0] == (token.text, token.logprob)
        assert [p for _, p in token.top] == sorted((p for _, p in token.top), reverse=True)
        assert token.logprob <= 0


async def test_token_information_does_not_change_the_tokens(smollm2):
    settings = Settings(temperature=1.0, max_tokens=30, tool_choice="required", seed=3)
    smollm2.forget()
    _, plain = await ask(smollm2, FACT, settings, tools=[WEATHER])
    smollm2.forget()
    seen = settings.model_copy(update={"logprobs": 2})
    _, watched = await ask(smollm2, FACT, seen, tools=[WEATHER])
    assert watched.token_ids == plain.token_ids
    shares = [token.masked for token in watched.tokens]
    assert all(share is not None and 0 <= share <= 1 for share in shares)
    # a reply that has to open with a call was not what the model had in mind
    assert shares[0] is not None
    assert shares[0] > 0.5


async def test_the_event_loop_is_free_while_the_model_writes(smollm2):
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1

    ticking = asyncio.create_task(tick())
    seen = [ticks async for _ in smollm2.stream(FACT, settings=GREEDY)]
    ticking.cancel()
    # it had its turn between most tokens, not only at the end
    assert len(set(seen)) > len(seen) / 2


async def test_leaving_a_stream_stops_the_model_and_keeps_the_context(smollm2):
    smollm2.forget()
    _, before = await ask(smollm2, FACT)
    long = Settings(temperature=0.9, repeat_penalty=1.3, max_tokens=800)
    conversation = [*FACT, before.message, Message.user("Write a long story.")]
    stream = smollm2.stream(conversation, settings=long)
    async for _ in stream:
        break
    await stream.aclose()
    smollm2._worker.submit(int).result()  # the worker is free again
    written = max(len(context.ids) for context in smollm2._engine._contexts)
    one = long.model_copy(update={"max_tokens": 1})
    _, short = await ask(smollm2, conversation, one)
    assert written < short.usage.input_tokens + 60
    _, after = await ask(smollm2, FACT)
    assert after.token_ids == before.token_ids


async def test_cancelling_the_task_that_reads_stops_the_model(smollm2):
    async def read() -> None:
        async for _ in smollm2.stream(FACT, settings=Settings(temperature=0.9, max_tokens=900)):
            await asyncio.sleep(0)

    task = asyncio.create_task(read())
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    _, reply = await ask(smollm2, FACT, Settings(temperature=0, max_tokens=2))
    assert len(reply.token_ids) == 2


async def test_requests_at_the_same_time_take_turns(smollm2):
    questions = [[Message.user(f"Say the number {number}.")] for number in range(3)]
    together = await asyncio.gather(*(ask(smollm2, q) for q in questions))
    alone = [await ask(smollm2, q) for q in questions]
    assert [text_of(d) for d, _ in together] == [r.message.text for _, r in together]
    assert [r.token_ids for _, r in together] == [r.token_ids for _, r in alone]


async def test_a_conversation_that_is_too_long_says_by_how_much(smollm2):
    with pytest.raises(ContextOverflow, match=r"\d+ tokens long and the context holds 1024.*n_ctx"):
        await ask(smollm2, [Message.user("word " * 2000)])
    assert (await ask(smollm2, FACT))[1].message.text


async def test_a_full_context_cuts_the_reply():
    backend = open_backend("local:smollm2", n_ctx=64, threads=1)
    _, reply = await ask(backend, FACT, Settings(temperature=0.8, max_tokens=500))
    assert reply.stop in ("length", "end")
    assert reply.usage.input_tokens + reply.usage.output_tokens <= 65
    await backend.aclose()


@pytest.mark.parametrize("choice", ["nothing", "required"])
async def test_a_tool_choice_that_cannot_be_met_is_refused(smollm2, choice):
    with pytest.raises(ConfigError, match="tool_choice"):
        await ask(smollm2, FACT, Settings(tool_choice=choice))


async def test_pictures_are_refused(smollm2):
    picture = Image(media_type="image/png", blob=Blob.of(b"png"))
    with pytest.raises(ConfigError, match="text only"):
        await ask(smollm2, [Message.user("Look:", picture)])


async def test_the_identity_says_what_answers(smollm2):
    details = smollm2.identity.details
    assert smollm2.identity.name == "local:smollm2"
    assert details["gguf_sha256"] == (
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
    )
    assert details["n_ctx"] == 1024
    assert details["default_temperature"] == 0.2


async def test_unenforced_keywords_are_told(smollm2):
    odd = ToolSpec(
        name="odd",
        description="",
        parameters={"properties": {"u": {"format": "iri", "type": "string"}}},
    )
    assert smollm2.unenforced([odd, CALCULATOR]) == ("odd/properties/u/format",)


async def test_a_closed_backend_says_so_and_closes_twice():
    backend = open_backend("local:smollm2", n_ctx=64, threads=1)
    await backend.aclose()
    await backend.aclose()
    with pytest.raises(BackendError, match="closed"):
        await ask(backend, FACT)


async def test_closing_ends_the_reply_being_written_and_those_waiting():
    backend = open_backend("local:smollm2", n_ctx=1024, threads=1)
    long = Settings(temperature=0.9, max_tokens=900)
    writing = asyncio.create_task(ask(backend, FACT, long))
    waiting = asyncio.create_task(ask(backend, FACT, long))
    await asyncio.sleep(0.1)
    await backend.aclose()
    for task in (writing, waiting):
        with pytest.raises(BackendError, match="closed"):
            await task


async def test_a_call_made_before_in_the_reply_ends_it_and_is_left_out(smollm2):
    one = WEATHER.model_copy(
        update={"parameters": {"properties": {"city": {"const": "Oslo"}}, "required": ["city"]}}
    )
    settings = Settings(temperature=0, max_tokens=200, tool_choice="weather")
    question = [Message.user("Ask for the weather in Oslo, Rome, Paris, London and Berlin.")]
    deltas, reply = await ask(smollm2, question, settings, tools=[one])
    assert reply.stop in ("repetition", "tool_calls")
    (call,) = reply.message.tool_calls
    assert {delta.id for delta in deltas if isinstance(delta, ToolCallDelta)} == {call.id}


async def test_a_model_that_goes_in_circles_is_stopped(smollm2):
    # under greedy choice this small model never leaves a list of this kind
    question = [Message.user("What is the capital of France?")]
    _, reply = await ask(
        smollm2, question, Settings(temperature=0, repeat_penalty=1.0, max_tokens=400)
    )
    assert reply.stop == "repetition"
    assert len(reply.token_ids) < 300


async def test_a_base_model_goes_on_from_the_text_as_it_is():
    backend = open_backend("local:smollm2", n_ctx=256, threads=1, template=PLAIN)
    _, reply = await ask(backend, [Message.user("1, 2, 3, 4, 5,")])
    assert "6, 7, 8" in reply.message.text
    with pytest.raises(ConfigError, match="nothing to answer"):
        await ask(backend, [Message.user("")])
    await backend.aclose()


async def test_adapters_change_the_answer_hot_and_come_off_again(tmp_path):
    file = write_lora(tmp_path / "odd.gguf", size=576, seed=1, strength=3.0)
    backend = open_backend("local:smollm2", n_ctx=256, threads=1, adapters={"odd": file})
    _, changed = await ask(backend, FACT)
    with_adapter = backend.identity
    backend.use_adapters({})
    _, plain = await ask(backend, FACT)
    assert plain.usage.cached_tokens == 0
    assert plain.token_ids != changed.token_ids
    backend.use_adapters({"odd": 1.0})
    _, again = await ask(backend, FACT)
    assert again.token_ids == changed.token_ids
    assert with_adapter == backend.identity
    backend.use_adapters({"odd": 0.0})
    assert (await ask(backend, FACT))[1].token_ids == plain.token_ids
    with pytest.raises(ConfigError, match="no adapter called 'other': odd"):
        backend.use_adapters({"other": 1.0})
    await backend.aclose()


def test_a_missing_or_foreign_adapter_is_one_line(tmp_path):
    with pytest.raises(ModelNotFound, match="no adapter at"):
        open_backend(f"local:smollm2+{tmp_path / 'none.gguf'}", n_ctx=64)
    with pytest.raises(ConfigError, match="not a LoRA adapter for SmolLM2"):
        open_backend(f"local:smollm2+{locate('smollm2')}", n_ctx=64)
