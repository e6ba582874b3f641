"""Attacks on the host's files and its network."""

from __future__ import annotations

from agentlab_tools.execute.attacks.model import Attack, Evidence


def _fetched_secret(evidence: Evidence) -> bool:
    return evidence.fetched is not None and b"secret-" in evidence.fetched


def _fetched_much(evidence: Evidence) -> bool:
    return evidence.fetched is not None and len(evidence.fetched) > 20_000_000


FILES = (
    Attack("read-file", "read a file of the host", "open(T['secret']).read() == T['text']"),
    Attack("read-users", "list the host's users", "len(open('/etc/passwd').readlines()) > 3"),
    Attack(
        "read-by-proc",
        "read a file of the host through the root of another process",
        "any_of(lambda p: open(f'/proc/{p}/root{T[\"secret\"]}').read() == T['text'], pids())",
        control="root",
    ),
    Attack(
        "read-by-descriptor",
        "read a file of the host through a descriptor that was left open",
        "any_of(lambda d: os.pread(d, 99, 0).decode() == T['text'], range(3, 1024))",
    ),
    Attack(
        "walk-up-from-descriptor",
        "reach the host's root from a folder that was left open",
        """
        any_of(lambda d: os.open(T['secret'].lstrip('/'), 0, dir_fd=os.open(
            '../' * 40, os.O_RDONLY, dir_fd=d)) > 0, [*range(3, 1024), os.open('.', 0)])
        """,
    ),
    Attack(
        "read-by-handle",
        "open a file of the host by its number (open_by_handle_at)",
        """
        handle = ctypes.create_string_buffer(b'\\x08\\0\\0\\0\\x01\\0\\0\\0\\x02' + bytes(15))
        syscall(x86=304, arm=265, args=(os.open('.', 0), handle, 0)) >= 0
        """,
        control="none",
    ),
    Attack(
        "read-environment",
        "find a secret in the environment of any process",
        """
        any_of(lambda p: T['text'].encode() in open(f'/proc/{p}/environ', 'rb').read(), pids())
        """,
    ),
    Attack(
        "read-memory",
        "read the memory of a process of the host",
        "len(open(f'/proc/{T[\"victim\"]}/maps').read()) > 0",
    ),
    Attack(
        "read-command-lines",
        "see what the host's processes were started with",
        "any_of(lambda p: T['token'].encode() in open(f'/proc/{p}/cmdline','rb').read(), pids())",
    ),
    Attack(
        "read-devices",
        "open the machine's disks or memory",
        """
        any_of(lambda d: os.open(d, os.O_RDONLY) > 0, ['/dev/mem', '/dev/kmsg', '/dev/sda',
            '/dev/vda', '/dev/nvme0n1', '/dev/fuse', '/dev/kvm', '/dev/loop-control'])
        """,
        control="root",
    ),
    Attack(
        "make-device",
        "make a device file and open it",
        "os.mknod('dev', stat.S_IFCHR | 0o666, os.makedev(1, 8)); os.open('dev', 0) > 0",
        control="root",
    ),
    Attack(
        "write-outside",
        "make a file outside of the workspace",
        """
        any_of(lambda d: open(f'{d}/agentlab-was-here', 'w').close() is None and
            (os.unlink(f'{d}/agentlab-was-here') or True),
            [T['folder'], '/', '/usr', '/usr/local/bin', '/etc', '/dev', '/opt', '/var', '/home',
             '/root', sys.prefix, os.path.dirname(os.__file__), os.path.dirname(sys.executable)])
        """,
    ),
    Attack(
        "change-file",
        "overwrite, cut, rename or remove a file of the host",
        """
        any_of(lambda act: act(T['secret']) or True, [lambda p: os.truncate(p, 1),
            lambda p: open(p, 'w').write('x'), lambda p: os.rename(p, p + '.old'), os.unlink])
        """,
    ),
    Attack(
        "change-mode",
        "change the mode, times or attributes of a file of the host",
        """
        any_of(lambda act: act(T['secret']) and False, [lambda p: os.chmod(p, 0o777),
            lambda p: os.utime(p, (1, 1)), lambda p: os.setxattr(p, 'user.x', b'x')])
        """,
        lambda evidence: evidence.changed,
    ),
    Attack(
        "tune-kernel",
        "open a setting of the kernel for writing",
        "os.open('/proc/sys/kernel/core_pattern', os.O_WRONLY) > 0",
        control="root",
    ),
    Attack(
        "symlink-out",
        "have the host follow a link when it reads an artifact",
        "os.symlink(T['secret'], 'link')",
        _fetched_secret,
        fetch="link",
    ),
    Attack(
        "symlink-folder-out",
        "have the host follow a linked folder when it reads an artifact",
        "os.symlink(T['folder'], 'folder')",
        _fetched_secret,
        fetch="folder/secret",
    ),
    Attack(
        "hardlink-out",
        "have the host read a file of its own under a new name",
        "os.link(T['secret'], 'hard')",
        _fetched_secret,
        fetch="hard",
    ),
    Attack(
        "symlink-device",
        "have the host read an endless device as an artifact",
        "os.symlink('/dev/zero', 'zero')",
        _fetched_much,
        fetch="zero",
    ),
    Attack(
        "pipe-artifact",
        "have the host wait for ever on a pipe it takes for an artifact",
        "os.mkfifo('pipe')",
        lambda evidence: evidence.seconds > 5,
        fetch="pipe",
    ),
    Attack(
        "swap-artifact",
        "swap an artifact for a link while the host reads it",
        """
        if os.fork() == 0:
            os.closerange(0, 64)
            end = time.time() + 2
            while time.time() < end:
                with contextlib.suppress(OSError):
                    os.close(os.open('s', os.O_CREAT)); os.rename('s', 'swapped')
                    os.symlink(T['secret'], 's'); os.rename('s', 'swapped')
            os._exit(0)
        time.sleep(0.05)
        """,
        _fetched_secret,
        fetch="swapped",
        fetches=300,
    ),
)

NETWORK = (
    Attack("tcp", "connect to a port of the host", "dial(socket.AF_INET, ('127.0.0.1', T['tcp']))"),
    Attack(
        "udp",
        "send a datagram to a port of the host",
        """
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.sendto(b'x', ('127.0.0.1', T['udp'])) == 1
        """,
    ),
    Attack(
        "listen",
        "listen on a port of the host",
        "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen() is None",
    ),
    Attack(
        "unix-path",
        "connect to a Unix socket of the host by its path",
        "dial(socket.AF_UNIX, T['unix'])",
    ),
    Attack(
        "unix-abstract",
        "connect to an abstract Unix socket of the host",
        "dial(socket.AF_UNIX, '\\0' + T['abstract'])",
    ),
    Attack(
        "odd-sockets",
        "make sockets of rarer families (vsock, netlink, packet, alg, key, xdp, tipc, can)",
        """
        any_of(lambda f: socket.socket(f[0], f[1], 0), [(f, t) for f in
            (40, 16, 17, 38, 15, 44, 30, 29, 9, 3) for t in (1, 2, 3, 5)])
        """,
    ),
)
