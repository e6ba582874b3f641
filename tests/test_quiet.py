"""Nothing leaves that was not asked for: keys, addresses, files for other eyes, telemetry."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

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
    assert backend.identity.name == "http://127.0.0.1:9/v1#m"
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


SERVICE = """
import json, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
names = ("prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens")
USAGE = dict.fromkeys(names, 1)
ANSWERS = {
    "/v1/chat/completions": {"id": "1", "object": "chat.completion", "created": 1, "model": "m",
        "usage": USAGE, "choices": [{"index": 0, "finish_reason": "stop",
        "message": {"role": "assistant", "content": "hi"}}]},
    "/v1/messages": {"id": "1", "type": "message", "role": "assistant", "model": "m",
        "usage": USAGE, "stop_reason": "end_turn", "content": [{"type": "text", "text": "hi"}]},
    "/v1/traces": {},
}
class Answer(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        body = json.dumps(ANSWERS[self.path]).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
class Service(ThreadingHTTPServer):
    def server_bind(self):  # the library's looks its own name up
        TCPServer.server_bind(self)
service = Service(("127.0.0.1", 4319), Answer)
threading.Thread(target=service.serve_forever, daemon=True).start()
"""
"""The one address that is asked for: what a program sends elsewhere was not."""
RUN = """
from pathlib import Path
from agentlab import Agent
def run(backend, tools=()):
    agent = Agent(name="a", backend=backend, tools=tools, runs=Path("runs"))
    return agent.run_sync("hello")
"""
COMMAND = """
import sys
from agentlab.cli.main import main
def command(*args):
    try: main(args)
    except SystemExit as end: assert not end.code, (args, end.code)
"""
PROGRAMS = {
    "the library": "import agentlab, agentlab.backends, agentlab.export.html",
    "the command line": f"{COMMAND}\ncommand('list'); command('models')",
    "the local model": f"""{RUN}
from agentlab.backends import connect
run(connect("local:smollm2"))""",
    "tools": f"""{RUN}
import json
from agentlab.backends.scripted import Scripted
from agentlab.messages import Message, ToolCall
from agentlab_tools.calculator import calculator
call = ToolCall(id="1", name="calculator", arguments=json.dumps({{"expression": "6 * 7"}}))
assert "42" in str(run(Scripted([Message.assistant(call), "42"]), [calculator]).messages)""",
    "the sandbox": f"{COMMAND}\ncommand('sandbox', 'python', '-c', 'print(6 * 7)')",
    "minilm": """
from agentlab_tools.knowledge.embed.minilm import MiniLM
MiniLM().embed(["a text"])""",
    "onnxruntime for a minute": """
from agentlab_tools.knowledge.embed.minilm import MiniLM
import time
MiniLM().embed(["a text"])
time.sleep(65)  # its collector was looked up after a minute""",
    **{
        f"an index of {store}": f"""{COMMAND}
from pathlib import Path
Path("a.md").write_text("# Words\\n\\nof a text")
command("index", "a.md", "--index", "index", "--store", "{store}")
command("search", "words", "--index", "index")"""
        for store in ("chroma", "faiss", "duckdb")
    },
    "huggingface_hub": "import huggingface_hub",
    "the screens": """
import asyncio, sys
from pathlib import Path
sys.path[:0] = [TESTS, TESTS + "/tui"]
from tui_world import open_app, to_roadmap
async def main():
    app = open_app(Path("home"))
    async with app.run_test(size=(80, 24)) as pilot:
        await to_roadmap(pilot)
asyncio.run(main())""",
    "openai": f"""{SERVICE}{RUN}
from agentlab.backends import connect
run(connect("http://127.0.0.1:4319/v1#m"))""",
    "anthropic": f"""{SERVICE}{RUN}
from agentlab.backends.hosted import open_backend
run(open_backend("anthropic:m", base_url="http://127.0.0.1:4319", api_key="k" * 20))""",
    "otel": f"""{SERVICE}{RUN}{COMMAND}
from agentlab.backends.scripted import Scripted
run(Scripted(["hi"]))
to = "http://127.0.0.1:4319"
command("export", "last", "--to", "otel", "--endpoint", to, "--runs", "runs")""",
    "mcp": """
import asyncio, sys
from pathlib import Path
from agentlab_tools.mcp import McpServer, mcp_tools
Path("script.json").write_text("{}")
command = (sys.executable, TESTS + "/mcp_tools/wayward_server.py", "script.json")
async def main():
    async with mcp_tools(McpServer(name="s", command=command)) as tools:
        assert len(tools) == 1
asyncio.run(main())""",
    "a training job": f"""{COMMAND}
command("train", TESTS + "/train/tiny.py", "--jobs", "jobs")""",
    "a LoRA, with torch, transformers and peft": f"""{COMMAND}
import json
said = {{"role": "user", "content": "Hi"}}, {{"role": "assistant", "content": "Ahoy"}}
with open("chats.jsonl", "w") as file:
    file.writelines(json.dumps({{"messages": said}}) + chr(10) for _ in range(8))
small = ("-s", "steps=1", "-s", "rows=1")
command("train", "lora", "--data", "chats.jsonl", *small, "--jobs", "jobs")""",
    "a job on a Ray of its own": f"""{COMMAND}
command("train", TESTS + "/train/tiny.py", "--jobs", "jobs", "--on", "ray")""",
    "a job on a Ray cluster of two nodes": f"""{COMMAND}
import subprocess, sys
cluster = subprocess.Popen([sys.executable, TESTS + "/ray_cluster.py", "2"],
    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
at = "ray:" + cluster.stdout.readline().strip()
assert at != "ray:", "the cluster did not start"
command("train", TESTS + "/train/tiny.py", "--jobs", "jobs", "--on", at)
cluster.stdin.close(); cluster.wait(60)""",
    "a look-up, which must be seen": "import socket; socket.getaddrinfo('example.com', 80)",
    "another address, which must be seen": f"""{SERVICE}
import socket
socket.create_connection(("127.0.0.1", 4319)).close()
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("127.0.0.1", 4320))""",
}
"""Each a real use, in an empty folder that is its home."""
AT_HOME = re.compile(r'"(::ffff:)?127\.0\.0\.1"|"::1"|/nscd/socket')
CLUSTERS = {"a job on a Ray of its own", "a job on a Ray cluster of two nodes"}
"""Their own processes talk over loopback, and name this machine and its users; a resolver would be
asked on port 53."""
SLOW = {"onnxruntime for a minute", *CLUSTERS}


