"""The numbers in the lesson on forgetting: `python measure.py`; some minutes, and 4 GB of memory.

Trains SmolLM2 three times, and asks agents with the four models six plain questions and six orders.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from importlib import import_module

models = import_module("full-fine-tune.models")
orders = import_module("full-fine-tune.orders")
PLAIN = orders.QUESTIONS[:6]
ORDERS = orders.fresh(1, 6)


async def main() -> None:
    """Print a line a model, and what it answered."""
    for name, one in (await models.measured()).items():
        told = await models.answers(name, [asked for asked, _ in (*PLAIN, *ORDERS)])
        plain, tickets = told[: len(PLAIN)], told[len(PLAIN) :]
        known = sum(word in said for said, (_, word) in zip(plain, PLAIN, strict=True))
        right = sum(said == ticket for said, (_, ticket) in zip(tickets, ORDERS, strict=True))
        print(
            f"{name}: loss {one['loss']:.3f}, articles {one['articles']:.1f}, "
            f"{known} of {len(PLAIN)} plain, {right} of {len(ORDERS)} tickets",
            *plain,
            *tickets,
            sep="\n    ",
            flush=True,
        )


if __name__ == "__main__":
    asyncio.run(main())
