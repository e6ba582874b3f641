"""Conversations that a later process goes on with: the same numbers, and never anything else's."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from agentlab import Message, Settings
from agentlab.backends import connect
from agentlab.backends.llamacpp.states import State, States

pytest.importorskip("llama_cpp")
ASKED = (
    Message.system("You are brief. " + "Numbers and names matter. " * 20),
    Message.user("Name three rivers of Europe."),
)
NEXT = Message.user("And one of Asia?")
SETTINGS = Settings(temperature=0, max_tokens=12, logprobs=2)
MODEL = {"gguf_sha256": "1", "adapters": "{}", "llama_cpp": "2"}


async def answer(backend: Any, *messages: Message) -> Any:
    return [item async for item in backend.stream(messages, settings=SETTINGS)][-1]


def local(**options: Any) -> Any:
    return connect("local:smollm2", threads=1, n_ctx=512, **options)


async def test_a_new_process_goes_on_as_the_old_one_would_have_to_the_last_bit(tmp_path):
    first = local(states=tmp_path)
    said = await answer(first, *ASKED)
    here = await answer(first, *ASKED, said.message, NEXT)
    await first.aclose()

    second = local(states=tmp_path)
    assert (await answer(second, *ASKED)).usage.cached_tokens == 0  # cold, unless asked
    await second.aclose()
    assert len(list(tmp_path.iterdir())) == 1  # what it read is kept already

    third = local(states=tmp_path, restore=True)
    there = await answer(third, *ASKED, said.message, NEXT)
    await third.aclose()
    assert there.usage.cached_tokens > here.usage.cached_tokens
    assert there.token_ids == here.token_ids


async def test_a_restored_memory_is_the_one_that_was_kept(tmp_path):
    first = local(states=tmp_path)
    said = await answer(first, *ASKED)
    there = (*ASKED, said.message, NEXT)
    await first.aclose()
    # both go on from the same memory in the same batches, so probabilities are equal too
    replies: list[Any] = []
    for _ in range(2):
        backend = local(states=None if replies else tmp_path, restore=True)
        if replies:
            await answer(backend, *ASKED)
        replies.append(await answer(backend, *there))
        await backend.aclose()
    restored, warm = replies
    assert restored.usage.cached_tokens == warm.usage.cached_tokens > 0
    assert restored.tokens == warm.tokens


async def test_another_conversation_is_not_gone_on_with(tmp_path):
    first = local(states=tmp_path)
    await answer(first, *ASKED)
    await first.aclose()
    other = local(states=tmp_path, restore=True)
    reply = await answer(other, Message.system("Sing."), Message.user("La"))
    await other.aclose()
    assert reply.usage.cached_tokens == 0


async def test_a_memory_too_large_for_the_context_is_left_alone(tmp_path):
    first = local(states=tmp_path)
    await answer(first, ASKED[0], Message.user("Name a river. " * 70))
    await first.aclose()
    small = connect("local:smollm2", threads=1, n_ctx=256, states=tmp_path, restore=True)
    reply = await answer(small, *ASKED)
    await small.aclose()
    assert reply.usage.cached_tokens == 0
    assert reply.message.text


async def test_a_folder_that_cannot_be_written_costs_nothing_but_time(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    backend = local(states=blocked / "states", restore=True)
    assert (await answer(backend, *ASKED)).message.text
    await backend.aclose()


def saved(folder: Path, ids: list[int], details: Any = MODEL, size: int = 100) -> States:
    states = States(folder, budget=1000)
    states.save(details, ids, memoryview(bytes(size)))
    return states


def held(states: States, details: Any = MODEL) -> list[list[int]]:
    return [list(state.ids) for state in states.of(details)]


def test_only_its_owner_can_read_it(tmp_path):
    states = saved(tmp_path / "new", [1, 2])
    (state,) = states.of(MODEL)
    assert stat.S_IMODE(state.path.stat().st_mode) == 0o600
    assert state.load() == bytes(100)


@pytest.mark.parametrize("changed", ["gguf_sha256", "adapters", "llama_cpp"])
def test_another_model_finds_nothing(tmp_path, changed):
    states = saved(tmp_path, [1, 2])
    assert held(states) == [[1, 2]]
    assert held(states, {**MODEL, changed: "other"}) == []
    assert held(states, {**MODEL, "threads": 3}) == [[1, 2]]


def test_a_conversation_that_went_on_takes_the_place_of_its_beginning(tmp_path):
    saved(tmp_path, [1, 2])
    saved(tmp_path, [1, 2, 3])
    states = saved(tmp_path, [1, 2])
    assert held(states) == [[1, 2, 3]]


def test_what_was_used_longest_ago_makes_room(tmp_path):
    states = saved(tmp_path, [1], size=300)
    saved(tmp_path, [2], size=300)
    for moment, first in enumerate([2, 1]):
        os.utime(of(states, first).path, (moment, moment))
    of(states, 2).load()  # used just now, so it is the other that goes
    saved(tmp_path, [3], size=300)
    assert sorted(held(states)) == [[2], [3]]


def of(states: States, first: int) -> State:
    return next(state for state in states.of(MODEL) if state.ids[0] == first)


def test_one_that_is_larger_than_all_the_room_is_not_kept(tmp_path):
    assert held(saved(tmp_path, [1], size=2000)) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["cut", "longer", "another format", "no header", "many tokens"])
def test_a_damaged_file_is_passed_over(tmp_path, damage):
    states = saved(tmp_path, [1, 2])
    path = of(states, 1).path
    data = path.read_bytes()
    path.write_bytes(
        {
            "cut": data[:-1],
            "longer": data + b"x",
            "another format": data.replace(b"agentlab-state", b"agentlab-trace"),
            "no header": b"\x00" * 50,
            "many tokens": data.replace(b'"tokens": 2', b'"tokens": 9999999'),
        }[damage]
    )
    assert held(states) == []
