"""Starters, reference solutions, other right answers, and wrong ones that look right."""

from __future__ import annotations

from agentlab.labs.declare import programs

_FIND = """\
import contextlib
import io
import tempfile
from pathlib import Path


def first_broken(notebook, files):
    names = {"__name__": "__main__"}
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for name, text in files.items():
            Path(name).write_text(text)
        for number, cell in enumerate(notebook["cells"]):
            if cell["cell_type"] != "code":
                continue
            printed = io.StringIO()
            try:
                with contextlib.redirect_stdout(printed):
                    exec(cell["source"], names)
            except Exception:
                return number
            if printed.getvalue() != "".join(out["text"] for out in cell["outputs"]):
                return number
    return None
"""

FIND = programs(
    starter="""\
# The first cell of a saved notebook that a fresh kernel would not confirm; None if there is none.

def first_broken(notebook, files):
    before = 0
    for number, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "code":
            if cell["execution_count"] < before:
                return number
            before = cell["execution_count"]
    return None
""",
    solution=_FIND,
    also={
        "as-a-module": """\
import io
import os
import sys
import tempfile
import types


def run(source, module):
    screen, sys.stdout = sys.stdout, io.StringIO()
    try:
        exec(compile(source, "cell", "exec"), module.__dict__)
        return sys.stdout.getvalue()
    except Exception as error:
        return error
    finally:
        sys.stdout = screen


def first_broken(notebook, files):
    here = os.getcwd()
    os.chdir(tempfile.mkdtemp())
    try:
        for name in files:
            with open(name, "w") as file:
                file.write(files[name])
        kernel = types.ModuleType("__main__")
        for number, cell in enumerate(notebook["cells"]):
            if cell["cell_type"] == "code":
                stored = "".join([output["text"] for output in cell["outputs"]])
                if run(cell["source"], kernel) != stored:
                    return number
    finally:
        os.chdir(here)
""",
        "with-a-print-of-its-own": """\
import os
import tempfile


def first_broken(notebook, files):
    lines = []
    names = {"print": lambda *values: lines.append(" ".join(map(str, values)) + "\\n")}
    here = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            for name, text in files.items():
                open(name, "w").write(text)
            for number, cell in enumerate(notebook["cells"]):
                if cell["cell_type"] == "code":
                    del lines[:]
                    exec(cell["source"], names)
                    if lines != [text for out in cell["outputs"] for text in [out["text"]]]:
                        return number
        except Exception:
            return number
        finally:
            os.chdir(here)
    return None
""",
        "a-console": """\
import code
import contextlib
import io
import tempfile


class Kernel(code.InteractiveInterpreter):
    failed = False

    def showtraceback(self):
        self.failed = True

    def says(self, source):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            self.runcode(compile(source, "<cell>", "exec"))
        return None if self.failed else out.getvalue()


def first_broken(notebook, files):
    code_cells = [(n, c) for n, c in enumerate(notebook["cells"]) if c["cell_type"] == "code"]
    with contextlib.chdir(tempfile.mkdtemp()):
        for name, text in files.items():
            with open(name, "x") as file:
                print(text, end="", file=file)
        kernel = Kernel({})
        return next(
            (n for n, c in code_cells
             if kernel.says(c["source"]) != "".join(o["text"] for o in c["outputs"])),
            None,
        )
""",
    },
    wrong={
        "only-what-fails": _FIND.replace(
            'printed.getvalue() != "".join(out["text"] for out in cell["outputs"])', "False"
        ),
        "in-the-order-they-ran": _FIND.replace(
            'enumerate(notebook["cells"]):',
            'sorted(\n            enumerate(notebook["cells"]), '
            'key=lambda pair: pair[1].get("execution_count", 0)\n        ):',
        ),
        "in-its-own-names": _FIND.replace('{"__name__": "__main__"}', "globals()"),
        "where-files-are-left": _FIND.replace(
            "tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder)",
            'contextlib.chdir(".")',
        ),
    },
    mistakes={
        "only-what-fails": "found",
        "in-the-order-they-ran": "cleared",
        "in-its-own-names": "found",
        "where-files-are-left": "a file was left behind",
    },
)

_LIMIT_OF_LAST_TIME = """\
# %%
import csv
import json
from pathlib import Path

# %%
with open("calls.csv") as file:
    rows = list(csv.DictReader(file))
seconds = [float(row["seconds"]) for row in rows if not row["error"]]

# %%
if not Path("limit.json").exists():
    Path("limit.json").write_text(json.dumps(2 * sum(seconds) / len(seconds)))
limit = json.loads(Path("limit.json").read_text())

# %%
slow = [value for value in seconds if value > limit]
print(f"{len(slow)} of {len(seconds)} calls were slow")
"""

