"""Give up, for good, what code in the sandbox must not have. Runs before any of that code."""

from __future__ import annotations

import os
import resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NO_NEW_PRIVS, _SECCOMP, _CAPBSET_DROP, _DUMPABLE = 38, 22, 24, 4
_RULESET, _RULE, _RESTRICT = 444, 445, 446
_LANDLOCK_ABI = 6  # the first that scopes signals and abstract sockets

_READ = 1 << 0 | 1 << 2 | 1 << 3  # execute, read a file, list a folder
_FILE_ONLY = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14 | 1 << 15
_WRITE = _READ | sum(1 << bit for bit in (1, 4, 5, 7, 8, 9, 10, 12, 13, 14))
_DEVICE = 1 << 1 | 1 << 2
_EVERYTHING = (1 << 16) - 1


class LockdownError(Exception):
    """A lock could not be closed: nothing must run."""


def apply(plan: dict[str, Any]) -> None:
    """Close every lock the plan names, in the order that lets each still be closed.

    Raises:
        LockdownError: the kernel refused one of them.
    """
    limits = plan["rlimits"]
    for name, value in limits.items():
        number = getattr(resource, f"RLIMIT_{name}", None)
        if number is not None:
            hard = resource.getrlimit(number)[1]
            bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(number, (bound, bound))
    os.umask(0o022)
    if plan.get("drop_capabilities"):
        _drop_capabilities()
    uid = plan.get("uid")
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    if plan.get("landlock"):
        _landlock(plan["landlock"])
    if plan.get("seccomp"):
        _seccomp(plan["seccomp"])


class Memory:
    """This process's address space. Made before the locks close, since they may hide `/proc`."""

    def __init__(self) -> None:
        try:
            self._statm = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._statm = -1

    def bound(self, allowance: int) -> None:
        """Bound it at what packages already loaded take, plus `allowance` bytes.

        Only Linux tells, and only Linux has a sandbox that promises this.
        """
        if self._statm >= 0:
            mapped = int(os.pread(self._statm, 100, 0).split()[0]) * resource.getpagesize()
            os.close(self._statm)
            resource.setrlimit(resource.RLIMIT_AS, (mapped + allowance, mapped + allowance))


def _libc() -> Any:
    import ctypes  # only where the launcher could not do it for us

    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> int:
    if result < 0:
        import ctypes

        raise LockdownError(f"{what}: {os.strerror(ctypes.get_errno())}")
    return result


def _drop_capabilities() -> None:
    """Empty every capability set of a process that stays uid 0."""
    import ctypes

    libc = _libc()
    for number in range(64):
        if libc.prctl(_CAPBSET_DROP, number, 0, 0, 0) < 0:
            break
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    _check(libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")


def _seccomp(program: bytes) -> None:
    import ctypes

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))

    libc = _libc()
    _check(libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    filter_ = Program(len(program) // 8, program)
    _check(libc.prctl(_SECCOMP, 2, ctypes.byref(filter_), 0, 0), "seccomp")


def _landlock(rules: dict[str, list[str]]) -> None:
    """Files by path beneath; no TCP; no signals or abstract sockets to the outside."""
    import ctypes

    class Ruleset(ctypes.Structure):
        _fields_ = (
            ("files", ctypes.c_uint64),
            ("network", ctypes.c_uint64),
            ("scoped", ctypes.c_uint64),
        )

    class Beneath(ctypes.Structure):
        _pack_ = 1
        _fields_ = (("access", ctypes.c_uint64), ("parent", ctypes.c_int32))

    libc = _libc()
    abi = _check(libc.syscall(_RULESET, None, 0, 1), "landlock")
    if abi < _LANDLOCK_ABI:
        raise LockdownError(f"landlock is at version {abi}; {_LANDLOCK_ABI} is needed (Linux 6.12)")
    attributes = Ruleset(_EVERYTHING, 3, 3)
    size = ctypes.sizeof(attributes)
    ruleset = _check(libc.syscall(_RULESET, ctypes.byref(attributes), size, 0), "landlock ruleset")
    for kind, access in (("read", _READ), ("write", _WRITE), ("device", _DEVICE)):
        for path in rules[kind]:
            try:
                parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue  # what is not there needs no rule
            granted = access if os.path.isdir(path) else access & _FILE_ONLY  # noqa: PTH112
            rule = Beneath(granted, parent)
            _check(libc.syscall(_RULE, ruleset, 1, ctypes.byref(rule), 0), f"landlock {path}")
            os.close(parent)
    _check(libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    _check(libc.syscall(_RESTRICT, ruleset, 0), "landlock restrict")
    os.close(ruleset)
