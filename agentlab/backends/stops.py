"""Why a service says it stopped, as one of AgentLab's words, or as an error.

An answer is passed off as whole only where the service said so in a word that is known. A word for
a failure raises StreamBroken, which is tried again while nothing has been shown; a word nobody
knows raises BackendError, with the way to make it known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from agentlab.backend import Stop
from agentlab.errors import BackendError, StreamBroken

_BY_STOP: Mapping[Stop, str] = {
    "end": "stop eos eos_token end end_turn eot done complete completed finish finished",
    "tool_calls": "tool_calls tool_call tool_use function_call",
    "length": "length model_length max_length max_tokens max_output_tokens max_new_tokens "
    "token_limit context_length model_context_window_exceeded pause_turn",
    "stop_sequence": "stop_sequence stop_sequences",
    "filtered": "content_filter content_filtered safety refusal recitation blocklist "
    "prohibited_content spii image_safety language guardrail_intervened",
}
_WORDS: Mapping[str, Stop] = {w: stop for stop, words in _BY_STOP.items() for w in words.split()}
"""Every word that is known, in lower case. Gemini's own come in capitals."""

_FAILURE = re.compile(
    r"error|malformed|fail|insufficient|abort|cancel|interrupt|timeout|timed_out|overload"
    r"|unexpected_tool_call|too_many_tool_calls|unavailable|exception"
)
"""What words for failures have in them."""


def stop_of(reason: str, service: str, more: Mapping[str, Stop] | None = None) -> Stop:
    """The stop that a service's word stands for.

    Args:
        reason: the word, in whatever case.
        service: for the error.
        more: words that the service's own table adds.

    Raises:
        StreamBroken: the word says that the answer failed.
        BackendError: the word is not known, so nobody can say whether the answer is whole.
    """
    word = reason.strip().lower()
    reasons: dict[str, Stop] = dict(_WORDS)
    reasons |= {key.lower(): stop for key, stop in (more or {}).items()}
    if word in reasons:
        return reasons[word]
    short = " ".join(reason.split())[:80]
    if _FAILURE.search(word):
        raise StreamBroken(f"{service} gave up before its answer was complete: {short}")
    raise BackendError(
        f"{service} ended its answer for a reason that is not known ({short}), so it may not be "
        f'whole: if it is, say so in the services file, with stops = {{ "{short}" = "end" }}'
    )


def unsaid(service: str) -> StreamBroken:
    """The error where a service ends its answer in good order, but never says why."""
    return StreamBroken(
        f"{service} ended its answer without a word why (no finish_reason), so it may be cut "
        'short: if it never gives one, say so in the services file, with stops = { "" = "end" }'
    )
