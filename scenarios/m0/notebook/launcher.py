"""Runs in the sandbox: the kernel of ipykernel, where there are no internet sockets.

Its thread for output would open a port of 127.0.0.1 for what child processes print, and the whole
kernel dies if it can't. All else goes over Unix sockets.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from ipykernel.iostream import IOPubThread

kernelapp: Any = import_module("ipykernel.kernelapp")


class WithoutPort(IOPubThread):
    """Sends what the kernel itself prints."""

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **(options | {"pipe": False}))


kernelapp.IOPubThread = WithoutPort
kernelapp.launch_new_instance([*sys.argv[1:], "--HistoryManager.enabled=False"])
