"""Attacks on what a machine has: memory, disk, processes, time. All of them are small."""

from __future__ import annotations

from agentlab_tools.execute.attacks.model import LIMITS, Attack, Evidence
from agentlab_tools.execute.values import Level

_STRONG = frozenset[Level](("strong",))
_SLACK = 6.0


def _too_long(evidence: Evidence) -> bool:
    """It outlasted its time, or the sandbox is of no use any more."""
    return not evidence.works or evidence.seconds > LIMITS.timeout + LIMITS.grace + _SLACK


def _broken(evidence: Evidence) -> bool:
    return not evidence.works


def _flooded(evidence: Evidence) -> bool:
    """More was kept than the cap, or it was cut without a word."""
    result = evidence.result
    if len(result.stdout) > LIMITS.output or len(result.stderr) > LIMITS.output:
        return True
    return not evidence.works or not result.truncated


def _fill(folder: str, megabytes: int) -> str:
    return f"""
    total = 0
    for number in range({megabytes}):
        with open(f'{folder}/fill-{{number}}', 'wb') as file:
            total += file.write(b'x' * 1_000_000)
    total >= {megabytes} * 1_000_000
    """


RESOURCES = (
    Attack(
        "fork-bomb",
        "have 50 processes",
        """
        children = []
        for _ in range(50):
            child = os.fork()
            if child == 0: time.sleep(3); os._exit(0)
            children.append(child)
        len(children) == 50
        """,
    ),
    Attack(
        "thread-bomb",
        "have 200 threads",
        """
        stop = threading.Event()
        for _ in range(200): threading.Thread(target=stop.wait, args=(3,), daemon=True).start()
        True
        """,
    ),
    Attack("memory", "have 300 MB of memory", "x = b'x' * 300_000_000; len(x) == 300_000_000"),
    Attack(
        "memory-mapped",
        "have 300 MB of shared memory by mapping",
        """
        m = mmap.mmap(-1, 300_000_000)
        for i in range(0, len(m), 4096): m[i] = 1
        True
        """,
    ),
    Attack(
        "memory-by-processes",
        "have 640 MB of memory in eight processes",
        """
        children = []
        for _ in range(8):
            child = os.fork()
            if child == 0:
                x = b'x' * 80_000_000; time.sleep(2); os._exit(0)
            children.append(child)
        all(os.waitpid(child, 0)[1] == 0 for child in children)
        """,
    ),
    Attack(
        "memory-hidden",
        "have 425 MB of shared memory that no process shows any more",
        """
        children, (r, w), (held, holds) = [], os.pipe(), os.pipe()
        for _ in range(5):
            child = os.fork()
            if child == 0:
                m = mmap.mmap(-1, 85_000_000); os.close(holds)
                for i in range(0, len(m), 4096): m[i] = 1
                m.madvise(mmap.MADV_DONTNEED); os.write(w, b'.'); os.read(held, 1); os._exit(0)
            children.append(child); os.read(r, 1)
        time.sleep(0.3)
        alive = all(os.waitpid(child, os.WNOHANG) == (0, 0) for child in children)
        for child in children: os.kill(child, 9); os.waitpid(child, 0)
        alive
        """,
    ),
    Attack(
        "memory-file",
        "have 100 MB in a file without a name (memfd_create)",
        "m = os.memfd_create('x'); sum(os.write(m, bytes(1_000_000)) for _ in range(100)) >= 1e8",
    ),
    Attack(
        "shared-memory",
        "have System V shared memory, which no limit counts",
        "syscall(x86=29, arm=194, args=(0, 1_000_000, 0o1600)) >= 0",
    ),
    Attack(
        "message-queues",
        "have System V or POSIX message queues",
        """
        syscall(x86=68, arm=186, args=(0, 0o1600)) >= 0 or \\
            syscall(x86=240, arm=180, args=(b'x', 0o102, 0o600, None)) >= 0
        """,
    ),
    Attack(
        "pipes",
        "hold 50 MB in pipes",
        """
        held = 0
        for _ in range(100):
            r, w = os.pipe(); os.set_blocking(w, False)
            fcntl.fcntl(w, 1031, 1 << 20)
            with contextlib.suppress(BlockingIOError):
                while True: held += os.write(w, bytes(65536))
        held >= 50_000_000
        """,
    ),
    Attack(
        "socket-buffers",
        "hold 10 MB in socket buffers",
        """
        held, kept = 0, []
        for _ in range(100):
            kept.append(socket.socketpair()); kept[-1][0].setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True: held += kept[-1][0].send(bytes(65536))
        held >= 10_000_000
        """,
    ),
    Attack(
        "socket-buffers-grown",
        "hold 20 MB in the buffers of twenty pairs of sockets",
        """
        held, kept = 0, []
        for _ in range(20):
            pair = socket.socketpair(); kept.append(pair)
            for option in (7, 8, 32, 33):
                with contextlib.suppress(OSError):
                    pair[0].setsockopt(socket.SOL_SOCKET, option, 8 << 20)
            pair[0].setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while held < 25_000_000: held += pair[0].send(bytes(65536))
        held >= 20_000_000
        """,
        control="root",  # a plain user may have no more than the machine's own bound
    ),
    Attack(
        "access-lists",
        "keep 1 MB in access lists of files, which no quota counts",
        """
        entry = b''.join(struct.pack('<HHI', 2, 7, 1000 + n) for n in range(3000))
        ends = [struct.pack('<HHI', tag, 7, 2**32 - 1) for tag in (1, 4, 16, 32)]
        acl = struct.pack('<I', 2) + ends[0] + entry + b''.join(ends[1:])
        folder = f"/dev/shm/{T['token']}"; os.mkdir(folder)
        try:
            for n in range(40):
                open(f'{folder}/{n}', 'w').close()
                os.setxattr(f'{folder}/{n}', 'system.posix_acl_access', acl)
        finally:
            for name in os.listdir(folder): os.unlink(f'{folder}/{name}')
            os.rmdir(folder)
        True
        """,
    ),
    Attack(
        "attributes",
        "keep data in the attributes of a file",
        """
        open('noted', 'w').close()
        os.setxattr('noted', 'user.note', bytes(2000))
        len(os.getxattr('noted', 'user.note')) == 2000
        """,
    ),
    Attack(
        "inotify",
        "take one of the few inotify instances that a user's programs share",
        "any_of(lambda number: libc.syscall(number, 0) >= 0, [294, 253]) if "
        "platform.machine() == 'x86_64' else libc.syscall(26, 0) >= 0",
    ),
    Attack(
        "descriptors",
        "open 500 files",
        "kept = [os.open('/dev/null', 0) for _ in range(500)]; len(kept) == 500",
    ),
    Attack(
        "descriptors-by-processes",
        "hold 400 pipes in sixteen processes",
        """
        children = []
        for _ in range(16):
            child = os.fork()
            if child == 0:
                kept = [os.pipe() for _ in range(25)]; time.sleep(2); os._exit(0)
            children.append(child)
        all(os.waitpid(child, 0)[1] == 0 for child in children)
        """,
    ),
    Attack(
        "proxy-connections",
        "exhaust the host's descriptors by connections to its proxy",
        """
        kept = []
        for _ in range(8):
            if os.fork() == 0:
                kept = []
                with contextlib.suppress(OSError):
                    while len(kept) < 25:
                        kept.append(socket.socket(socket.AF_UNIX)); kept[-1].settimeout(0.5)
                        kept[-1].connect('/opt/agentlab/proxy.sock')
                time.sleep(2); os._exit(0)
        time.sleep(1.5)
        """,
        lambda evidence: evidence.opened > 140 or not evidence.works,
        hosts=("127.0.0.1:9",),
        control="none",
    ),
    Attack("disk", "write 50 MB in the workspace", _fill(".", 50), levels=_STRONG),
    Attack(
        "disk-temporary", "write 50 MB of temporary files", _fill('{os.environ["TMPDIR"]}', 50),
        levels=_STRONG,
    ),
    Attack("disk-shared", "write 50 MB in /dev/shm", _fill("/dev/shm", 50)),  # noqa: S108
    Attack(
        "disk-kept",
        "write 50 MB and keep them for two seconds",
        _fill(".", 50) + "\n    kept = total >= 50_000_000; time.sleep(2); kept",
    ),
    Attack("disk-one-file", "write one file of 50 MB",
           "open('big', 'wb').write(bytes(50_000_000)) == 50_000_000"),
    Attack("disk-sparse", "make a file that looks enormous",
           "os.truncate(os.open('sparse', os.O_CREAT | os.O_RDWR), 1 << 40) is None"),
    Attack(
        "inodes",
        "make 4,000 empty files and keep them for two seconds",
        """
        for n in range(4000): os.close(os.open(f"i{n}", os.O_CREAT))
        time.sleep(2) is None
        """,
    ),
    Attack(
        "deep-folders",
        "break whoever lists or removes its folders, by depth",
        """
        for _ in range(1500): os.mkdir('d'); os.chdir('d')
        open('leaf', 'w').close()
        """,
        _broken,
        control="none",
    ),
    Attack(
        "locked-folders",
        "break whoever lists or removes its folders, by their modes",
        "os.makedirs('a/b/c'); os.chmod('a/b', 0); os.chmod('a', 0)",
        _broken,
        control="none",
    ),
)  # fmt: skip

