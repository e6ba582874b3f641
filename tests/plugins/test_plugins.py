"""A package that is really installed, in an environment of its own, and adds one of each kind."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from agentlab.plugins import GROUPS

ROOT = Path(__file__).parents[2]
ENTRY_POINTS = """\
[agentlab.tools]
greeting = greetings:greeting
[agentlab.toolsets]
greet_in = greetings:greet_in
[agentlab.equipment]
greeting = greetings:hat
[agentlab.origins]
greetings = greetings:origin
[agentlab.backends]
echo = greetings:ECHO
plain = greetings:open_echo
[agentlab.commands]
hello = greetings:hello
broken = greetings_that_are_not_there:hello
run = greetings:hello
[agentlab.recipes]
nothing = greetings:recipe
[agentlab.doctor]
greetings = greetings:look
[agentlab.labs]
greetings = greetings_labs
"""
CODE = '''\
from collections.abc import Iterator
from contextlib import asynccontextmanager

import click

from agentlab import tool
from agentlab.backends.schemes import Offered, Scheme
from agentlab.backends.scripted import Script, Scripted
from agentlab.messages import Message, ToolCall
from agentlab.plugins.equipment import Equipment
from agentlab.plugins.origins import Origin


@tool
def greeting(name: str) -> str:
    """Greet somebody."""
    return f"Hello, {name}!"


@asynccontextmanager
async def greet_in(whats):
    yield tuple(greeting.with_(name=f"greet_in_{what}") for what in whats)


@asynccontextmanager
async def hat():
    yield Equipment(deps="a hat", labels={"wears": "a hat"})


def origin(labels, folders):
    return Origin(tools=(greeting,)) if labels.get("greetings") else None


def open_echo(name, **options):
    call = Message.assistant(ToolCall(id="1", name="greeting", arguments='{"name": "you"}'))
    return Scripted([call, name.partition(":")[2]], name=name)


ECHO = Scheme("echo", local=True, opens=open_echo, lists=lambda: [Offered("echo:hi", "Says hi")])


@click.command()
def hello() -> None:
    """Say hello from afar."""
    click.echo("hello from a plugin")


def recipe(work):
    """Nothing at all."""


def look():
    yield "ok", "greetings", "all words are there", ""
'''
LAB = """\
from agentlab.labs import Lab, QuizStep

lab = Lab(
    id="hello/first", title="A first hello", teaches=("hello",), minutes=1,
    steps=(QuizStep(id="quiz", title="Quiz", question="?", options={"a": "1", "b": "2"},
                    right=frozenset({"a"}), because={"a": "yes", "b": "no"}),),
)
"""
LESSON = "# Hello\n\n## Quiz {#quiz}\n\nWell?\n"


def wheel_in(folder: Path) -> Path:
    """The package, as an index would hand it out."""
    info = "agentlab_greetings-1.0.dist-info"
    files = {
        "greetings.py": CODE,
        "greetings_labs/__init__.py": 'raise RuntimeError("a folder of labs is not imported")\n',
        "greetings_labs/hello/first/lab.py": LAB,
        "greetings_labs/hello/first/lesson.md": LESSON,
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: agentlab-greetings\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\n"
        "Root-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": ENTRY_POINTS,
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    path = folder / "agentlab_greetings-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(name, text)
    return path


@pytest.fixture(scope="module")
def python(tmp_path_factory) -> Path:
    """An environment with AgentLab as it stands here, and the package installed by pip."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    (site,) = (folder / "venv").glob("lib/python*/site-packages")
    paths = [ROOT, ROOT / "tools", ROOT / "tui", sysconfig.get_path("purelib")]
    (site / "here.pth").write_text("".join(f"{path}\n" for path in paths), encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--python", folder / "venv/bin/python", "install", "-q"]
    subprocess.run([*pip, "--no-index", "--no-deps", wheel_in(folder)], check=True)
    return folder / "venv" / "bin" / "python"


def agentlab(python: Path, home: Path, *args: str) -> subprocess.CompletedProcess[str]:
    environment = {"AGENTLAB_HOME": str(home), "PATH": "/usr/bin:/bin", "COLUMNS": "100"}
    command = [python, "-m", "agentlab", *args]
    return subprocess.run(
        command, env=environment, cwd=home, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_command_of_a_plugin_is_found_and_listed(python: Path, tmp_path: Path):
    assert agentlab(python, tmp_path, "hello").stdout == "hello from a plugin\n"
    listed = agentlab(python, tmp_path, "--help").stdout
    assert "From other packages:" in listed
    assert "hello" in listed
    assert "Say hello from afar." in listed


def test_a_broken_plugin_is_one_line_and_hides_no_other(python: Path, tmp_path: Path):
    done = agentlab(python, tmp_path, "broken")
    assert done.returncode == 2
    assert done.stderr.startswith("agentlab: the command broken can't be loaded: No module named")
    assert done.stderr.count("\n") == 1


def test_no_plugin_takes_the_place_of_a_command_of_ours(python: Path, tmp_path: Path):
    assert "Run LAB" in agentlab(python, tmp_path, "run", "--help").stdout


def test_models_tools_equipment_and_origins_of_a_plugin_make_a_run(python: Path, tmp_path: Path):
    models = agentlab(python, tmp_path, "models").stdout
    assert "echo:hi" in models
    assert "Says hi" in models
    talk = agentlab(python, tmp_path, "chat", "-b", "echo:hi", "-t", "greeting", "Hello?")
    assert talk.returncode == 0, talk.stderr
    assert "Hello, you!" in talk.stdout
    (trace,) = (tmp_path / "runs").glob("*.jsonl")
    header = json.loads(trace.read_text(encoding="utf-8").splitlines()[0])
    assert header["backend"]["name"] == "echo:hi"
    assert header["labels"]["wears"] == "a hat"
    plain = agentlab(python, tmp_path, "chat", "-b", "plain:hi", "-t", "greet_in:french", "Hello?")
    assert plain.returncode == 0, plain.stderr
    header["labels"]["greetings"] = "yes"
    lines = trace.read_text(encoding="utf-8").splitlines()
    trace.write_text("\n".join([json.dumps(header), *lines[1:]]) + "\n", encoding="utf-8")
    forked = agentlab(python, tmp_path, "fork", trace.stem, "--at", "0", "--prompt", "Again?")
    assert forked.returncode == 0, forked.stderr


def test_labs_recipes_and_findings_of_a_plugin_are_listed(python: Path, tmp_path: Path):
    labs = json.loads(agentlab(python, tmp_path, "list", "--json").stdout)
    assert "hello/first" in [lab["id"] for lab in labs]
    done = agentlab(python, tmp_path, "run", "hello/first")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all words are there" in agentlab(python, tmp_path, "doctor").stdout
    assert "nothing" in agentlab(python, tmp_path, "train").stdout


def test_the_page_on_plugins_names_every_group():
    page = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    assert [group for group in GROUPS if f"| `{group}` |" not in page] == []
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    ours = set(re.findall(r'^\[project\.entry-points\."(agentlab\.\w+)"\]$', project, re.MULTILINE))
    assert ours
    assert ours <= set(GROUPS)
