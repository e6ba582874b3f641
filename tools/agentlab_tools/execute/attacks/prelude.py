"""What every attack can use: run once before it, as an innocent cell."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from agentlab_tools.execute.attacks.model import Target

PRELUDE = """
import os, sys, stat, time, socket, signal, resource, threading, ctypes, mmap, json, fcntl
import contextlib, platform, struct
libc = ctypes.CDLL(None, use_errno=True)
def any_of(attempt, things):
    for thing in things:
        try:
            if attempt(thing): return True
        except (OSError, ValueError): pass
    return False
def pids():
    return [name for name in os.listdir('/proc') if name.isdigit()]
def syscall(x86, arm, args):
    args = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    return libc.syscall(arm if platform.machine() == 'aarch64' else x86, *args)
def dial(family, address):
    s = socket.socket(family); s.settimeout(2); s.connect(address); return True
def channel():
    return next(d for d in range(3, 64) if is_socket(d))
def is_socket(d):
    try: return stat.S_ISSOCK(os.fstat(d).st_mode)
    except OSError: return False
def ticket():
    frame = sys._getframe()
    while 'request' not in frame.f_locals: frame = frame.f_back
    return frame.f_locals['request']['id']
def send(ticket, **fields):
    os.write(channel(), json.dumps({'id': ticket, **fields}).encode() + b'\\n')
"""


def prepared(target: Target) -> str:
    """The prelude, with the target as `T`."""
    values = {key: str(value) if isinstance(value, Path) else value
              for key, value in asdict(target).items()}  # fmt: skip
    del values["leaked"]
    return f"T = {json.dumps(values)}\n{PRELUDE}"