OUTPUT = (
    Attack("flood", "drown the host in output", "for _ in range(400): print('x' * 50_000)",
           _flooded),
    Attack("flood-stderr", "drown the host in errors, without a line's end",
           "for _ in range(400): os.write(2, b'x' * 50_000)", _flooded),
    Attack(
        "flood-for-ever",
        "print without end from a process that outlives its cell",
        """
        if os.fork() == 0:
            end = time.time() + 3
            while time.time() < end: os.write(1, b'x' * 65536)
            os._exit(0)
        """,
        _broken,
        control="none",
    ),
    Attack("flood-value", "drown the host in a value", "'x' * 30_000_000",
           lambda e: len(e.result.value or "") > 50_000 or not e.works),
    Attack("flood-traceback", "drown the host in a traceback", "raise ValueError('x' * 30_000_000)",
           lambda e: len(e.result.error or "") > 50_000 or not e.works),
    Attack("bad-text", "hand the host text that no file can hold",
           "print(b'\\xff\\xfe'.decode('utf-8', 'surrogateescape')); '\\ud800'",
           lambda e: not _storable(e.result.stdout + (e.result.value or "")) or not e.works,
           control="none"),
    Attack(
        "terminal",
        "write to the terminal that shows its output",
        r"print('\x1b]0;owned\x07\x1b[2J\x9b31m\rover\x08\u202egnp.exe')",
        lambda e: not _shows_safely(e.result.stdout),
        control="none",
    ),
)  # fmt: skip


