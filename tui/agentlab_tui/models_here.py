"""The models one can talk to from here, as the model dialog lists them."""

from __future__ import annotations

from dataclasses import dataclass

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


def models_here() -> list[ModelHere]:
    """Local models first, those trained here among them, then services."""
    from agentlab.places.models import hosted_models, local_models  # noqa: PLC0415

    local = [
        ModelHere(m.name, m.title if m.here else m.note, m.here, whole=True) for m in local_models()
    ]
    try:
        hosted = [
            ModelHere(m.name, m.title if m.here else m.note, m.here, whole=False)
            for m in hosted_models()
        ]
    except AgentLabError as error:
        return [*local, ModelHere("services.toml", str(error), here=False, whole=False)]
    return [*local, *hosted]
