"""The system call filter: an allow-list, as the BPF program that Linux's seccomp takes.

A program is a run of 8-byte instructions (`struct sock_filter`: code, jump if true, jump if false,
operand) that reads `struct seccomp_data` (number, architecture, instruction pointer, six
arguments) and returns a verdict. See seccomp(2) and the kernel's `seccomp_filter.rst`.
"""

from __future__ import annotations

import platform
import struct
from collections.abc import Mapping, Sequence

from agentlab_tools.execute.syscalls import AARCH64, X86_64
from agentlab_tools.execute.values import SandboxUnavailable

_LOAD, _JEQ, _JGT, _JGE, _JSET, _RET = 0x20, 0x15, 0x25, 0x35, 0x45, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_EPERM, _ENOSYS, _ENOTSUP, _EAFNOSUPPORT, _PRETEND = 1, 38, 95, 97, 0
_NUMBER, _ARCH = 0, 4

_ARCHES: Mapping[str, tuple[int, Mapping[str, int]]] = {
    "x86_64": (0xC000003E, X86_64),
    "aarch64": (0xC00000B7, AARCH64),
}
_X32 = 0x40000000
_NEW_NAMESPACES = 0x7E020080  # every CLONE_NEW* flag
_THREAD, _SAME_FILES = 0x00010000, 0x00000400  # CLONE_THREAD, CLONE_FILES
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_F_SETLEASE, _F_NOTIFY, _F_SETPIPE_SZ = 1024, 1026, 1031
_MAP_SHARED, _MAP_ANONYMOUS, _ONE_PAGE = 0x01, 0x20, 4096  # MAP_SHARED_VALIDATE has the bit, too
_MADV_PAGEOUT, _RLIMIT_CORE = 21, 4
_SOL_SOCKET = 1
_BUFFER_SIZES = (7, 8, 32, 33)  # SO_SNDBUF, SO_RCVBUF, and the same by force

_Instruction = tuple[int, int, int, int]


def _low(argument: int) -> int:
    return 16 + 8 * argument


def _high(argument: int) -> int:
    return 20 + 8 * argument


def _fail(errno: int) -> _Instruction:
    return (_RET, 0, 0, _ERRNO | errno)


_OK: _Instruction = (_RET, 0, 0, _ALLOW)


def _only(argument: int, values: Sequence[int], errno: int) -> list[_Instruction]:
    """Allow the call where the argument's low 32 bits are one of `values`."""
    steps: list[_Instruction] = [(_LOAD, 0, 0, _low(argument))]
    for value in values:
        steps += [(_JEQ, 0, 1, value), _OK]
    return [*steps, _fail(errno)]


def _none_of(argument: int, values: Sequence[int], errno: int = _EPERM) -> list[_Instruction]:
    """Refuse the call where the argument's low 32 bits are one of `values`."""
    steps: list[_Instruction] = [(_LOAD, 0, 0, _low(argument))]
    for value in values:
        steps += [(_JEQ, 0, 1, value), _fail(errno)]
    return [*steps, _OK]


_CORE_KEPT: list[_Instruction] = [
    (_LOAD, 0, 0, _low(1)),
    (_JEQ, 0, 5, _RLIMIT_CORE),
    (_LOAD, 0, 0, _low(2)),
    (_JEQ, 0, 2, 0),
    (_LOAD, 0, 0, _high(2)),
    (_JEQ, 1, 0, 0),
    _fail(_EPERM),
]
"""Refuse to set, but not to ask for, the limit of core dumps (`prlimit64`)."""


