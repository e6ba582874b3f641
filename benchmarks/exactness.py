"""Which settings of a local model give the same tokens again, and which only nearly the same.

    python benchmarks/exactness.py [--model local:smollm2] [--tokens N]

Three conversations with a long system message are answered once by a model that starts cold (one
thread, batches of 128 tokens); then again under one other condition at a time. "tokens" tells
whether all of them are equal, or the first place where one is not; "probabilities" whether the
log-probability of every chosen token is equal to the last bit, or the largest difference before the
tokens part. "made warm again" is what verifying does for a run that began warm.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from typing import Any

from agentlab import Agent, Limits, Message, Settings, tool
from agentlab.backends import connect

TOLD = "You are brief. " + "Rivers run to the sea, and the sea gives its water to the clouds. " * 20
ASKED = (
    ("Write a poem about rivers and stones.", 0.8, False),
    ("Explain how a bicycle stays upright.", 0.0, False),
    ("What is 17 * 23?", 0.8, True),
)
USUAL: dict[str, Any] = {"threads": 1, "n_batch": 128, "n_ctx": 2048}
CONDITIONS: dict[str, dict[str, Any]] = {
    "the same, in another context": {},
    "twice the context size": {"n_ctx": 4096},
    "two threads": {"threads": 2},
    "batches of 64 tokens": {"n_batch": 64},
    "batches of 512 tokens": {"n_batch": 512},
}


@tool
def calculator(expression: str) -> str:
    """Calculate."""
    return "391"


class Said:
    """Tokens and their log-probabilities."""

    def __init__(self, replies: Sequence[Any]) -> None:
        self.ids = [id for reply in replies for id in reply.token_ids]
        self.cached: int = replies[0].usage.cached_tokens
        self.chances = [token.logprob for reply in replies for token in reply.tokens]

    def against(self, other: Said) -> tuple[str, str]:
        """How tokens and probabilities compare."""
        pairs = list(zip(self.ids, other.ids, strict=False))
        part = next((i for i, (a, b) in enumerate(pairs) if a != b), None)
        same = self.ids == other.ids
        tokens = "equal" if same else f"part at {len(pairs) if part is None else part}"
        if self.chances == other.chances:
            return tokens, "equal"
        until = len(pairs) if part is None else part
        gaps = [abs(a - b) for a, b in zip(self.chances[:until], other.chances, strict=False)]
        return tokens, f"within {max(gaps, default=0.0):.1g}"


def talker(model: Any, tokens: int, number: int) -> Agent[Any]:
    """The agent of one of the conversations."""
    _, temperature, tooled = ASKED[number]
    return Agent(
        backend=model,
        instructions=TOLD,
        tools=[calculator] if tooled else [],
        settings=Settings(
            temperature=temperature,
            seed=7,
            max_tokens=tokens,
            logprobs=1,
            tool_choice="required" if tooled else "auto",
        ),
        limits=Limits(steps=2),
        runs=None,
    )


async def said(model: Any, number: int, tokens: int) -> Said:
    """What the model says in one of the conversations: two replies where it has a tool."""
    run = talker(model, tokens, number).run(ASKED[number][0])
    return Said([e.reply async for e in run if e.kind == "model_replied"])


async def measure(name: str, tokens: int) -> None:
    """Print the table."""
    model = connect(name, **USUAL)
    first: list[Said] = []
    for number in range(len(ASKED)):
        model.forget()  # pyright: ignore
        first.append(await said(model, number, tokens))
    print(f"{'condition':<34}{'conversation':<14}{'tokens':<14}probabilities")

    async def row(condition: str, other: Any, *, cold: bool = True) -> None:
        for number in range(len(ASKED)):
            if cold:
                other.forget()
            told = first[number].against(await said(other, number, tokens))
            print(f"{condition:<34}{number + 1:<14}{told[0]:<14}{told[1]}", flush=True)

    await row("the same, cold again", model)
    for number, (prompt, _, tooled) in enumerate(ASKED):
        model.forget()  # pyright: ignore
        before = talker(model, 1, number)
        await before.run("Good morning.")
        warm = await said(model, number, tokens)
        told = first[number].against(warm)
        print(f"{'warm from another conversation':<34}{number + 1:<14}{told[0]:<14}{told[1]}")
        opening = (Message.system(TOLD), Message.user(prompt))
        tools = [calculator.spec] if tooled else []
        await model.rewarm(opening, tools=tools, tokens=warm.cached)  # pyright: ignore
        told = warm.against(await said(model, number, tokens))
        print(
            f"{'  against made warm again':<34}{number + 1:<14}{told[0]:<14}{told[1]}", flush=True
        )
    await model.aclose()
    for condition, options in CONDITIONS.items():
        other = connect(name, **{**USUAL, **options})
        await row(condition, other)
        await other.aclose()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="which settings give the same tokens again")
    parser.add_argument("--model", default="local:smollm2")
    parser.add_argument("--tokens", type=int, default=64)
    options = parser.parse_args()
    asyncio.run(measure(options.model, options.tokens))


if __name__ == "__main__":
    main()