_MESSY = """\
# %% [12]
# Which calls were slow? Those that took more than twice the mean. Failed calls do not count.
with open("calls.csv") as file:
    rows = list(csv.DictReader(file))

# %% [3]
import csv
import json

# %% [31]
for row in rows:
    if not row["error"]:
        seconds.append(float(row["seconds"]))

# %% [14]
with open("limit.json") as file:
    limit = json.load(file)

# %% [32]
slow = [value for value in seconds if value > limit]
print(f"{len(slow)} of {len(seconds)} calls were slow")
# It says: 14 of 96 calls were slow

# %% [13]
with open("limit.json", "w") as file:
    json.dump(2 * sum(seconds) / len(seconds), file)
"""

_MENDED = """\
# %%
import csv

# %%
with open("calls.csv") as file:
    rows = list(csv.DictReader(file))

# %%
seconds = [float(row["seconds"]) for row in rows if not row["error"]]

# %%
limit = 2 * sum(seconds) / len(seconds)

# %%
slow = [value for value in seconds if value > limit]
print(f"{len(slow)} of {len(seconds)} calls were slow")
"""

MEND = programs(
    starter=_MESSY,
    solution=_MENDED,
    also={
        "the-file-first": """\
# %%
import csv
import json

# %%
with open("calls.csv") as file:
    rows = list(csv.DictReader(file))

# %%
seconds = []
for row in rows:
    if not row["error"]:
        seconds.append(float(row["seconds"]))

# %%
with open("limit.json", "w") as file:
    json.dump(2 * sum(seconds) / len(seconds), file)

# %%
with open("limit.json") as file:
    limit = json.load(file)

# %%
slow = [value for value in seconds if value > limit]
print(f"{len(slow)} of {len(seconds)} calls were slow")
""",
        "functions": """\
# %% [markdown]
# Which calls were slow?

# %%
import csv
import statistics
from pathlib import Path


def good(path):
    with Path(path).open() as file:
        for row in csv.DictReader(file):
            if row["error"] == "":
                yield float(row["seconds"])


# %%
seconds = sorted(good("calls.csv"))

# %%
count = sum(map((2 * statistics.fmean(seconds)).__lt__, seconds))
f"{count} of {len(seconds)} calls were slow"
""",
        "split-lines": """\
# %%
lines = open("calls.csv").read().split()[1:]

# %%
table = [line.split(",") for line in open("calls.csv").read().splitlines()[1:]]
seconds = {number: float(took) for number, (_, took, error) in enumerate(table) if not error}

# %%
mean = sum(seconds.values()) / len(seconds)
slow = {number for number in seconds if seconds[number] > 2 * mean}

# %%
print(len(slow), "of", len(seconds), "calls were slow")
""",
    },
    wrong={
        "in-the-order-of-the-counts": """\
# %% [3]
import csv
import json

# %% [12]
with open("calls.csv") as file:
    rows = list(csv.DictReader(file))

# %% [13]
with open("limit.json", "w") as file:
    json.dump(2 * sum(seconds) / len(seconds), file)

# %% [14]
with open("limit.json") as file:
    limit = json.load(file)

# %% [31]
for row in rows:
    if not row["error"]:
        seconds.append(float(row["seconds"]))

# %% [32]
slow = [value for value in seconds if value > limit]
print(f"{len(slow)} of {len(seconds)} calls were slow")
""",
        "what-it-said": _MENDED.replace(
            'print(f"{len(slow)} of {len(seconds)} calls were slow")',
            'print("14 of 96 calls were slow")',
        ),
        "the-limit-of-last-time": _LIMIT_OF_LAST_TIME,
        "works-the-second-time": _MENDED.replace(
            'seconds = [float(row["seconds"]) for row in rows if not row["error"]]',
            """\
try:
    seconds += [float(row["seconds"]) for row in rows if not row["error"]]
except NameError:
    seconds = [0.0]""",
        ),
    },
    mistakes={
        "in-the-order-of-the-counts": "name 'seconds' is not defined",
        "what-it-said": "it says '14 of 96",
        "the-limit-of-last-time": "left",
        "works-the-second-time": "fresh",
    },
)

_AGAIN = """\
# %%
import csv

with open("calls.csv") as file:
    rows = list(csv.DictReader(file))

# %%
# In milliseconds
for row in rows:
    row["seconds"] = float(row["seconds"]) * 1000

# %%
# Failed calls do not count
rows = [row for row in rows if not row["error"]]

# %%
total = {}
for row in rows:
    total[row["tool"]] = total.get(row["tool"], 0) + row["seconds"]

# %%
longest = max(total, key=total.get)
print(f"{longest} took longest: {total[longest]:.0f} ms")
"""

_REBOUND = _AGAIN.replace(
    """\
for row in rows:
    row["seconds"] = float(row["seconds"]) * 1000
""",
    """\
rows = [row | {"ms": float(row["seconds"]) * 1000} for row in rows]
""",
).replace('total.get(row["tool"], 0) + row["seconds"]', 'total.get(row["tool"], 0) + row["ms"]')

_APART = """\
# %%
import csv

with open("calls.csv") as file:
    rows = list(csv.DictReader(file))

# %%
in_ms = [row | {"ms": float(row["seconds"]) * 1000} for row in rows]

# %%
good = [row for row in in_ms if not row["error"]]

# %%
total = {}
for row in good:
    total[row["tool"]] = total.get(row["tool"], 0) + row["ms"]

# %%
longest = max(total, key=total.get)
print(f"{longest} took longest: {total[longest]:.0f} ms")
"""

