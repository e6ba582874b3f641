"""What the backend costs on top of llama.cpp's bare loop, and what a second turn has to read again.

    python benchmarks/generation.py [--tokens 160] [--rounds 7] [--model smollm2]

All run in this process, in turns, on the same weights file, with the same prompt, sampler settings,
context size, batch size and number of threads. *Bare* is `Llama.generate` of llama-cpp-python with
nothing done to the tokens; *floor* is the two C calls of a token, decode and sample, in a Python
loop; *ours* is `LlamaCpp.stream`, from the request to the reply, with tokens turned into text,
parsed and delivered to an event loop. The prompt has been read before on every side. The ratios
printed are medians over the rounds. On a busy machine, look at the processor time with `--threads
1`: the clock then mostly measures the neighbours.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from dataclasses import dataclass
from typing import Any

from agentlab.backend import Reply, Settings, ToolSpec
from agentlab.backends.llamacpp.backend import LlamaCpp
from agentlab.backends.llamacpp.registry import locate, open_backend
from agentlab.backends.llamacpp.threads import physical_cores
from agentlab.messages import Message, ToolResult

N_CTX, N_BATCH = 2048, 128
QUESTION = Message.user("Tell me a long story about a lighthouse keeper and her dog.")
RECORD = ToolSpec(
    name="record",
    description="Keep notes.",
    parameters={
        "type": "object",
        "properties": {"notes": {"type": "array", "items": {"type": "string"}, "minItems": 40}},
        "required": ["notes"],
    },
)


def settings(tokens: int, seed: int, **more: Any) -> Settings:
    """The same sampling on both sides."""
    common = {"temperature": 0.8, "top_k": 40, "top_p": 0.95, "min_p": 0.05, "repeat_penalty": 1.0}
    return Settings(**common, max_tokens=tokens, seed=seed, **more)


@dataclass(frozen=True)
class Cost:
    """Of one generated token, in milliseconds."""

    wall: float
    cpu: float
    """Of all threads."""


class Clock:
    """Starts when made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def stop(self, tokens: int) -> Cost:
        """The cost of each of this many tokens."""
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        return Cost(wall / tokens * 1000, cpu / tokens * 1000)


def bare(llama: Any, prompt: list[int], tokens: int, seed: int) -> Cost:
    """What `Llama.generate` takes."""
    llama.set_seed(seed)
    start = Clock()
    count = 0
    for _ in llama.generate(prompt, top_k=40, top_p=0.95, min_p=0.05, temp=0.8, repeat_penalty=1.0):
        count += 1
        if count == tokens:
            break
    return start.stop(count)


def floor(llama: Any, prompt: list[int], tokens: int, seed: int) -> Cost:
    """What decode and sample alone take, in the context that `llama` holds."""
    import llama_cpp as lib

    list(zip(range(1), llama.generate(prompt, temp=0.0), strict=False))
    context = llama.ctx
    memory: Any = lib.llama_get_memory(context)
    lib.llama_memory_seq_rm(memory, 0, len(prompt) - 1, -1)
    chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
    for sampler in (
        lib.llama_sampler_init_top_k(40),
        lib.llama_sampler_init_top_p(0.95, 1),
        lib.llama_sampler_init_min_p(0.05, 1),
        lib.llama_sampler_init_temp(0.8),
        lib.llama_sampler_init_dist(seed),
    ):
        lib.llama_sampler_chain_add(chain, sampler)
    one = (lib.llama_token * 1)(prompt[-1])
    batch = lib.llama_batch_get_one(one, 1)
    start = Clock()
    for _ in range(tokens):
        lib.llama_decode(context, batch)
        one[0] = lib.llama_sampler_sample(chain, context, -1)
    cost = start.stop(tokens)
    lib.llama_sampler_free(chain)
    llama.reset()
    return cost


async def ours(backend: LlamaCpp, wanted: Settings, **options: Any) -> Cost:
    """What `stream` takes, from the request to the reply, as the event loop sees it."""
    start = Clock()
    *_, reply = [item async for item in backend.stream([QUESTION], settings=wanted, **options)]
    assert isinstance(reply, Reply)
    return start.stop(reply.usage.output_tokens)


