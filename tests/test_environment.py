"""Who reads the environment: one module, and the exceptions named here, each with its reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLACE = "agentlab/folders.py"
EXCEPTIONS = {
    "agentlab/backends/hosted.py": "a key is read where its service is opened, and kept nowhere",
    "agentlab/backends/llamacpp/threads.py": "tells OpenMP how to wait before it starts",
    "agentlab/backends/llamacpp/proof/installed.py": "finds the library as the bindings do",
    "agentlab/backends/llamacpp/waiting.py": "tells OpenMP how to wait before it loads",
    "agentlab/backends/llamacpp/proof/verdict.py": "hands a child its environment",
    "tools/agentlab_tools/killable.py": "hands a child the few variables it needs",
    "tools/agentlab_tools/execute/docker.py": "hands docker its own client's variables",
    "tools/agentlab_tools/execute/plan.py": "hands a child the few variables it needs",
    "tools/agentlab_tools/execute/inside/cell.py": "runs inside the sandbox, in its environment",
    "tools/agentlab_tools/execute/attacks/controls.py": "sets up an attack's environment",
    "tools/agentlab_tools/knowledge/embed/quiet.py": "turns telemetry off before a library loads",
    "tools/agentlab_tools/knowledge/stores/chroma.py": "turns telemetry off before a library loads",
    "tools/agentlab_tools/mcp/client.py": "hands a server the variables its description names",
    "tools/agentlab_tools/cluster/joined.py": "turns reports to its makers off before Ray loads",
    "tools/agentlab_tools/train/jobs/worker.py": "bounds the threads of libraries it then loads",
    "tools/agentlab_tools/train/waiting.py": "tells torch's OpenMP how to wait before it loads",
    "scenarios/m0/notebook/measure.py": "bounds the threads of what it then loads",
    "scenarios/m0/notebook/runner.py": "tells Jupyter, in the sandbox, to stay in the workspace",
    "scenarios/m1/cnn/measure.py": "bounds NumPy's threads before it loads",
    "scenarios/m1/keras/measure.py": "says what Keras computes with before it loads",
    "scenarios/m1/neural-net/measure.py": "bounds NumPy's threads before it loads",
    "scenarios/m2/positions/measure.py": "bounds NumPy's threads before it loads",
    "scenarios/m2/transformer/measure.py": "bounds torch's threads before it loads",
    "scenarios/m4/audio/measure.py": "bounds the threads of what it loads",
    "scenarios/m4/music/measure.py": "bounds the threads of what it loads",
    "scenarios/m4/clip/measure.py": "bounds NumPy's threads before it loads",
    "tools/agentlab_tools/digits/make_judge.py": "bounds torch's threads before it loads",
    "scenarios/m4/video/measure.py": "bounds NumPy's threads before it loads",
    "scenarios/m4/diffusion/measure.py": "bounds the threads of what it loads",
    "scenarios/m4/gan/measure.py": "bounds torch's threads before it loads",
    "scenarios/m4/vision/measure.py": "bounds NumPy's threads before it loads",
    "scenarios/m5/moe/make_dense.py": "bounds torch's threads before it loads",
    "scenarios/m5/moe/measure.py": "bounds torch's threads before it loads",
    "scenarios/m3/first-call/line.py": "a lab on keys reads the one it is about",
}
NAMES = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}


def readers() -> Iterator[str]:
    for top in ("agentlab", "tools", "tui", "scenarios"):
        for file in sorted((ROOT / top).rglob("*.py")):
            if any(_reads(node) for node in ast.walk(ast.parse(file.read_text("utf-8")))):
                yield file.relative_to(ROOT).as_posix()


def _reads(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.value.id == "os" and node.attr in NAMES
    return (
        isinstance(node, ast.ImportFrom)
        and node.module == "os"
        and any(alias.name in NAMES for alias in node.names)
    )


def test_only_one_module_reads_the_environment_and_every_exception_is_named():
    assert sorted(readers()) == sorted({PLACE, *EXCEPTIONS})
