"""Starters, reference solutions, other right answers, and wrong ones that look right."""

from __future__ import annotations

from agentlab.backend import Settings
from agentlab.labs import AgentAnswer, Example
from agentlab.labs.declare import Answers, programs
from agentlab.limits import Limits

_COUNTED = 'grep -o \'"name":"[^"]*"\' | cut -d \'"\' -f 4 | sort | uniq -c | sort -k1,1nr -k2'

_TALLY = f"""\
shopt -s nullglob
for run in "$1"/*.jsonl; do
  grep '"kind":"tool_started"' < "$run"
done | {_COUNTED}
"""

_UNFINISHED = """\
cd -- "$1" || exit 2
shopt -s nullglob
status=0
for run in *.jsonl; do
  if ! tail -n 1 < "$run" | grep -q '"outcome":"completed"'; then
    printf '%s\\0' "$run"
    status=1
  fi
done
exit "$status"
"""


def _shown(name: str, command: str, count: int) -> Example:
    return Example(
        user=f"How many errors are in {name}?",
        tool="shell",
        arguments={"command": command.format(name)},
        result=str(count),
        answer=f"There are {count} errors.",
    )


ODD = ("old server.log", "Anna's mail.log", "-last backup.log")
PLAIN = ("server.log", "mail.log", "backup.log")


def clerk(command: str, names: tuple[str, ...] = ODD) -> AgentAnswer:
    """An agent that was shown this command for these names; `{}` is where the name goes."""
    return AgentAnswer(
        instructions="Answer with the shell.",
        tools=("shell",),
        examples=tuple(
            _shown(name, command, n) for name, n in zip(names, (7, 31, 12), strict=False)
        ),
        settings=Settings(temperature=0, max_tokens=80, repeat_penalty=1.0),
        limits=Limits(steps=3),
    )


CLERK = Answers(
    starter=clerk("grep -c error {}", PLAIN),
    solution=clerk('grep -c error -- "{}"'),
    also={
        "plain-names": clerk('grep -c error -- "{}"', PLAIN),
        "pattern-by-option": clerk('grep -c -e error -- "{}"'),
        "counted-by-wc": clerk('grep error -- "{}" | wc -l'),
    },
    wrong={
        "not-quoted": clerk("grep -c error -- {}"),
        "quoted-only": clerk('grep -c error "{}"'),
        "single-quotes": clerk("grep -c error -- '{}'"),
    },
)

TALLY = programs(
    starter="""\
# Prints how often each tool was called, by all runs in the folder $1 together.
cat $1/*.jsonl |
  grep '"kind":"tool_started"' |
  grep -o '"name":"[^"]*"' |
  uniq -c
""",
    solution=_TALLY,
    also={
        "found-and-handed-on": f"""\
find "./$1" -name '*.jsonl' -print0 |
  xargs -0 -r grep -h -e '"kind":"tool_started"' -- |
  {_COUNTED}
""",
        "counted-by-awk": """\
set -u
cd -- "$1" || exit
find . -maxdepth 1 -name '*.jsonl' -exec awk -F '"name":"' '
  /"kind":"tool_started"/ { split($2, rest, "\\""); if (rest[1] != "") print rest[1] }
' {} + | sort | uniq -c | sort -k1,1nr -k2,2
""",
        "counted-in-bash": """\
declare -A count
while IFS= read -r -d '' run; do
  while IFS= read -r line; do
    [[ $line == *'"kind":"tool_started"'* ]] || continue
    name=${line#*'"name":"'}
    name=${name%%'"'*}
    count[$name]=$(( ${count[$name]:-0} + 1 ))
  done < "$run"
done < <(find "./$1" -type f -name '*.jsonl' -print0)
for name in "${!count[@]}"; do
  printf '%d %s\\n' "${count[$name]}" "$name"
done | sort -k1,1nr -k2
""",
        "in-python": """\
python3 - "$1" <<'END'
import collections, json, pathlib, sys
count = collections.Counter()
for run in pathlib.Path(sys.argv[1]).glob("*.jsonl"):
    for line in run.read_text().splitlines():
        try:
            event = json.loads(line).get("event", {})
        except ValueError:
            continue
        if event.get("kind") == "tool_started":
            count[event["call"]["name"]] += 1
for name, number in sorted(count.items(), key=lambda item: (-item[1], item[0])):
    print(number, name)
END
""",
    },
    wrong={
        "no-quotes": _TALLY.replace('"$1"/*', "$1/*").replace('"$run"', "$run"),
        "loops-over-ls": f"""\
cd -- "$1" || exit
for run in $(ls -- *.jsonl 2> /dev/null); do
  grep '"kind":"tool_started"' < "$run"
done | {_COUNTED}
""",
        "glued-by-cat": f"""\
shopt -s nullglob
cd -- "$1" || exit
set -- *.jsonl
(( $# )) || exit 0
cat -- "$@" | grep '"kind":"tool_started"' | {_COUNTED}
""",
        "waits-on-nothing": f"""\
shopt -s nullglob
cd -- "$1" || exit
grep -h '"kind":"tool_started"' -- *.jsonl | {_COUNTED}
""",
        "reads-line-by-line": f"""\
find "./$1" -name '*.jsonl' | while read -r run; do
  grep '"kind":"tool_started"' < "$run"
done | {_COUNTED}
""",
        "not-sorted-first": _TALLY.replace("| sort | uniq -c", "| uniq -c"),
        "counts-what-was-said": _TALLY.replace('"kind":"tool_started"', '"tool_call"'),
        "takes-every-file": _TALLY.replace("*.jsonl", "*"),
    },
    mistakes={
        "no-quotes": "spaces in names",
        "loops-over-ls": "spaces in names",
        "glued-by-cat": "a run that was killed",
        "waits-on-nothing": "an empty folder",
        "reads-line-by-line": "a name of two lines",
        "not-sorted-first": "counted",
        "counts-what-was-said": "counted",
        "takes-every-file": "a file beside the runs",
    },
)

