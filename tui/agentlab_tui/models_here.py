"""The models one can talk to from here, as the model dialog lists them."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from agentlab.errors import AgentLabError

if TYPE_CHECKING:
    from agentlab.backends.schemes import Offered

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_WAIT_S = 0.3
_HOLDS_S = 5.0
_seen: dict[tuple[str, int], tuple[float, bool]] = {}


@dataclass(frozen=True)
class ModelHere:
    """A model, or a service of many.

    Attributes:
        name: as `connect` takes it; of a service its beginning, such as `openai:`.
        here: whether there is all that it takes to open it.
        whole: whether the name is complete.
        answers: whether it was seen to be there: a model of this process, a server that listens.
            Of a service elsewhere nobody knows before it is asked, and a list asks nobody.
    """

    name: str
    about: str
    here: bool
    whole: bool
    answers: bool = False


def models_here() -> list[ModelHere]:
    """Local models first, those trained here among them, then services."""
    from agentlab.places.models import hosted_models, local_models

    local = [
        ModelHere(m.name, m.title if m.here else m.note, m.here, whole=True, answers=m.here)
        for m in local_models()
    ]
    try:
        hosted = [_service(offered) for offered in hosted_models()]
    except AgentLabError as error:
        return [*local, ModelHere("services.toml", str(error), here=False, whole=False)]
    return [*local, *hosted]


def _service(offered: Offered) -> ModelHere:
    url = urlsplit(offered.title)
    about = offered.title if offered.here else offered.note
    if url.hostname not in _LOOPBACK:
        return ModelHere(offered.name, about, offered.here, whole=False)
    listens = _listens(url.hostname, url.port or (443 if url.scheme == "https" else 80))
    if offered.here and not listens:
        about = f"nothing listens at {url.netloc}"
    return ModelHere(offered.name, about, offered.here and listens, False, answers=listens)


def _listens(host: str, port: int) -> bool:
    """Whether a server of this machine takes connections. What was found holds a few seconds."""
    at, found = _seen.get((host, port), (float("-inf"), False))
    now = time.monotonic()
    if now - at > _HOLDS_S:
        try:
            socket.create_connection((host, port), timeout=_WAIT_S).close()
            found = True
        except OSError:
            found = False
        _seen[host, port] = (now, found)
    return found
