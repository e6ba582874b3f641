"""Values refuse what a person misspelt, and read back what a newer version wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from agentlab import Agent, Decision, Limits, Message, Policy, Settings, Trace
from agentlab.backends.presets import load_presets
from agentlab.backends.scripted import Scripted
from agentlab.errors import ConfigError, LabError, Refused
from agentlab.labs.answers import AgentAnswer, parse_answer
from agentlab.values import Value


def every_kind(kind: type[Value] = Value) -> Iterator[type[Value]]:
    for each in kind.__subclasses__():
        if each.__module__.startswith("agentlab."):
            yield each
            yield from every_kind(each)


@pytest.mark.parametrize(
    ("kind", "given", "meant"),
    [
        (Policy, {"asks": ("buy",)}, "ask"),
        (Policy, {"denied": ("buy",)}, "deny"),
        (Limits, {"token": 5}, "tokens"),
        (Settings, {"temprature": 0}, "temperature"),
        (Decision, {"verdit": "allow"}, "verdict"),
        (AgentAnswer, {"settings": {"temprature": 0}}, "temperature"),
        (Message, {"role": "user", "part": ()}, "parts"),
    ],
)
def test_a_misspelt_field_is_refused_with_the_one_that_was_meant(kind, given, meant):
    with pytest.raises(Refused, match=f"^{kind.__name__}.*did you mean '{meant}'\\?$"):
        kind(**given)


def _name(kind: type[Value]) -> str:
    return kind.__name__


@pytest.mark.parametrize("kind", sorted(set(every_kind()), key=_name), ids=_name)
def test_every_kind_of_value_refuses_a_field_it_does_not_have(kind):
    with pytest.raises(Refused, match="no field 'qqqq'") as refused:
        kind(qqqq=1)
    assert "\n" not in str(refused.value)


def test_a_field_like_no_other_is_told_what_there_is():
    with pytest.raises(Refused, match="no field 'xyz'; there are allow, ask, deny, otherwise"):
        Policy.written({"xyz": 1})


def test_a_value_that_does_not_fit_is_one_line():
    with pytest.raises(ValueError, match=r"^Limits, steps: Input should be greater than 0$"):
        Limits(steps=0)


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("[settings]\ntemprature = 0", "no 'temprature' in settings; did you mean 'temperature'"),
        ("[limits]\nstep = 3", "line 2: there is no 'step' in limits; did you mean 'steps'"),
        ('[[examples]]\nuser = "a"\nanswr = "b"', "no 'answr' in examples; did you mean 'answer'"),
        ('instruction = "x"', "there is no 'instruction'; did you mean 'instructions'"),
    ],
)
def test_a_misspelt_key_in_an_answer_is_refused_wherever_it_stands(toml, says):
    with pytest.raises(LabError, match=says):
        parse_answer(toml, AgentAnswer, "first-call.toml")


def test_a_misspelt_key_in_a_services_file_is_refused_wherever_it_stands(tmp_path):
    file = tmp_path / "services.toml"
    file.write_text("[services.a]\n[services.a.prices.m]\ninput = 1\noutputs = 2\n")
    with pytest.raises(ConfigError, match=r"prices\.m has no field 'outputs': did you mean 'outpu"):
        load_presets(file)


def test_a_trace_of_a_newer_version_is_read_with_all_it_has_of_ours(runs):
    result = Agent(
        backend=Scripted(["hello"]),
        runs=runs,
        settings=Settings(seed=3),
        approval=Policy(ask=("a",)),
    ).run_sync("hi")
    assert result.path is not None
    lines = [json.loads(line) for line in result.path.read_text().splitlines()]

    def newer(data: object) -> object:
        if isinstance(data, dict):
            return {**{k: newer(v) for k, v in data.items()}, "of_tomorrow": 1}
        return [newer(item) for item in data] if isinstance(data, list) else data

    before = Trace.load(result.path)
    for line in lines:  # the labels and details are maps of the user's own
        line.update(
            {
                k: newer(v)
                for k, v in line.items()
                if k in ("settings", "limits", "approval", "event")
            }
        )
    result.path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    after = Trace.load(result.path)
    assert (after.header, after.events, after.torn) == (before.header, before.events, 0)


def test_an_agent_names_the_field_that_was_meant():
    with pytest.raises(
        Refused, match="Agent has no field 'instruction': did you mean 'instructions"
    ):
        Agent(backend=Scripted([]), instruction="x")  # pyright: ignore[reportCallIssue]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[mine]\nbase_url = "http://x/v1"\n', "mine"),
        ('[service.mine]\nbase_url = "http://x/v1"\n', "service"),
        ('[services.a]\nbase_url = "http://x/v1"\n[servics.b]\nbase_url = "x"\n', "servics"),
    ],
)
def test_a_services_file_with_none_where_they_belong_is_not_read_in_vain(text, named, tmp_path):
    file = tmp_path / "services.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=rf"\[{named}\] is not read: write \[services"):
        load_presets(file)
    file.write_text('[services.a]\nbase_url = "http://x/v1"\n[other]\nx = 1\n')
    assert "a" in load_presets(file)