async def second_turn(backend: LlamaCpp) -> list[tuple[str, int, int, int]]:
    """(what, tokens of the prompt, of these already warm, evaluated) of some second turns."""
    rows: list[tuple[str, int, int, int]] = []
    wanted = settings(40, 1)
    backend.forget()
    history = [QUESTION]
    for turn in ("first turn", "second turn", "third turn"):
        *_, reply = [item async for item in backend.stream(history, settings=wanted)]
        assert isinstance(reply, Reply)
        usage = reply.usage
        fresh = usage.input_tokens - usage.cached_tokens
        rows.append((turn, usage.input_tokens, usage.cached_tokens, fresh))
        history = [*history, reply.message, Message.user("Go on.")]
    backend.forget()
    forced = settings(400, 1, tool_choice="record", parallel_tool_calls=False)
    question = [Message.user("Note three things about the sea.")]
    tool = RECORD.model_copy(update={"parameters": {"properties": {"note": {"maxLength": 40}}}})
    *_, reply = [i async for i in backend.stream(question, tools=[tool], settings=forced)]
    assert isinstance(reply, Reply)
    (call,) = reply.message.tool_calls
    result = Message.results([ToolResult(call_id=call.id, content="kept")])
    after = [*question, reply.message, result]
    *_, reply = [i async for i in backend.stream(after, tools=[tool], settings=wanted)]
    assert isinstance(reply, Reply)
    usage = reply.usage
    fresh = usage.input_tokens - usage.cached_tokens
    return [*rows, ("after a tool call", usage.input_tokens, usage.cached_tokens, fresh)]


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--tokens", type=int, default=160)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--threads", type=int, default=physical_cores())
    chosen = parser.parse_args()

    import llama_cpp

    threads = chosen.threads
    backend = open_backend(
        f"local:{chosen.model}", n_ctx=N_CTX, n_batch=N_BATCH, threads=threads, slots=1
    )
    llama: Any = llama_cpp.Llama(
        str(locate(chosen.model)),
        n_ctx=N_CTX,
        n_batch=N_BATCH,
        n_threads=threads,
        n_threads_batch=threads,
        verbose=False,
    )
    text = (
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face"
        f"<|im_end|>\n<|im_start|>user\n{QUESTION.text}<|im_end|>\n<|im_start|>assistant\n"
    )
    prompt = llama.tokenize(text.encode(), add_bos=False, special=True)

    costs: dict[str, list[Cost]] = {"floor": [], "bare": [], "ours": [], "ours, grammar": []}
    for seed in range(-1, chosen.rounds):
        tokens = chosen.tokens if seed >= 0 else 8
        free, forced = settings(tokens, seed), settings(tokens, seed, tool_choice="required")
        found: dict[str, Cost] = {}
        for side in sorted(costs, reverse=bool(seed % 2)):
            if side == "floor":
                found[side] = floor(llama, prompt, tokens, seed)
            elif side == "bare":
                bare(llama, prompt, 1, seed)
                found[side] = bare(llama, prompt, tokens, seed)
            else:
                wanted, tools = (free, []) if side == "ours" else (forced, [RECORD])
                await ours(backend, wanted.model_copy(update={"max_tokens": 1}), tools=tools)
                found[side] = await ours(backend, wanted, tools=tools)
        if seed >= 0:  # the first round warms up
            for side, cost in found.items():
                costs[side].append(cost)
    print(f"{chosen.model}, {threads} threads, {chosen.tokens} tokens, {chosen.rounds} rounds")
    print(f"{'':20}{'tokens/s':>10}{'to bare':>10}{'cpu ms':>10}{'to bare':>10}")
    for side, seen in costs.items():
        pairs = list(zip(seen, costs["bare"], strict=True))
        speed = statistics.median(theirs.wall / mine.wall for mine, theirs in pairs)
        work = statistics.median(mine.cpu / theirs.cpu for mine, theirs in pairs)
        rate = 1000 / statistics.median(cost.wall for cost in seen)
        cpu = statistics.median(cost.cpu for cost in seen)
        print(f"{side:20}{rate:10.1f}{speed:10.3f}{cpu:10.2f}{work:10.3f}")
    print(f"{'':20}{'prompt':>8}{'warm':>8}{'evaluated':>11}")
    for what, total, warm, fresh in await second_turn(backend):
        print(f"{what:20}{total:8}{warm:8}{fresh:11}")
    await backend.aclose()


if __name__ == "__main__":
    asyncio.run(main())
