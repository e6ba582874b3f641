"""One side of a test whose code and tests run in two interpreters: sent into both as source.

What crosses is data: text, numbers, and lists, tuples, sets and dictionaries of them. Anything else
stays where it was made, and the other side holds a `Remote`, which asks for whatever is done to it.
So code can't reach what judges it: an object that claims to equal everything equals nothing there.

A message is one line of JSON: `{"do": [operation, …]}` asks the other side for something, and
`{"is": value}` or `{"raised": […]}` answers the last request that is still open.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import json
import operator
import queue
import sys
import threading
import types
from typing import Any, cast

_OPERATORS = (
    "add sub mul truediv floordiv mod pow and_ or_ xor lshift rshift matmul lt le gt ge getitem "
    "contains"
).split()
_DUNDERS = {"and_": "and", "or_": "or"}


class Remote:
    """What stayed on the other side."""

    def __init__(self, peer: Peer, number: int, name: str) -> None:
        object.__setattr__(self, "_at", (peer, number, name))

    def _ask(self, *what: Any) -> Any:
        peer, _, _ = object.__getattribute__(self, "_at")
        return peer.ask(*what)

    def __call__(self, *arguments: Any, **named: Any) -> Any:  # noqa: D102
        return self._ask("call", self, list(arguments), named)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._ask("get", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._ask("set", self, name, value)

    def __iter__(self) -> Any:
        return self._ask("operator", "iter", [self])

    def __next__(self) -> Any:
        return self._ask("operator", "next", [self])

    def __eq__(self, other: object) -> bool:
        # Data is never left to the judgement of an object that is judged by it
        return isinstance(other, Remote) and self._ask("operator", "eq", [self, other]) is True

    __hash__ = object.__hash__

    def __len__(self) -> int:
        return self._ask("operator", "len", [self])

    def __bool__(self) -> bool:
        return self._ask("operator", "bool", [self])

    def __str__(self) -> str:
        return self._ask("operator", "str", [self])

    def __repr__(self) -> str:
        return self._ask("operator", "repr", [self])

    def __setitem__(self, key: Any, value: Any) -> None:
        self._ask("operator", "setitem", [self, key, value])

    def __delitem__(self, key: Any) -> None:
        self._ask("operator", "delitem", [self, key])

    def __instancecheck__(self, instance: Any) -> bool:
        return isinstance(instance, Remote) and self._ask(
            "operator", "isinstance", [instance, self]
        )

    def __enter__(self) -> Any:
        return self._ask("get", self, "__enter__")()

    def __exit__(self, *_: object) -> Any:
        return self._ask("get", self, "__exit__")(None, None, None)


def _defined(name: str) -> Any:
    def asked(self: Remote, other: Any) -> Any:
        peer, _, _ = object.__getattribute__(self, "_at")
        return peer.ask("operator", name, [self, other])

    return asked


for _name in _OPERATORS:
    setattr(Remote, f"__{_DUNDERS.get(_name, _name)}__", _defined(_name))


class Peer:
    """Works for the other side and asks it, one thing at a time.

    Args:
        trusts: whether the other side may do what it likes here: true where the code runs, and
            never where it is judged, where it may call what it was given and nothing else.
    """

    def __init__(self, *, trusts: bool) -> None:
        self._trusts = trusts
        self._judging = False
        self._given: dict[int, Any] = {}
        self._errors: dict[str, type[BaseException]] = {}
        self._inbox: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._outbox: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.names: dict[str, Any] = {"__name__": "__main__", "__builtins__": builtins}
        threading.Thread(target=self._work, daemon=True).start()

    def step(self, message: str) -> str:
        """Take a message of the other side; the next one to it, as soon as there is one."""
        self._inbox.put(message)
        return self._outbox.get()

    def ask(self, *what: Any) -> Any:
        """Have the other side do something; what came of it, or what it raised."""
        self._outbox.put(json.dumps({"do": self._pack(list(what))}))
        while True:
            message = json.loads(self._inbox.get())
            if "do" in message:
                self._outbox.put(self._do(message["do"]))
            elif "raised" in message:
                name, bases, words = self._unpack(message["raised"])
                raise self._error(str(name), bases)(str(words))
            else:
                return self._unpack(message["is"])

    def _work(self) -> None:
        while True:
            self._outbox.put(self._do(json.loads(self._inbox.get())["do"]))

    def _do(self, packed: Any) -> str:
        try:
            operation, *rest = self._unpack(packed)
            if operation not in ("call", "tests") and not self._trusts:
                raise PermissionError("only what was given can be called")
            result = {"is": self._pack(getattr(self, f"_{operation}")(*rest))}
            return json.dumps(result)
        except BaseException as error:  # noqa: BLE001 - told to the other side
            return json.dumps({"raised": self._pack(_described(error))})

    def _code(self, source: str) -> dict[str, Any]:
        """Run code; what it defined, by name."""
        exec(compile(source, "<code>", "exec", dont_inherit=True), self.names)  # noqa: S102
        return {name: value for name, value in self.names.items() if not name.startswith("__")}

    def _tests(self, code: str, source: str) -> None:
        """Run tests over what the code defines: the first thing asked of the judging side."""
        if self._trusts or self._judging:
            raise PermissionError("tests are run once, and not by the code")
        self._judging = True
        tree = ast.parse(source, "<tests>")
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        for name, value in self.ask("code", code).items():
            if name in used and hasattr(builtins, name):
                raise NameError(f"the code has a {name} of its own, which the tests rely on")
            if not name.startswith("__"):
                self.names[name] = value
        exec(compile(tree, "<tests>", "exec", dont_inherit=True), self.names)  # noqa: S102

    def _call(self, target: Any, arguments: list[Any], named: dict[str, Any]) -> Any:
        if not self._trusts and not any(target is lent for lent in self._given.values()):
            raise PermissionError("only what was given can be called")
        return target(*arguments, **named)

    def _get(self, target: Any, name: str) -> Any:
        return getattr(target, name)

    def _set(self, target: Any, name: str, value: Any) -> None:
        setattr(target, name, value)

    def _operator(self, name: str, arguments: list[Any]) -> Any:
        return (getattr(builtins, name, None) or getattr(operator, name))(*arguments)

    def _error(self, name: str, bases: list[str]) -> type[BaseException]:
        exception = getattr(builtins, name, None)
        if isinstance(exception, type) and issubclass(exception, Exception):
            return exception
        if name not in self._errors:
            parents = [getattr(builtins, base, None) for base in bases]
            real = [one for one in parents if isinstance(one, type) and issubclass(one, Exception)]
            self._errors[name] = type(name, tuple(real[:1]) or (Exception,), {})
        return self._errors[name]

    def _pack(self, value: Any) -> Any:
        """A value as JSON: plain where it is, else a list that begins with what it is."""
        if value is None or type(value) in (bool, str):
            return value
        if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
            return self._pack(value.tolist())
        match value:
            case bool() | str():
                return str(value)
            case int():
                return ["int", hex(value)]
            case float():
                return ["float", float.__repr__(value)]
            case complex():
                return ["complex", repr(complex(value))]
            case bytes():
                return ["bytes", bytes(value).hex()]
            case list() | tuple() | set() | frozenset():
                kinds = ("list", "tuple", "set", "frozenset")
                kind = next(k for k in kinds if isinstance(value, getattr(builtins, k)))
                return [kind, [self._pack(item) for item in cast("list[Any]", value)]]
            case dict():
                pairs = cast("dict[Any, Any]", value).items()
                return ["dict", [[self._pack(k), self._pack(v)] for k, v in pairs]]
            case Remote():
                return ["yours", object.__getattribute__(value, "_at")[1]]
            case types.ModuleType() if _is_standard(value.__name__):
                return ["module", value.__name__]
            case type() if issubclass(value, BaseException):
                return ["error", value.__name__, _bases(value)]
            case _:
                self._given[id(value)] = value
                return ["mine", id(value), type(value).__name__]

    def _unpack(self, packed: Any) -> Any:
        if not isinstance(packed, list):
            return packed
        parts = cast("list[Any]", packed)
        kind, content = parts[0], parts[1]
        match kind:
            case "int":
                return int(content, 16)
            case "float" | "complex":
                return getattr(builtins, kind)(content)
            case "bytes":
                return bytes.fromhex(content)
            case "list" | "tuple" | "set" | "frozenset":
                return getattr(builtins, kind)([self._unpack(item) for item in content])
            case "dict":
                return {self._unpack(k): self._unpack(v) for k, v in content}
            case "yours":
                return self._given[content]
            case "module" if _is_standard(content):
                return importlib.import_module(content)
            case "error":
                return self._error(content, parts[2])
            case "mine":
                return Remote(self, int(content), str(parts[2]))
            case _:
                raise ValueError(f"nothing is called {kind!r}")


def _is_standard(name: str) -> bool:
    return name.partition(".")[0] in sys.stdlib_module_names


def _described(error: BaseException) -> list[Any]:
    try:
        words = str(error)
    except BaseException:  # noqa: BLE001 - a hostile __str__
        words = ""
    return [type(error).__name__, _bases(type(error)), words[:2000]]


def _bases(kind: type[BaseException]) -> list[str]:
    return [base.__name__ for base in kind.__mro__[1:] if base.__module__ == "builtins"]


class _Told:
    """Text that is its own repr, so that it is the value of a cell."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def told(text: str) -> _Told:
    """A message as the value of a cell: in a file of the workspace, where it is long."""
    if len(text) <= 15_000:
        return _Told(text)
    with open(".agentlab-message", "w") as file:  # noqa: PTH123
        file.write(text)
    return _Told("")
