"""onnxruntime, loaded so that it keeps to itself."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any


def quiet_onnxruntime() -> Any:
    """Import onnxruntime with its telemetry off.

    From 1.32 on it otherwise queues the interpreter's path and the system's name, and looks up its
    collector after a minute. It reads the variable once, when it is loaded.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    return import_module("onnxruntime")