AGAIN = programs(
    starter=_AGAIN,
    solution=_APART,
    also={
        "functions-in-the-cells": """\
# %%
import csv


def calls():
    with open("calls.csv") as file:
        return [row for row in csv.DictReader(file) if not row["error"]]


# %%
def in_ms(row):
    return 1000 * float(row["seconds"])


# %%
def totals(rows):
    found = {}
    for row in rows:
        found.setdefault(row["tool"], []).append(in_ms(row))
    return {tool: sum(values) for tool, values in found.items()}


# %%
ms, longest = max((ms, tool) for tool, ms in totals(calls()).items())
print(longest, "took longest:", round(ms), "ms")
""",
        "a-counter": """\
# %%
from collections import Counter
from csv import DictReader
from pathlib import Path

text = Path("calls.csv").read_text()

# %%
table = tuple(DictReader(text.splitlines()))

# %%
spent = Counter()
for row in table:
    spent[row["tool"]] += float(row["seconds"]) * 1000 * (row["error"] == "")

# %%
((name, ms),) = spent.most_common(1)
f"{name} took longest: {ms:.0f} ms".strip("'")
print(f"{name} took longest: {ms:.0f} ms")
""",
        "copies": """\
# %%
import copy
import csv

with open("calls.csv") as file:
    rows = list(csv.DictReader(file))

# %%
timed = copy.deepcopy(rows)
for row in timed:
    row["seconds"] = float(row["seconds"]) * 1000

# %%
good = list(timed)
for row in timed:
    if row["error"]:
        good.remove(row)

# %%
total = dict.fromkeys((row["tool"] for row in good), 0.0)
for row in good:
    total[row["tool"]] += row["seconds"]
by_time = sorted(total.items(), key=lambda pair: pair[1])

# %%
print(f"{by_time[-1][0]} took longest: {by_time[-1][1]:.0f} ms")
""",
    },
    wrong={
        "one-name-for-all": _REBOUND,
        "unless-it-is-there": _APART.replace(
            "total = {}\n", 'if "total" not in globals():\n    total = {}\n'
        ),
        "only-once": _APART.replace(
            'good = [row for row in in_ms if not row["error"]]',
            'good = [row for row in in_ms if not row.pop("error")]',
        ),
        "one-cell": _APART.replace("# %%\n", "").replace("import csv", "# %%\nimport csv").strip(),
    },
    mistakes={
        "one-name-for-all": "after",
        "unless-it-is-there": "twice",
        "only-once": "KeyError: 'error'",
        "one-cell": "cells",
    },
)

_ASKED = """\
# %%
import csv

with open("calls.csv") as file:
    rows = list(csv.DictReader(file))

# %% parameters
tool = "search"

# %%
errors = [row["error"] for row in rows if row["tool"] == tool]
if not errors:
    raise ValueError(f"there is no call of {tool}")

# %%
failed = sum(error != "" for error in errors)
print(f"Calls of {tool} that failed: {failed}")
"""

_COUNTING = """\
# %%
import csv

with open("calls.csv") as file:
    rows = list(csv.DictReader(file))
failed = 0

# %% parameters
tool = "search"

# %%
for row in rows:
    if row["tool"] == tool and row["error"]:
        failed += 1

# %%
print(f"Calls of {tool} that failed: {failed}")
"""

ASKED = programs(
    starter=_COUNTING,
    solution=_ASKED,
    also={
        "counted-anew": _COUNTING.replace("failed = 0\n", "").replace(
            "for row in rows:\n",
            'known = {row["tool"] for row in rows}\nassert tool in known, f"no call of {tool}"\n'
            "failed = 0\nfor row in rows:\n",
        ),
        "all-at-once": """\
# %%
import csv
from collections import Counter

failed = {}
with open("calls.csv") as file:
    for row in csv.DictReader(file):
        failed.setdefault(row["tool"], Counter())[row["error"] != ""] += 1

# %% parameters
tool = "mail"

# %%
print(f"Calls of {tool} that failed: {failed[tool][True]}")
""",
        "a-function": """\
# %%
import csv


def outcomes(name):
    with open("calls.csv") as file:
        found = [bool(row["error"]) for row in csv.DictReader(file) if row["tool"] == name]
    if not found:
        raise LookupError(f"nobody called {name}")
    return found


# %% parameters
tool = "weather"

# %%
"Failed calls of " + tool + ": " + str(outcomes(tool).count(True))
""",
    },
    wrong={
        "its-own-parameter": _ASKED.replace("# %%\nerrors =", '# %%\ntool = "search"\nerrors ='),
        "nothing-is-zero": _ASKED.replace(
            'if not errors:\n    raise ValueError(f"there is no call of {tool}")\n', ""
        ),
    },
    mistakes={
        "its-own-parameter": "right",
        "nothing-is-zero": "honest",
    },
)