UNFINISHED = programs(
    starter="""\
# Prints the names of the runs in the folder $1 that did not finish.
for run in "$1"/*.jsonl; do
  tail -n 1 "$run" | grep -q '"outcome":"completed"' || echo "$run"
done
""",
    solution=_UNFINISHED,
    also={
        "a-list-first": """\
set -euo pipefail
[[ -d "./$1" ]] || { echo "$1: no such folder" >&2; exit 2; }
mapfile -d '' -t runs < <(find "./$1" -maxdepth 1 -name '*.jsonl' -printf '%f\\0' | sort -z)
left=()
for run in "${runs[@]}"; do
  last=$(tail -n 1 "./$1/$run") || true
  [[ $last == *'"kind":"run_finished","outcome":"completed"'* ]] || left+=("$run")
done
(( ${#left[@]} )) || exit 0
printf '%s\\0' "${left[@]}"
exit 1
""",
        "all-in-one-shell": """\
if ! [ -d "./$1" ]; then
  printf '%s is not there\\n' "$1" >&2
  exit 2
fi
finished() {
  grep -q '"kind":"run_finished","outcome":"completed"' -- "$1" 2> /dev/null
}
find "./$1" -name '*.jsonl' -print0 | {
  status=0
  while IFS= read -r -d '' run; do
    finished "$run" && continue
    printf '%s\\0' "${run##*/}"
    status=1
  done
  exit "$status"
}
""",
        "in-python": """\
exec python3 - "$1" <<'END'
import pathlib, sys
folder = pathlib.Path(sys.argv[1])
if not folder.is_dir():
    print(f"{folder} is not a folder", file=sys.stderr)
    sys.exit(2)
status = 0
for run in sorted(folder.glob("*.jsonl")):
    try:
        whole = '"outcome":"completed"' in run.read_text()
    except OSError as error:
        print(error, file=sys.stderr)
        whole = False
    if not whole:
        sys.stdout.buffer.write(run.name.encode() + b"\\0")
        status = 1
sys.exit(status)
END
""",
    },
    wrong={
        "status-lost-in-a-pipe": """\
cd -- "$1" || exit 2
status=0
find . -name '*.jsonl' -print0 | while IFS= read -r -d '' run; do
  if ! tail -n 1 < "$run" | grep -q '"outcome":"completed"'; then
    printf '%s\\0' "${run#./}"
    status=1
  fi
done
exit "$status"
""",
        "status-of-the-last": """\
cd -- "$1" || exit 2
shopt -s nullglob
for run in *.jsonl; do
  tail -n 1 < "$run" | grep -q '"outcome":"completed"'
  status=$?
  (( status == 0 )) || printf '%s\\0' "$run"
done
exit "${status:-0}"
""",
        "ended-by-set-e": """\
set -e
cd -- "$1" || exit 2
shopt -s nullglob
status=0
for run in *.jsonl; do
  tail -n 1 < "$run" | grep -q '"outcome":"completed"'
  if (( $? )); then
    printf '%s\\0' "$run"
    status=1
  fi
done
exit "$status"
""",
        "names-by-line": _UNFINISHED.replace("'%s\\0'", "'%s\\n'"),
        "gives-up-at-one": _UNFINISHED.replace("  if !", "  [[ -r $run ]] || exit 2\n  if !"),
        "finds-the-word": _UNFINISHED.replace('\'"outcome":"completed"\'', "completed"),
        "nothing-is-wrong": _UNFINISHED.replace("|| exit 2", "2> /dev/null || exit 0"),
    },
    mistakes={
        "status-lost-in-a-pipe": "status",
        "status-of-the-last": "status",
        "ended-by-set-e": "named",
        "names-by-line": "does not end in a NUL",
        "gives-up-at-one": "a run that may not be read",
        "finds-the-word": "named",
        "nothing-is-wrong": "a folder that is not there",
    },
)
