"""The system call filter, run in an interpreter of its own: so on every processor's table."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlab_tools.execute import seccomp
from agentlab_tools.execute.syscalls import AARCH64, X86_64
from agentlab_tools.execute.values import SandboxUnavailable

ALLOW, KILL = 0x7FFF0000, 0x80000000
EPERM, ENOSYS, EAFNOSUPPORT = 0x50001, 0x50026, 0x50061
ARCHES = {"x86_64": (0xC000003E, X86_64), "aarch64": (0xC00000B7, AARCH64)}
UNIX, INET, NETLINK, VSOCK = 1, 2, 16, 40


def verdict(program: bytes, number: int, arch: int, *arguments: int) -> int:
    """What the kernel would answer, by the rules of classic BPF."""
    data = struct.pack("=IIQ6Q", number, arch, 0, *(*arguments, *[0] * (6 - len(arguments))))
    steps = list(struct.iter_unpack("=HBBI", program))
    at = loaded = 0
    while True:
        code, when, otherwise, operand = steps[at]
        at += 1
        match code:
            case 0x20:
                loaded = struct.unpack_from("=I", data, operand)[0]
            case 0x06:
                return operand
            case 0x15:
                at += when if loaded == operand else otherwise
            case 0x25:
                at += when if loaded > operand else otherwise
            case 0x35:
                at += when if loaded >= operand else otherwise
            case 0x45:
                at += when if loaded & operand else otherwise
            case _:
                raise AssertionError(f"instruction {code:#x}")


@pytest.fixture(params=ARCHES)
def machine(request: pytest.FixtureRequest) -> str:
    return request.param


def test_what_is_not_on_the_list_is_not_there(machine: str) -> None:
    arch, table = ARCHES[machine]
    program = seccomp.build(machine=machine)
    allowed = set(table.values())
    for number in range(1000):
        answer = verdict(program, number, arch)
        if number not in allowed:
            assert answer == ENOSYS, number
    assert verdict(program, table["read"], arch) == ALLOW
    assert verdict(program, table["getpid"], arch) == ALLOW


@pytest.mark.parametrize(
    "name",
    ["ptrace", "mount", "umount2", "unshare", "setns", "bpf", "memfd_create", "shmget", "keyctl",
     "io_uring_setup", "userfaultfd", "perf_event_open", "process_vm_readv", "open_by_handle_at",
     "kexec_load", "init_module", "pivot_root", "chroot", "clone3", "pidfd_getfd", "seccomp",
     "inotify_init", "inotify_init1", "setxattrat", "add_key", "memfd_secret", "mq_open",
     "clock_settime", "reboot", "execveat"],
)  # fmt: skip
def test_the_dangerous_are_not_on_the_list(name: str, machine: str) -> None:
    assert name not in ARCHES[machine][1]


def test_another_binary_interface_is_no_way_around() -> None:
    program = seccomp.build(machine="x86_64")
    assert verdict(program, 11, 0x40000003) == KILL  # 32-bit numbers mean other calls
    assert verdict(program, 0x40000000 + X86_64["read"], 0xC000003E) == ENOSYS  # x32


def test_sockets_are_only_of_the_families_asked_for(machine: str) -> None:
    arch, table = ARCHES[machine]
    closed = seccomp.build(machine=machine)
    opened = seccomp.build(machine=machine, sockets=(UNIX, INET))
    for family in (INET, NETLINK, VSOCK, UNIX):
        assert verdict(closed, table["socket"], arch, family) == EAFNOSUPPORT
    assert verdict(opened, table["socket"], arch, INET) == ALLOW
    assert verdict(opened, table["socket"], arch, NETLINK) == EAFNOSUPPORT
    assert verdict(closed, table["socketpair"], arch, UNIX) == ALLOW


@given(st.integers(0, 2**64 - 1))
def test_no_flags_make_a_namespace(flags: int) -> None:
    program = seccomp.build(machine="x86_64")
    new = 0x7E020080
    apart = flags & 0x10000 and not flags & 0x400  # a thread with descriptors of its own
    wanted = EPERM if flags & 0xFFFFFFFF & new or apart else ALLOW
    assert verdict(program, X86_64["clone"], 0xC000003E, flags) == wanted


def test_the_upper_half_of_an_argument_hides_nothing(machine: str) -> None:
    arch, table = ARCHES[machine]
    program = seccomp.build(machine=machine)
    for request in (0x5412, 0x541C):  # TIOCSTI, TIOCLINUX: the kernel looks at 32 bits of it
        assert verdict(program, table["ioctl"], arch, 0, request | 1 << 40) == EPERM
    assert verdict(program, table["ioctl"], arch, 0, 0x5413) == ALLOW
    assert verdict(program, table["fcntl"], arch, 0, 1031) == EPERM


def test_socket_buffers_keep_their_size_and_files_have_no_attributes(machine: str) -> None:
    arch, table = ARCHES[machine]
    program = seccomp.build(machine=machine)
    pretend, not_supported = 0x50000, 0x5005F
    for option in (7, 8, 32, 33):  # SO_SNDBUF, SO_RCVBUF, and both by force
        assert verdict(program, table["setsockopt"], arch, 0, 1, option | 1 << 40) == pretend
    assert verdict(program, table["setsockopt"], arch, 0, 1, 2) == ALLOW  # SO_REUSEADDR
    assert verdict(program, table["setsockopt"], arch, 0, 6, 7) == ALLOW  # of TCP, not of sockets
    for name in ("setxattr", "lsetxattr", "fsetxattr"):
        assert verdict(program, table[name], arch) == not_supported
    assert verdict(program, table["getxattr"], arch) == ALLOW


def test_memory_is_shared_without_a_file_a_page_at_a_time(machine: str) -> None:
    arch, table = ARCHES[machine]
    program = seccomp.build(machine=machine)
    private, shared, checked, anonymous, page = 2, 1, 3, 0x20, 4096

    def mapped(size: int, flags: int) -> int:
        return verdict(program, table["mmap"], arch, 0, size, 3, flags)

    for kind in (shared, checked):
        assert mapped(page, kind | anonymous) == ALLOW
        assert mapped(page + 1, kind | anonymous) == EPERM
        assert mapped(1 << 32, kind | anonymous) == EPERM  # of which the lower half says nothing
        assert mapped(1 << 30, kind | anonymous | 1 << 40) == EPERM
        assert mapped(1 << 40, kind) == ALLOW  # of a file, which a quota counts
    assert mapped(1 << 40, private | anonymous) == ALLOW
    assert verdict(program, table["madvise"], arch, 0, 0, 21) == EPERM  # MADV_PAGEOUT
    assert verdict(program, table["madvise"], arch, 0, 0, 4) == ALLOW


@pytest.mark.parametrize("shared_host", [True, False])
def test_whether_a_crash_is_told_outside_stays_as_it_was_set(
    machine: str, shared_host: bool
) -> None:
    arch, table = ARCHES[machine]
    program = seccomp.build(machine=machine, shared_host=shared_host)
    core, files = 4, 7
    for new in (1, 1 << 32, 0x7FFF_0000_0000):
        assert verdict(program, table["prlimit64"], arch, 0, core | 1 << 40, new) == EPERM
        assert verdict(program, table["prlimit64"], arch, 0, files, new) == ALLOW
    assert verdict(program, table["prlimit64"], arch, 0, core, 0) == ALLOW  # only asks
    assert verdict(program, table["setrlimit"], arch, core) == EPERM
    assert verdict(program, table["setrlimit"], arch, files) == ALLOW


def test_nobody_is_held_up_by_a_lease(machine: str) -> None:
    arch, table = ARCHES[machine]
    program = seccomp.build(machine=machine)
    for command in (1024, 1026):  # F_SETLEASE, F_NOTIFY
        assert verdict(program, table["fcntl"], arch, 3, command) == EPERM


def test_where_the_host_is_in_sight_its_files_and_processes_are_left_alone(machine: str) -> None:
    arch, table = ARCHES[machine]
    program = seccomp.build(machine=machine, shared_host=True)
    assert verdict(program, table["fchmodat"], arch) == 0x50000  # pretends to have worked
    assert verdict(program, table["fchownat"], arch) == EPERM
    assert verdict(program, table["prlimit64"], arch, 0) == ALLOW
    assert verdict(program, table["prlimit64"], arch, 1234) == EPERM
    assert verdict(program, table["setpriority"], arch, 0, 0) == ALLOW
    assert verdict(program, table["setpriority"], arch, 0, 1234) == EPERM
    assert verdict(program, table["setpriority"], arch, 2, 0) == EPERM  # of all of a user's


def test_where_no_process_may_be_made_threads_still_may(machine: str) -> None:
    arch, table = ARCHES[machine]
    program = seccomp.build(machine=machine, fork=False)
    assert verdict(program, table["clone"], arch, 0x3D0F00) == ALLOW
    assert verdict(program, table["clone"], arch, 17) == EPERM
    if "fork" in table:
        assert verdict(program, table["fork"], arch) == EPERM
        assert verdict(program, table["vfork"], arch) == EPERM


def test_an_unknown_processor_has_no_filter() -> None:
    with pytest.raises(SandboxUnavailable, match="riscv64"):
        seccomp.build(machine="riscv64")