def _apart() -> bool:
    if not (shutil.which("strace") and shutil.which("unshare")):
        return False
    command = ["unshare", "-n", "strace", "-f", "-o", os.devnull, "true"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def everything(name: str) -> Any:
    return pytest.param(name, marks=pytest.mark.slow if name in SLOW else ())


@pytest.mark.timeout(300)
@pytest.mark.skipif(not _apart(), reason="needs strace and the right to make network namespaces")
@pytest.mark.parametrize("name", map(everything, PROGRAMS))
def test_no_process_looks_up_or_sends_what_was_not_asked_for(name: str, tmp_path: Path) -> None:
    """In a network of its own, every call that names an internet address is seen.

    Loopback counts too: a resolver may be there. The last programs are the positive controls.
    """
    log, home = tmp_path / "calls", tmp_path / "home"
    home.mkdir()
    bash = (
        'ip link set lo up 2>/dev/null; exec strace -f --seccomp-bpf -e trace=network -o "$0" "$@"'
    )
    program = f"TESTS = {str(Path(__file__).parent)!r}\n{PROGRAMS[name]}"
    command = ["unshare", "-n", "sh", "-c", bash, str(log), sys.executable, "-c", program]
    env = {**os.environ, "AGENTLAB_HOME": str(home / "agentlab"), "HOME": str(home), "USER": "me"}
    # a Ray cluster is its owner's, who turns its reports off; one that a job starts is ours
    env |= {"RAY_USAGE_STATS_ENABLED": "0"} if "cluster" in name else {}
    # nothing is known there of a cluster of this machine, which can't be reached from in there
    with TemporaryDirectory(prefix="ray", dir="/tmp", ignore_cleanup_errors=True) as folder:
        env["RAY_TMPDIR"] = folder
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=280, check=False, cwd=home, env=env
        )
    if "must be seen" not in name:
        if "ModuleNotFoundError" in done.stderr or "MissingExtra" in done.stderr:
            pytest.skip("this extra is not installed")
        assert done.returncode == 0, done.stderr[-2000:]
    seen = [
        line
        for line in log.read_text(errors="replace").splitlines()
        if (
            ("AF_INET" in line and ("connect(" in line or "sendto(" in line or "sendmsg(" in line))
            or ("sendmmsg(" in line)
            or "/nscd/socket" in line
        )
        and 'sin_port=htons(4319), sin_addr=inet_addr("127.0.0.1")' not in line
        and not (name in CLUSTERS and AT_HOME.search(line) and "htons(53)" not in line)
    ]
    assert bool(seen) == ("must be seen" in name), "\n".join(seen[:20])


TELEMETRY = """
import sys
from pathlib import Path
from importlib.util import find_spec
if find_spec("onnxruntime") is None: sys.exit(5)
if sys.argv[1] == "as it is":
    from agentlab_tools.knowledge.embed.minilm import MiniLM
    MiniLM().embed(["a text"])
else:
    import onnxruntime
    onnxruntime.get_available_providers()
import os, time
time.sleep(0.5)
open_files = [os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")
              if os.path.islink(f"/proc/self/fd/{n}")]
print(any("onnxruntime.db" in name for name in open_files), list(Path.home().rglob("*.db*")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks at its open files in /proc")
@pytest.mark.parametrize("how", ["as it is", "on its own"])
def test_onnxruntime_queues_nothing_to_be_sent(how: str, tmp_path: Path) -> None:
    """What it would send it keeps in a database first, which it opens when it is loaded: so the
    minute before it looks up its collector need not be waited for."""
    env = {key: value for key, value in os.environ.items() if key != "ORT_DISABLE_TELEMETRY"}
    done = subprocess.run(
        [sys.executable, "-c", TELEMETRY, how],
        env={**env, "HOME": str(tmp_path), "AGENTLAB_HOME": str(tmp_path / "agentlab")},
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    if done.returncode == 5:
        pytest.skip("onnxruntime is not installed")
    assert done.returncode == 0, done.stderr[-1500:]
    if how == "on its own" and done.stdout.startswith("False"):
        pytest.skip("this onnxruntime has no telemetry")
    assert done.stdout.startswith("False []" if how == "as it is" else "True"), done.stdout
