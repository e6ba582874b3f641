"""The models one can talk to from here. Whether a key is set is looked at, never the key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from agentlab.errors import AgentLabError


@dataclass(frozen=True)
class ModelHere:
    """A model, or a service of many.

    Attributes:
        name: as `connect` takes it; of a service its beginning, such as `openai:`.
        whole: whether the name is complete.
    """

    name: str
    about: str
    here: bool
    whole: bool


_NEWEST = 8


def models_here() -> list[ModelHere]:
    """Local models first, those trained here after them, then services."""
    from agentlab.backends.llamacpp.registry import MODELS, locate  # noqa: PLC0415
    from agentlab.places.home import environment  # noqa: PLC0415
    from agentlab.places.models import services  # noqa: PLC0415

    found: list[ModelHere] = []
    for name, model in MODELS.items():
        try:
            locate(name)
            here, about = True, model.title + ("" if model.chat else " (continues text)")
        except AgentLabError as error:
            here, about = False, str(error).removeprefix(f"local:{name} is ")
        found.append(ModelHere(f"local:{name}", about, here, whole=True))
    found += _trained()
    try:
        known = services()
    except AgentLabError as error:
        return [*found, ModelHere("services.toml", str(error), here=False, whole=False)]
    for name, preset in known.items():
        variable = preset.key_env
        here = not variable or bool(environment().get(variable, "").strip())
        about = f"set {variable}" if variable and not here else preset.base_url
        found.append(ModelHere(f"{name}:", about, here, whole=False))
    return found


def _trained() -> list[ModelHere]:
    """The models that training jobs made, newest first."""
    from agentlab_tools.train.served import SCHEME, home_jobs  # noqa: PLC0415

    made = [job for job in home_jobs().list() if job.made_model]
    return [
        ModelHere(
            f"{SCHEME}{job.short}",
            f"made here by {Path(job.spec.recipe).stem}, {_date(job.spec.created)}",
            here=True,
            whole=True,
        )
        for job in made[:_NEWEST]
    ]


def _date(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds).astimezone():%d %b %H:%M}"
