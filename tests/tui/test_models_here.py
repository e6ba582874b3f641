"""The model dialog ticks only what answers."""

from __future__ import annotations

import socket

import pytest

from agentlab.backends.schemes import Offered
from agentlab_tui import models_here as module
from agentlab_tui.models_here import models_here
from agentlab_tui.screens.model import _line


def listed(monkeypatch: pytest.MonkeyPatch, *offered: Offered) -> dict[str, bool]:
    monkeypatch.setattr("agentlab.places.models.local_models", lambda: iter(()))
    monkeypatch.setattr("agentlab.places.models.hosted_models", lambda: iter(offered))
    module._seen.clear()
    return {model.name: model.answers for model in models_here()}


def test_a_server_of_this_machine_is_ticked_while_it_listens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        mine = Offered("mine:", url, True, "needs no key")
        assert listed(monkeypatch, mine) == {"mine:": True}
    assert listed(monkeypatch, mine) == {"mine:": False}


def test_a_service_elsewhere_is_not_ticked_and_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_connection(*_: object, **__: object) -> None:
        raise AssertionError("a list asks nobody")

    monkeypatch.setattr(socket, "create_connection", no_connection)
    far = Offered("far:", "https://far.example/v1", True, "FAR_KEY is set")
    assert listed(monkeypatch, far) == {"far:": False}


def test_what_installs_a_packaged_model_stands_whole_in_its_line() -> None:
    missing = [model for model in models_here() if model.whole and not model.here]
    if not missing:
        pytest.skip("every packaged model is installed here")
    for model in missing:
        shown = _line(model).plain
        assert "…" not in shown
        assert model.about.removeprefix("not installed: ") in shown
