"""Attacks on the host's own reading: what a cell can send in the interpreter's name.

That a cell can lie about its own result can't be helped, and gains it nothing. What counts is that
the host takes no harm, and that the next cell's result is the next cell's.
"""

from __future__ import annotations

from agentlab_tools.execute.attacks.model import Attack, Evidence
from agentlab_tools.execute.values import MB

_STALL = 1.0
_GROWTH = 300 * MB


def _harmed(evidence: Evidence) -> bool:
    """The sandbox is of no use any more, or the host lost time, memory or anything of its own."""
    grown = evidence.grown > _GROWTH or evidence.stalled > _STALL
    return not evidence.works or evidence.changed or grown


def _attack(name: str, tries: str, code: str) -> Attack:
    return Attack(name, tries, code, _harmed, control="none")


CHANNEL = (
    _attack("forged-answer", "answer before it is done, and go on",
            "send(ticket(), outcome='ok', value='forged'); time.sleep(1)"),
    _attack("forged-answer-for-ever", "answer before it is done, and never end",
            "send(ticket(), outcome='ok', value='forged')\nwhile True: pass"),
    _attack("forged-next", "answer for the cell after it",
            "for _ in range(1000): send('0' * 16, outcome='ok', value='forged')"),
    _attack(
        "steal-next",
        "take the next cell's request out of the interpreter's hands and answer it",
        """
        def steal():
            line = os.read(channel(), 65536)
            send(json.loads(line)['id'], outcome='ok', value='stolen' * 10**6)
        threading.Thread(target=steal, daemon=True).start(); time.sleep(0.1)
        """,
    ),
    _attack("not-json", "send what is not JSON", "os.write(channel(), b'\\x00\\xff{]\\n' * 1000)"),
    _attack(
        "pickle",
        "have the host unpickle something",
        """
        import pickle
        class P:
            def __reduce__(self): return os.truncate, (T['secret'], 0)
        os.write(channel(), pickle.dumps(P()) + b'\\n')
        send(ticket(), outcome='ok', value=repr(pickle.dumps(P())))
        """,
    ),
    _attack("endless-line", "send a line without end",
            "while True: os.write(channel(), b'x' * 1_000_000)"),
    _attack("endless-lines", "send lines without end",
            "while True: os.write(channel(), b'{}\\n' * 20_000)"),
    _attack("deep-json", "send JSON nested too deep",
            "os.write(channel(), ('{\"id\": \"' + ticket() + '\", \"value\": ' + '[' * 100_000 + "
            "'\\n').encode())"),
    _attack(
        "many-values",
        "send a line that unpacks to gigabytes",
        """
        def write(text):
            view = memoryview(text.encode())
            while view: view = view[os.write(channel(), view):]
        write('{"id": "' + ticket() + '", "value": [')
        for _ in range(1450): write('{},' * 20_000)
        write('{}]}' + chr(10))
        """,
    ),
    _attack(
        "many-long-lines",
        "send long lines for as long as there is time",
        """
        line = ('{"id": "' + ticket() + '", "value": "' + 'x' * 900_000 + chr(10)).encode()
        while True: os.write(channel(), line)
        """,
    ),
    _attack("huge-number", "send a number too long to read",
            "os.write(channel(), ('{\"id\": \"' + ticket() + '\", \"figures_dropped\": ' + "
            "'9' * 500_000 + '}\\n').encode())"),
    _attack("wrong-types", "send an answer of the wrong types",
            "send(ticket(), outcome=[], value={}, error=7, figures='x', figures_dropped='many')"),
    _attack("false-figures", "send figures that are no pictures, or unpack to terabytes",
            "for figure in ['AAAA', 7, None, 'iVBORw0KGgoAAAANSUhEUgAP//8AD///CAYAAAA' "
            "+ 'A' * 99] * 50: send(ticket(), figure=figure)"),
    _attack("odd-outcome", "send an outcome there is not",
            "send(ticket(), outcome='granted', value='\\ud800')"),
    _attack(
        "send-descriptors",
        "fill the host's table of open files",
        """
        s = socket.socket(fileno=os.dup(channel()))
        for _ in range(200):
            socket.send_fds(s, [b'{}\\n'], [0, 1, 2] * 10)
        """,
    ),
    _attack("hang-up", "close the interpreter's line to the host",
            "s = socket.socket(fileno=os.dup(channel())); s.shutdown(2)"),
    _attack("children-hold", "hold the line open in a process that outlives the interpreter",
            "if os.fork() == 0: time.sleep(30)\nelse: os._exit(3)"),
)  # fmt: skip
