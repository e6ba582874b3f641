"""Attacks on the host's processes and its kernel."""

from __future__ import annotations

from agentlab_tools.execute.attacks.model import Attack

PROCESSES = (
    Attack("signal", "kill a process of the host", "os.kill(T['victim'], 15) or True"),
    Attack(
        "signal-all",
        "signal every process there is",
        "os.kill(-1, signal.SIGUSR1) and False",
        lambda evidence: evidence.changed,
        control="none",
    ),
    Attack(
        "signal-by-queue",
        "signal a process of the host by rarer calls",
        """
        info = ctypes.create_string_buffer(b'\\x0f' + bytes(7) + b'\\xff' * 4 + bytes(116))
        syscall(x86=129, arm=138, args=(T['victim'], 15, info)) == 0 or \\
            signal.pidfd_send_signal(os.pidfd_open(T['victim']), 15) is None
        """,
    ),
    Attack(
        "trace",
        "attach to a process of the host as a debugger",
        "syscall(x86=101, arm=117, args=(0x4206, T['victim'], 0, 0)) == 0",
    ),
    Attack(
        "read-memory-directly",
        "copy memory out of a process of the host (process_vm_readv)",
        """
        buffer = ctypes.create_string_buffer(8)
        local = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 8)
        syscall(x86=310, arm=270, args=(T['victim'], local, 1, local, 1, 0)) >= 0 or \\
            ctypes.get_errno() == 14  # a bad address of theirs: the right was given
        """,
    ),
    Attack(
        "limit-process",
        "take resources from a process of the host (prlimit)",
        "resource.prlimit(T['victim'], resource.RLIMIT_NOFILE, (3, 3)) is not None",
    ),
    Attack(
        "slow-process",
        "slow a process of the host (setpriority, affinity)",
        """
        any_of(lambda act: act() or True, [lambda: os.setpriority(os.PRIO_PROCESS, T['victim'], 19),
            lambda: os.sched_setaffinity(T['victim'], {0})])
        """,
    ),
    Attack(
        "new-namespaces",
        "become root in namespaces of its own",
        "libc.unshare(0x10000000) == 0 or libc.unshare(0x00020000) == 0",
    ),
    Attack(
        "join-namespaces",
        "join the namespaces of another process",
        """
        any_of(lambda p: libc.setns(os.open(f'/proc/{p}/ns/mnt', 0), 0) == 0,
            [1, T['victim'], os.getppid()])
        """,
        control="root",
    ),
    Attack(
        "clone-namespaces",
        "make a process in new namespaces (clone, clone3)",
        """
        arguments = (ctypes.c_uint64 * 11)(0x10000000, 0, 0, 0, 17)
        child = syscall(x86=435, arm=435, args=(arguments, 88))
        if child == 0: os._exit(0)
        child > 0
        """,
    ),
    Attack(
        "mount",
        "mount a file system",
        """
        libc.unshare(0x00020000); libc.mount(None, b'/', None, 0x44000, None)
        os.mkdir('m'); libc.mount(b'x', b'm', b'tmpfs', 0, None) == 0
        """,
        control="root",
    ),
    Attack("change-root", "change its root", "os.chroot('/') is None", control="root"),
    Attack(
        "become-root",
        "become root, by itself or by a program",
        """
        any_of(lambda act: act(), [lambda: os.setuid(0) or os.chown('/', 0, 0) is None,
            lambda: os.system('sudo -n true >/dev/null 2>&1') == 0])
        """,
        control="root",
    ),
    Attack("set-clock", "set the machine's clock", "time.clock_settime(0, time.time()) is None",
           control="root"),
    Attack(
        "set-hostname", "rename the machine", "socket.sethostname(socket.gethostname()) is None",
        control="root",
    ),
    Attack(
        "kernel-doors",
        "use parts of the kernel with a history of holes (io_uring, bpf, keyrings, userfaultfd)",
        """
        params = ctypes.create_string_buffer(256)
        any_of(lambda call: syscall(**call) >= 0, [
            dict(x86=425, arm=425, args=(1, params)), dict(x86=321, arm=280, args=(0, params, 72)),
            dict(x86=250, arm=219, args=(0, -2, 1)), dict(x86=323, arm=282, args=(1,)),
            dict(x86=298, arm=241, args=(params, 0, -1, -1, 0)),
            dict(x86=278, arm=75, args=(1, params, 0, 0))])
        """,
    ),
    Attack(
        "x32-calls",
        "slip past the system call filter by the numbers of another binary interface",
        "syscall(x86=0x40000000 + 39, arm=5000, args=()) > 0",
        control="none",
    ),
    Attack(
        "daemon",
        "leave a process behind by forking twice",
        """
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                for number in (1, 2, 3, 13, 15): signal.signal(number, signal.SIG_IGN)
                os.closerange(0, 3)
                os.execv(sys.executable, [sys.executable, '-I', '-S', '-c',
                    'import time; time.sleep(30)', T['token']])
            os._exit(0)
        time.sleep(0.3)
        """,
        lambda evidence: evidence.survivors > 0,
    ),
)  # fmt: skip