def _rules(sockets: Sequence[int], shared_host: bool) -> dict[str, list[_Instruction]]:
    rules = {
        "clone": [
            (_LOAD, 0, 0, _low(0)),
            (_JSET, 0, 1, _NEW_NAMESPACES),
            _fail(_EPERM),
            (_JSET, 0, 2, _THREAD),
            (_JSET, 1, 0, _SAME_FILES),  # a thread's own descriptors would be counted by nobody
            _fail(_EPERM),
            _OK,
        ],
        "socket": _only(0, sockets, _EAFNOSUPPORT),
        "socketpair": _only(0, (1,), _EAFNOSUPPORT),
        "ioctl": _none_of(1, (_TIOCSTI, _TIOCLINUX)),
        # Pipes stay at 64 KiB, so that few can't hold much; no lease holds up whoever opens a file
        "fcntl": _none_of(1, (_F_SETLEASE, _F_NOTIFY, _F_SETPIPE_SZ)),
        # What is shared without a file is kept whole for as long as a page of it is mapped, and a
        # process shows only what it has mapped: so it can have one page, and nothing to hide
        "mmap": [
            (_LOAD, 0, 0, _low(3)),
            (_JSET, 1, 0, _MAP_SHARED),
            _OK,
            (_JSET, 1, 0, _MAP_ANONYMOUS),
            _OK,
            (_LOAD, 0, 0, _high(1)),
            (_JEQ, 1, 0, 0),
            _fail(_EPERM),
            (_LOAD, 0, 0, _low(1)),
            (_JGT, 0, 1, _ONE_PAGE),
            _fail(_EPERM),
            _OK,
        ],
        "madvise": _none_of(2, (_MADV_PAGEOUT,)),  # swapped out, memory counts as nobody's
        # Once a crash must reach nobody outside, that is so for good; see `Plan.rlimits`
        "setrlimit": _none_of(0, (_RLIMIT_CORE,)),
        "prlimit64": [*_CORE_KEPT, _OK],
    }
    # A socket's buffers are memory that no limit of a process counts. They keep the size they have;
    # nobody is told, as nobody is where the kernel cuts a size to the most it gives.
    sizes = _none_of(2, _BUFFER_SIZES, _PRETEND)
    level = [(_LOAD, 0, 0, _low(1)), (_JEQ, 1, 0, _SOL_SOCKET), _OK]
    rules["setsockopt"] = [*level, *sizes]
    # Attributes and access lists are kept in the kernel's own memory, 64 KiB for each file
    rules |= {name: [_fail(_ENOTSUP)] for name in _ATTRIBUTES}
    if shared_host:
        rules |= {name: [_fail(_PRETEND)] for name in _METADATA}
        rules |= {name: [_fail(_EPERM)] for name in _OWNERSHIP}
        rules |= {name: _only(0, (0,), _EPERM) for name in _OF_PROCESSES}
        rules["prlimit64"] = [*_CORE_KEPT, *rules["prlimit64"]]
        both = _only(1, (0,), _EPERM)
        rules["setpriority"] = [(_LOAD, 0, 0, _low(0)), (_JEQ, 1, 0, 0), _fail(_EPERM), *both]
    return rules


# What Landlock does not govern, where host files and host processes are in sight. Changing modes
# and times pretends to work, since tools as plain as `cp` and `git` give up when it fails.
_METADATA = (
    "chmod",
    "fchmod",
    "fchmodat",
    "fchmodat2",
    "utime",
    "utimes",
    "futimesat",
    "utimensat",
)
_OWNERSHIP = (
    *("chown", "fchown", "lchown", "fchownat"),
    *("removexattr", "lremovexattr", "fremovexattr"),
)
_ATTRIBUTES = ("setxattr", "lsetxattr", "fsetxattr")
_OF_PROCESSES = ("prlimit64", "sched_setaffinity", "sched_setscheduler", "sched_setparam")


def _ranges(numbers: Sequence[int]) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return ranges


def supported() -> bool:
    """Whether there is a filter for this processor."""
    return platform.machine() in _ARCHES


def build(
    *, sockets: Sequence[int] = (), shared_host: bool = False, fork: bool = True, machine: str = ""
) -> bytes:
    """The filter as the bytes of an array of `struct sock_filter`.

    Args:
        sockets: address families that `socket` may make; none by default.
        shared_host: whether host files and host processes are in sight (no namespaces), so that
            calls Landlock does not govern must be refused here.
        fork: whether new processes may be made. Threads may either way.
        machine: as `platform.machine()` names it; this one by default.

    Raises:
        SandboxUnavailable: there is no table for this processor.
    """
    machine = machine or platform.machine()
    if machine not in _ARCHES:
        raise SandboxUnavailable(f"no system call filter for {machine} processors")
    arch, table = _ARCHES[machine]
    program: list[_Instruction] = [
        (_LOAD, 0, 0, _ARCH),
        (_JEQ, 1, 0, arch),
        (_RET, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_JGE, 0, 1, _X32),
        _fail(_ENOSYS),
    ]
    rules = _rules(sockets, shared_host)
    if not fork:
        rules["clone"] = [
            (_LOAD, 0, 0, _low(0)),
            (_JSET, 0, 1, _THREAD),
            (_JSET, 1, 0, _SAME_FILES),
            _fail(_EPERM),
            _OK,
        ]
        rules |= {name: [_fail(_EPERM)] for name in ("fork", "vfork")}
    for name, steps in rules.items():
        if name in table:
            program += [(_JEQ, 0, len(steps), table[name]), *steps]
    for low, high in _ranges([table[name] for name in table if name not in rules]):
        program += [(_JGE, 1, 0, low), _fail(_ENOSYS), (_JGT, 1, 0, high), _OK]
    program.append(_fail(_ENOSYS))
    return b"".join(struct.pack("=HBBI", *step) for step in program)
