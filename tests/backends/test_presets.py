"""Services as data: every one can be opened, and a user's file adds more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agentlab.backend import Settings
from agentlab.backends import connect
from agentlab.backends.clients import Options
from agentlab.backends.presets import PRESETS, load_presets
from agentlab.backends.prices import FREE, Price, cost
from agentlab.backends.schemes import SCHEMES
from agentlab.errors import ConfigError

KEYS = {"OPENAI_API_KEY": "k"}
MINE = """
[services.office]
like = "vllm"
base_url = "https://llm.office.example/v1"
key_env = "OFFICE_KEY"
settings = { top_k = "", seed = "random_seed" }

[services.office.prices.big]
input = 2.0
output = 8.0

[services.openai]
key_env = "WORK_OPENAI_KEY"

[services.mirror]
base_url = "https://mirror.example/v1"
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(MINE)
    return path


def test_every_preset_is_a_scheme_of_connect() -> None:
    hosted = {word for word, scheme in SCHEMES.items() if not scheme.local}
    assert hosted - {"http", "https"} == set(PRESETS)


@pytest.mark.parametrize("name", PRESETS)
async def test_every_preset_opens(name: str) -> None:
    backend = connect(f"{name}:some-model", api_key="k")
    assert backend.identity.name == f"{name}:some-model"
    assert backend.identity.details["base_url"] == PRESETS[name].base_url
    await backend.aclose()


def test_every_setting_in_a_table_is_one_there_is() -> None:
    for preset in PRESETS.values():
        assert set(preset.settings) <= set(Settings.model_fields)


@pytest.mark.parametrize(
    ("model", "protocol"),
    [
        ("gpt-5", "chat"),
        ("gpt-4.1-mini", "chat"),
        ("gpt-5-pro", "responses"),
        ("o3-pro-2025-06-10", "responses"),
        ("gpt-5.1-codex-max", "responses"),
        ("o4-mini-deep-research", "responses"),
    ],
)
def test_models_are_asked_over_the_protocol_they_want(model: str, protocol: str) -> None:
    backend = connect(f"openai:{model}", api_key="k")
    assert backend.identity.details["protocol"] == protocol


def test_a_file_adds_and_changes_services(mine: Path) -> None:
    presets = load_presets(mine)
    assert set(presets) == {*PRESETS, "office", "mirror"}
    office = presets["office"]
    assert office.settings["seed"] == "random_seed"
    assert "top_k" not in office.settings
    assert office.settings["min_p"] == "min_p"
    assert office.reasoning_field == PRESETS["vllm"].reasoning_field
    assert office.prices == {"big": Price(input=2, output=8)}
    assert presets["openai"].key_env == "WORK_OPENAI_KEY"
    assert presets["openai"].base_url == PRESETS["openai"].base_url
    assert PRESETS["openai"].key_env == "OPENAI_API_KEY"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_a_file_of_services_may_come_from_any_editor(mine: Path, encoding: str) -> None:
    text = mine.read_text(encoding="utf-8") + "\n# für später\n"
    plain = load_presets(mine)
    mine.write_bytes(text.encode(encoding))
    assert load_presets(mine) == plain


def test_a_services_key_is_not_inherited_by_another_address(mine: Path) -> None:
    assert load_presets(mine)["mirror"].key_env == ""


def test_a_service_of_ones_own_opens_by_name(mine: Path) -> None:
    backend = connect("office:big", services=mine, env={"OFFICE_KEY": "k"})
    assert backend.identity.name == "office:big"
    assert backend.identity.details["base_url"] == "https://llm.office.example/v1"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[services", "can't be read"),
        ("services = 1", "must be tables"),
        ("[services]\na = 1", "must be a table"),
        ("[services.a]\nurl = 'x'", "has no field 'url'"),
        ("[services.a]\nlike = 'b'", "like = 'b'"),
        ("[services.a]\nprotocol = 'smoke'", "protocol"),
        ("[services.a.prices.m]\ninput = -1\noutput = 1", "prices.m.input"),
    ],
)
def test_a_file_that_is_wrong_says_where(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=says) as caught:
        load_presets(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("openai:", {"env": KEYS}, "names no model"),
        ("http://localhost:1/v1", {}, "names no model"),
        (
            "openai:m",
            {"colour": "red", "env": KEYS},
            "has no option 'colour'; there are .*base_url",
        ),
        ("nobody:m", {"services": {}}, "no service is called 'nobody'"),
        ("nobody:m", {}, "no backend answers"),
    ],
)
def test_a_name_that_is_wrong_says_so(name: str, options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        connect(name, **options)


def test_options_are_shown_without_what_may_be_secret() -> None:
    assert "token" not in repr(Options(headers={"X": "token"}))


# Prices


def test_the_price_list_knows_the_common_models() -> None:
    for provider, model in (
        ("openai", "gpt-5"),
        ("anthropic", "claude-sonnet-4-5"),
        ("google", "gemini-2.5-flash"),
        ("mistral", "mistral-large-latest"),
        ("groq", "llama-3.3-70b-versatile"),
    ):
        dollars = cost(provider, model, input_tokens=1_000_000, output_tokens=100_000)
        assert dollars is not None
        assert 0.1 < dollars < 100


def test_cached_input_is_cheaper() -> None:
    plain = cost("openai", "gpt-5", input_tokens=1000, output_tokens=0)
    cached = cost("openai", "gpt-5", input_tokens=1000, output_tokens=0, cached_tokens=900)
    assert plain is not None
    assert cached is not None
    assert 0 < cached < plain


def test_an_unknown_price_is_unknown_and_not_nothing() -> None:
    assert cost("openai", "no-such-model", input_tokens=9, output_tokens=9) is None
    assert cost("", "gpt-5", input_tokens=9, output_tokens=9) is None


def test_ones_own_prices_go_first() -> None:
    mine = {"gpt-5": Price(input=10, output=100, cached=1, cache_write=20)}
    dollars = cost(
        "openai",
        "gpt-5",
        input_tokens=1000,
        output_tokens=100,
        cached_tokens=500,
        cache_write_tokens=100,
        prices=mine,
    )
    assert dollars == pytest.approx((400 * 10 + 500 * 1 + 100 * 20 + 100 * 100) / 1e6)
    assert cost("", "any", input_tokens=9, output_tokens=9, prices={"*": FREE}) == 0.0


def settings_table() -> str:
    """The table of settings in the documentation, made from the presets."""
    names = [
        "temperature", "top_p", "top_k", "min_p", "repeat_penalty", "max_tokens", "stop", "seed",
        "logprobs", "parallel_tool_calls",
    ]  # fmt: skip
    rows = [["service", *names], ["---"] * (len(names) + 1)]
    rows += [
        [preset.name, *(f"`{preset.settings[n]}`" if n in preset.settings else "" for n in names)]
        for preset in PRESETS.values()
    ]
    return "\n".join(f"| {' | '.join(row)} |".replace("  ", " ") for row in rows)


def test_the_documentation_tells_the_settings_as_they_are() -> None:
    text = (Path(__file__).parents[2] / "docs" / "backends.md").read_text()
    table = text.split("<!-- settings: begin -->\n")[1].split("\n<!-- settings: end -->")[0]
    assert table == settings_table()
    for preset in PRESETS.values():
        if preset.key_env:
            assert f"| {preset.name} | `{preset.key_env}` |" in text
