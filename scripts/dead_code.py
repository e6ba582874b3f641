"""Name the code that nobody uses: `python scripts/dead_code.py`. Exit status 1 if there is any.

What only tests use counts as used. Attributes set on objects of other libraries are not looked at;
what frameworks call or read by its name is named here.
"""

from __future__ import annotations

import sys
from fnmatch import fnmatch
from pathlib import Path

from vulture import Vulture

ROOT = Path(__file__).resolve().parents[1]
LOOKED_AT = ("agentlab", "tools", "tui", "scenarios", "benchmarks", "scripts")
BY_NAME = {
    "Python": ("__getattr__", "__dir__", "writable", "extraction_filter"),
    "json": ("object_hook", "object_pairs_hook", "parse_float", "parse_int", "parse_constant"),
    "pydantic": ("ignored_warning_kinds", "__pydantic_base_init__"),
    "Jupyter": ("_repr_html_", "kernel_spec"),
    "`.ci/install`": ("cached_wheel",),
    "the other side of a sandbox, which asks by name": ("_tests", "_operator", "_set"),
    "nobody: held so that it is not freed": ("_left",),
    "a model that fills it in": ("square_metres",),
    "click": ("format_commands",),
    "urllib": ("redirect_request", "req", "fp", "newurl"),
    "httpx and the SDKs": ("cast_to", "stream_cls"),
    "http.server": ("log_message",),
    "asyncio": ("_asyncio_future_blocking",),
    "torch": ("forward",),
    "keras": ("train_step", "test_step"),
    "chromadb": ("_download_model_if_not_exists",),
    "textual": (
        *("on_*", "action_*", "watch_*", "validate_*", "render*", "get_*", "compose"),
        *("check_action", "discover", "initialize_logging"),
        *("CSS_PATH", "DEFAULT_CSS", "BINDINGS", "AUTO_FOCUS", "*_BREAKPOINTS", "TITLE"),
        *("COMMANDS", "COMPONENT_CLASSES"),
    ),
    "LangChain": (
        *("_generate", "_agenerate", "_astream", "_llm_type", "_identifying_params", "streaming"),
        *("_get_relevant_documents", "_aget_relevant_documents"),
    ),
    "LlamaIndex": ("class_name", "formatted", "_prepare_chat_with_tools", "_aretrieve"),
    "parsers, which are looked up by the kind of file": ("parse_python",),
}
DECORATED = (
    *("@click.*", "@*.command*", "@on*", "@work*", "@tool*", "@pytest.*", "@atexit.*"),
    *("@field_validator*", "@model_validator*", "@model_serializer*"),
)


def main() -> int:
    """Look, and say what was found, a line each."""
    patterns = [name for names in BY_NAME.values() for name in names]
    looker = Vulture(ignore_decorators=list(DECORATED))
    folders = [str(ROOT / folder) for folder in (*LOOKED_AT, "tests")]
    looker.scavenge(folders)  # pyright: ignore[reportUnknownMemberType] - it is half typed
    dead = [
        item
        for item in looker.get_unused_code(min_confidence=60, sort_by_size=False)
        if item.filename.relative_to(ROOT).parts[0] in LOOKED_AT
        and "templates" not in item.filename.parts
        and (item.typ != "attribute" or item.name.startswith("_"))
        and not any(fnmatch(item.name, pattern) for pattern in patterns)
    ]
    for item in dead:
        where = f"{item.filename.relative_to(ROOT)}:{item.first_lineno}"
        print(f"{where}: nobody uses the {item.typ} {item.name!r}")
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main())
