"""Exchanges that show the way: three calls, each with what the last one returned."""

from __future__ import annotations

from agentlab.backend import Settings
from agentlab.labs import Example, Then
from agentlab.limits import Limits

from .depot import pointer, prose, question

STEADY = Settings(temperature=0, max_tokens=60, repeat_penalty=1.0)
"""Greedy, so that a run can be repeated; and no penalty on repeating, since keys are copied."""

FIVE = Limits(steps=5)
"""Three look-ups and an answer take four."""

_SHOWN = (
    ("1111", "Mole", "Kim", "0555 1234"),
    ("2060", "Swan", "Jo", "0777 9012"),
    ("4417", "Stork", "Eva", "0301 5566"),
)


def _shown(tool: str) -> tuple[Example, ...]:
    return tuple(_example(tool, *facts) for facts in _SHOWN)


def _example(tool: str, parcel: str, van: str, driver: str, phone: str) -> Example:
    way = [(f"parcel {parcel}", "van", van), (f"van {van}", "driver", driver)]
    way.append((f"driver {driver}", "phone", phone))
    said = [prose(*leg) if tool == "look_up" else pointer(*leg[1:]) for leg in way]
    (first, *_), *rest = way
    return Example(
        user=question(parcel),
        tool=tool,
        arguments={"key": first},
        result=said[0],
        then=tuple(
            Then(arguments={"key": key}, result=result)
            for (key, *_), result in zip(rest, said[1:], strict=True)
        ),
        answer=f"Call {phone}.",
    )


PROSE = _shown("look_up")
POINTERS = _shown("look_up_next")