def _storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shows_safely(text: str) -> bool:
    from agentlab_tools.execute.text import display_safe

    return all(char.isprintable() or char in "\n\t" for char in display_safe(text))


ENDINGS = tuple(
    Attack(name, tries, code, _too_long, control="plain" if control == "plain" else "none")
    for name, tries, code, control in (
        ("loop", "run for ever", "while True: pass", "plain"),
        (
            "loop-stubborn",
            "run for ever, whatever it is sent",
            """
            for n in range(1, 64):
                with contextlib.suppress(OSError, ValueError): signal.signal(n, signal.SIG_IGN)
            while True:
                try:
                    while True: pass
                except BaseException: pass
            """,
            "plain",
        ),
        ("loop-in-c", "run for ever where no signal is looked at", "x = 7 ** (7 ** 10)", "plain"),
        ("loop-in-repr", "run for ever once it is over",
         "class R:\n    def __repr__(self):\n        while True: pass\nR()", "plain"),
        ("loop-in-threads", "run for ever in threads that survive their cell",
         "def spin():\n    while True: pass\nfor _ in range(3): "
         "threading.Thread(target=spin, daemon=True).start()", "none"),
        ("stop-itself", "stop so that no signal wakes it", "os.kill(os.getpid(), signal.SIGSTOP)",
         "plain"),
        ("stop-parent", "stop or kill what watches over it",
         "for n in (19, 9):\n    with contextlib.suppress(OSError): os.kill(os.getppid(), n)",
         "none"),
        ("segfault", "crash the interpreter", "ctypes.string_at(0)", "none"),
        ("abort", "abort the interpreter", "os.abort()", "none"),
        ("exit", "end the interpreter at once", "os._exit(0)", "none"),
        ("system-exit", "end the interpreter as a script does", "sys.exit(3)", "none"),
        ("recursion", "run out of stack",
         "sys.setrecursionlimit(10**9)\ndef f(): f()\nf()", "none"),
        ("huge-int", "print an integer of a million digits",
         "sys.set_int_max_str_digits(0); 10 ** 1_000_000", "none"),
        ("close-all", "close everything that is open", "os.closerange(0, 1024)", "none"),
        ("no-builtins", "remove what every cell needs",
         "import builtins; builtins.__dict__.clear()", "none"),
        ("audit-hook", "have every later cell refused by an audit hook",
         "def hook(event, _):\n    if event in ('compile', 'exec'): raise RuntimeError('no')\n"
         "sys.addaudithook(hook)", "none"),
        ("replaced-compile", "have every later cell do nothing",
         "import builtins\nreal = builtins.compile\n"
         "builtins.compile = lambda *a, **k: real('', 'x', 'exec', *a[3:], **k)\n"
         "builtins.exec = builtins.eval = lambda *a, **k: None", "none"),
        ("replaced-print", "have nothing printed any more",
         "import builtins; builtins.print = lambda *a, **k: None; 1 / 0", "none"),
        ("full-output", "have every later cell fail where it prints",
         "os.dup2(os.open('/dev/full', os.O_WRONLY), 1)", "none"),
        ("broken-streams", "replace standard output by nonsense",
         "sys.stdout = sys.stderr = None; sys.__stdout__ = 1", "none"),
        ("shown-as-no-text", "have a value shown that is no text",
         "class R:\n    def __repr__(self): return 7\nR()", "none"),
        ("shown-by-leaving", "leave while it is shown",
         "class R:\n    def __repr__(self): raise SystemExit\nR()", "none"),
        ("shown-by-interrupt", "be interrupted while it is shown",
         "class R:\n    def __repr__(self): raise KeyboardInterrupt\nR()", "none"),
        ("shown-by-fork", "be shown by two interpreters",
         "class R:\n    def __repr__(self): os.fork(); return 'two'\nR()", "none"),
        ("shown-as-another", "have a value of a class that lies about itself",
         "class M(type):\n    def __getattribute__(c, n): raise MemoryError\n"
         "class R(metaclass=M):\n    __class__ = int\n"
         "    def __reduce_ex__(self, n): os._exit(2)\n"
         "    def __getattribute__(self, n): raise RecursionError\nR()", "none"),
        ("hostile-error", "raise an error that can't be shown",
         "class E(Exception):\n    def __str__(self): os._exit(1)\nraise E", "none"),
        ("alarm", "be killed by its own timer after its end",
         "signal.setitimer(signal.ITIMER_REAL, 0.05)", "none"),
        ("exit-later", "end between two cells",
         "threading.Timer(0.05, os._exit, (1,)).start()", "none"),
        ("fork-on", "go on as two interpreters", "os.fork(); 1", "none"),
    )
)  # fmt: skip
