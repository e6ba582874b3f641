"""Attacks by what the kernel keeps for a process, where no limit of a process counts it."""

from __future__ import annotations

from agentlab_tools.execute.attacks.model import Attack


def _hidden(made: str, cut: str) -> str:
    """Thirty pieces of 16 MB of shared memory, of each of which one page stays mapped."""
    return f"""
    size, held = 16_000_000, 0
    for name in ('mmap', 'mremap'): getattr(libc, name).restype = ctypes.c_void_p
    word = ctypes.c_size_t
    try: zero = os.open('/dev/zero', os.O_RDWR)
    except OSError: zero = -1
    while held < 30:
        at = {made}
        if at in (None, 2**64 - 1): break
        ctypes.memset(at, 1, size)
        {cut}
        held += 1
    time.sleep(0.3)
    held == 30
    """


_ANONYMOUS = "libc.mmap(None, word(size), 3, 0x21, -1, word(0))"
_OF_ZERO = "libc.mmap(None, word(size), 3, 1, zero, word(0))"
_UNMAPPED = "libc.munmap(word(at + 4096), word(size - 4096))"
_SHRUNK = "libc.mremap(word(at), word(size), word(4096), 0)"

KEPT = (
    Attack(
        "memory-unmapped",
        "have 480 MB of shared memory of which it shows a page in four thousand",
        _hidden(_ANONYMOUS, _UNMAPPED),
    ),
    Attack("memory-shrunk", "have it by shrinking what is mapped", _hidden(_ANONYMOUS, _SHRUNK)),
    Attack("memory-of-zero", "have it by mapping /dev/zero", _hidden(_OF_ZERO, _UNMAPPED)),
    Attack(
        "memory-swapped",
        "have its memory swapped out, where nobody counts it as its own",
        "m = mmap.mmap(-1, 1 << 20, flags=2); m.write(bytes(1 << 20)); m.madvise(21) is None",
    ),
    Attack(
        "timers",
        "have 2,000 timers",
        """
        made, timer, event = 0, ctypes.c_int(), (ctypes.c_int * 16)(0, 0, 0, 1)
        while made < 2000 and syscall(x86=222, arm=107, args=(1, event, ctypes.byref(timer))) == 0:
            made += 1
        made == 2000
        """,
    ),
    Attack(
        "signals-queued",
        "have 2,000 signals wait for it",
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, [40])
        info, sent = (ctypes.c_int * 32)(40, 0, -1), 0
        while sent < 2000 and syscall(x86=129, arm=138, args=(os.getpid(), 40, info)) == 0:
            sent += 1
        sent == 2000
        """,
    ),
    Attack(
        "descriptors-in-flight",
        "hold 400 files that it has sent to itself and closed",
        """
        kept = []
        for _ in range(20):
            pair = socket.socketpair(); kept.append(pair)
            for _ in range(2):
                files = [os.open('/dev/null', 0) for _ in range(10)]
                socket.send_fds(pair[0], [b'x'], files)
                for file in files: os.close(file)
        True
        """,
    ),
    Attack(
        "sockets-in-circles",
        "hold 300 sockets that only each other hold",
        """
        for _ in range(150):
            a, b = socket.socketpair()
            socket.send_fds(a, [b'x'], [a.fileno(), b.fileno()])
            a.close(); b.close()
        True
        """,
    ),
    Attack(
        "watched-files",
        "have 50,000 files watched (epoll)",
        """
        import select
        watchers = [select.epoll() for _ in range(250)]
        files = [os.eventfd(0) for _ in range(250)]
        for watcher in watchers:
            for file in files: watcher.register(file)
        True
        """,
    ),
    Attack(
        "leases",
        "hold up whoever opens a file, by a lease",
        "own = os.open('leased', os.O_CREAT); fcntl.fcntl(own, 1024, fcntl.F_RDLCK) == 0",
    ),
    Attack(
        "raise-limits",
        "raise a limit that was set for it",
        """
        def lower_and_raise(kind):
            if kind == resource.RLIMIT_CORE: return False
            hard = resource.getrlimit(kind)[1]
            less = 1 << 40 if hard == -1 else max(0, hard - 1)
            resource.setrlimit(kind, (less, less))
            return resource.setrlimit(kind, (less + 1, less + 1)) is None
        any_of(lower_and_raise, range(16))
        """,
        control="none",  # root, too, needs a right for it that it may lack
    ),
    Attack(
        "core-dumps",
        "have its crashes given to a program of the host's that collects them",
        """
        any_of(lambda limit: resource.setrlimit(resource.RLIMIT_CORE, limit) is None,
            [(0, 0), (1, 1)]) or resource.getrlimit(resource.RLIMIT_CORE)[0] not in (0, 1)
        """,
    ),
    Attack(
        "daemon-misnamed",
        "leave a process behind whose name reads as somebody else's child",
        """
        if os.fork() == 0:
            os.setsid(); libc.prctl(36, 1, 0, 0, 0); libc.prctl(1, 0, 0, 0, 0)
            if os.fork() == 0:
                os.closerange(0, 3)
                os.symlink(sys.executable, ') S 1 1 (\\n')
                os.execv(') S 1 1 (\\n', [sys.executable, '-I', '-S', '-c',
                    'import time; time.sleep(30)', T['token']])
            os._exit(0)
        time.sleep(0.3)
        """,
        lambda evidence: evidence.survivors > 0,
    ),
)
