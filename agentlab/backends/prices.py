"""What an answer costs, in US dollars.

Prices come from the `genai-prices` package, which is kept up to date by its authors; a table given
here goes before them. Where neither knows a model, the cost is unknown (None), never zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from pydantic import Field

from agentlab.messages import Value


class Price(Value):
    """US dollars for a million tokens."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cached: float | None = Field(default=None, ge=0)
    """For input read from the provider's cache; None: as much as other input."""
    cache_write: float | None = Field(default=None, ge=0)
    """For input written to the cache; None: as much as other input."""


FREE = Price(input=0, output=0)
"""For services that run on one's own machine."""


def cost(
    provider: str,
    model: str,
    *,
    input_tokens: int,
    output_tokens: int,
    cached_tokens: int = 0,
    cache_write_tokens: int = 0,
    prices: Mapping[str, Price] | None = None,
) -> float | None:
    """What these tokens cost; None if no price is known.

    Args:
        provider: as `genai-prices` calls it; empty if it does not know it.
        model: as the provider calls it.
        input_tokens: all of the input, cached or not.
        output_tokens: all of the output, reasoning included.
        cached_tokens: the part of the input that was read from the cache.
        cache_write_tokens: the part of the input that was written to the cache.
        prices: model to price; `"*"` stands for every model.
    """
    price = (prices or {}).get(model) or (prices or {}).get("*")
    if price is not None:
        plain = input_tokens - cached_tokens - cache_write_tokens
        read = price.input if price.cached is None else price.cached
        write = price.input if price.cache_write is None else price.cache_write
        total = (
            plain * price.input
            + cached_tokens * read
            + cache_write_tokens * write
            + output_tokens * price.output
        )
        return total / 1e6
    if not provider or not _is_listed(provider, model):
        return None
    import genai_prices

    usage = genai_prices.Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cache_read_tokens=cached_tokens,
        cache_write_tokens=cache_write_tokens,
    )
    try:
        return float(genai_prices.calc_price(usage, model, provider_id=provider).total_price)
    except ValueError:
        return None


@lru_cache(maxsize=1024)
def _is_listed(provider: str, model: str) -> bool:
    """Whether the list has the model. It takes long to say no, so it is asked once."""
    import genai_prices

    nothing = genai_prices.Usage(input_tokens=0, output_tokens=0)
    try:
        genai_prices.calc_price(nothing, model, provider_id=provider)
    except LookupError:
        return False
    return True
