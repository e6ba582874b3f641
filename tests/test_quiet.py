"""Nothing leaves that was not asked for: keys, addresses, files for other eyes, telemetry."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from agentlab import Agent
from agentlab.backends import connect
from agentlab.backends.scripted import Scripted
from agentlab.cli.main import cli
from agentlab.messages import Blob, Image, Message, Usage

KEY = "sk-very-secret-indeed"


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_trace_and_its_blobs_are_their_owners_alone(tmp_path: Path) -> None:
    runs = tmp_path / "home" / "runs"
    picture = Image(media_type="image/png", blob=Blob.of(b"picture"))
    agent = Agent(name="a", backend=Scripted(["hi"]), runs=runs)
    agent.run_sync(Message(role="user", parts=(picture,)))
    folders = [path for path in (tmp_path / "home").rglob("*") if path.is_dir()]
    files = [path for path in runs.rglob("*") if path.is_file()]
    assert len(files) == 2
    assert {mode(path) for path in (tmp_path / "home", *folders)} == {0o700}
    assert {mode(path) for path in files} == {0o600}


@pytest.mark.parametrize("there", [False, True], ids=["new", "in a folder that all may read"])
@pytest.mark.parametrize("store", ["duckdb", "faiss", "chroma"])
def test_an_index_is_its_owners_alone(store: str, there: bool, tmp_path: Path) -> None:
    text = tmp_path / "a.txt"
    text.write_text("words")
    folder = tmp_path / "home" / "index"
    if there:
        folder.mkdir(parents=True, mode=0o755)
    given = ["index", str(text), "--index", str(folder), "--store", store]
    result = CliRunner().invoke(cli, given, env={"AGENTLAB_HOME": str(tmp_path / "home")})
    if result.exit_code:
        pytest.skip(f"no index can be made here: {result.output.splitlines()[-1:]}")
    assert mode(folder) == (0o755 if there else 0o700)
    kept = list(folder.rglob("*"))
    assert kept
    for path in kept:
        assert mode(path) == (0o700 if path.is_dir() else 0o600), path


def test_what_an_address_hides_reaches_no_trace(tmp_path: Path) -> None:
    """The run fails, for nobody answers: its header and its error are looked at."""
    address = f"http://user:{KEY}@127.0.0.1:9/v1?api_key=query-{KEY}#m"
    backend = connect(address, api_key="")
    assert KEY not in repr(backend.identity)
    assert backend.identity.name == "http://127.0.0.1:9/v1:m"
    agent = Agent(name="a", backend=backend, runs=tmp_path)
    with pytest.raises(Exception, match=r"127\.0\.0\.1:9") as caught:
        agent.run_sync(f"the password is {KEY}")
    assert KEY not in str(caught.value)
    (trace,) = tmp_path.glob("*.jsonl")
    assert KEY not in trace.read_text()


def test_the_key_a_backend_uses_is_a_secret_of_the_run(tmp_path: Path) -> None:
    agent = Agent(name="a", backend=connect("http://127.0.0.1:9/v1#m", api_key=KEY), runs=tmp_path)
    with pytest.raises(Exception, match=r"127\.0\.0\.1:9"):
        agent.run_sync(f"do you know {KEY}?")
    (trace,) = tmp_path.glob("*.jsonl")
    assert "[secret]" in trace.read_text()
    assert KEY not in trace.read_text()


def test_export_blanks_the_keys_of_a_users_own_services(tmp_path: Path) -> None:
    Agent(name="a", backend=Scripted(["hi"]), runs=tmp_path / "runs").run_sync(f"I use {KEY}")
    (tmp_path / "services.toml").write_text(
        '[services.office]\nbase_url = "https://office.example/v1"\nkey_env = "OFFICE_LLM_KEY"\n'
    )
    for kind in ("html", "chat"):
        given = ["export", "last", "--to", kind, "-o", "-", "--runs", str(tmp_path / "runs")]
        env = {"AGENTLAB_HOME": str(tmp_path), "OFFICE_LLM_KEY": KEY}
        result = CliRunner().invoke(cli, given, env=env)
        assert result.exit_code == 0, result.output
        assert KEY not in result.output
        assert "[secret]" in result.output


def test_counts_that_no_number_holds_are_cut() -> None:
    usage = Usage.model_validate_json('{"input_tokens": 1%s}' % ("0" * 400))
    assert usage.input_tokens == 2**53
    assert (usage + usage).total_tokens / 0.5 > 0


PROGRAMS = {
    "the library": "import agentlab, agentlab.backends, agentlab.export.html",
    "onnxruntime": """
from agentlab_tools.knowledge.embed.minilm import MiniLM
import time
MiniLM().embed(["a text"])
time.sleep(65)  # its collector was looked up after a minute""",
    "chroma": """
import tempfile
from pathlib import Path
from agentlab_tools.knowledge.stores.chroma import _client
_client(Path(tempfile.mkdtemp())).get_or_create_collection("texts", embedding_function=None)""",
    "huggingface_hub": "import huggingface_hub",
    "textual": "import agentlab_tui.app",
    "openai": "from agentlab.backends import connect; connect('http://127.0.0.1:9/v1#m')",
    "anthropic": "from agentlab.backends import connect; connect('anthropic:m', api_key='k' * 20)",
    "torch": "import torch",
    "ray": "import agentlab_tools.train.ray_runner",
    "a look-up, which must be seen": "import socket; socket.getaddrinfo('example.com', 80)",
}


def _apart() -> bool:
    if not (shutil.which("strace") and shutil.which("unshare")):
        return False
    command = ["unshare", "-n", "strace", "-f", "-o", os.devnull, "true"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.timeout(240)
@pytest.mark.skipif(not _apart(), reason="needs strace and the right to make network namespaces")
@pytest.mark.parametrize("name", PROGRAMS)
def test_no_process_looks_up_or_sends_what_was_not_asked_for(name: str, tmp_path: Path) -> None:
    """In a network of its own, every call that names an internet address is seen.

    Loopback counts too: a resolver may be there. The last program is the positive control.
    """
    log = tmp_path / "calls"
    bash = 'ip link set lo up 2>/dev/null; exec strace -f -e trace=network -o "$0" "$@"'
    command = ["unshare", "-n", "sh", "-c", bash, str(log), sys.executable, "-c", PROGRAMS[name]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    if "must be seen" not in name:
        if "ModuleNotFoundError" in done.stderr or "MissingExtra" in done.stderr:
            pytest.skip("this extra is not installed")
        assert done.returncode == 0, done.stderr[-2000:]
    seen = [
        line
        for line in log.read_text(errors="replace").splitlines()
        if ("AF_INET" in line and ("connect(" in line or "sendto(" in line or "sendmsg(" in line))
        or ("sendmmsg(" in line)
        or "/nscd/socket" in line
    ]
    assert bool(seen) == ("must be seen" in name), "\n".join(seen[:20])
