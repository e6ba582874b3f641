"""Starters, reference solutions, other right answers, and wrong ones that look right."""

from __future__ import annotations

from agentlab.backend import Settings
from agentlab.labs import AgentAnswer, Example
from agentlab.labs.declare import Answers, programs
from agentlab.limits import Limits

_UNMARK = "sed -i -e '/^<<<<<<< /d' -e '/^=======$/d' -e '/^>>>>>>> /d'"
_BOTH = f"""\
  git diff -z --name-only --diff-filter=U | xargs -0 {_UNMARK} --
  git commit -qa --no-edit
"""

_DELIVER = f"""\
git fetch -q origin
git checkout -q --detach origin/main
if ! git merge -q --no-edit "$1"; then
{_BOTH}fi
if ! "$2"; then
  git checkout -q "$1"
  exit 1
fi
git push -q origin HEAD:main
git checkout -q "$1"
"""

_SEARCH = """\
{
  git bisect start main good
  git bisect run "$1"
} > /dev/null 2>&1
git rev-parse refs/bisect/bad
git bisect reset > /dev/null 2>&1
"""


def teller(arguments: str) -> AgentAnswer:
    """An agent that was shown these arguments of git, `{}` for the tool, and whom it named."""
    names = ("load_images", "sum_columns", "open_mails")
    people = ("Ines", "Karl", "Mia")
    return AgentAnswer(
        instructions="Answer with git.",
        tools=("git",),
        examples=tuple(
            Example(
                user=f"Who added the tool {name}?",
                tool="git",
                arguments={"arguments": arguments.format(name)},
                result=who,
                answer=f"{who} added it.",
            )
            for name, who in zip(names, people, strict=True)
        ),
        settings=Settings(temperature=0, max_tokens=80, repeat_penalty=1.0),
        limits=Limits(steps=3),
    )


TELLER = Answers(
    starter=teller("log -1 --format=%an --grep={}"),
    solution=teller("log --format=%an -S {} -- tools.txt"),
    also={
        "by-pattern": teller("log --format=%an -G ^{}$ -- tools.txt"),
        "searched-first": teller("log -S {} --format=%an -- tools.txt"),
        "one-at-most": teller("log -1 --format=%an -S {} -- tools.txt"),
    },
    wrong={
        "any-file": teller("log --format=%an -S {}"),
        "the-last-to-touch-it": teller("log -1 --format=%an -- tools.txt"),
        "by-its-subject": teller("log -1 --format=%an --grep=Show.{}"),
    },
)

DELIVER = programs(
    starter="""\
# Brings the branch $1 into main of the remote, if it passes the check $2.
git checkout -q main
git merge -q --no-edit "$1"
"$2" || exit 1
git push -q origin main
""",
    solution=_DELIVER,
    also={
        "merged-on-the-branch": """\
set -e
echo '*.txt merge=union' >> .git/info/attributes
git pull -q --no-rebase --no-edit origin main
"$2" || exit 1
git push -q origin "$1:main"
""",
        "rebased": """\
echo '*.txt merge=union' > .git/info/attributes
git fetch -q
git switch -q -c landing "$1"
git rebase -q origin/main || { git rebase --abort; exit 2; }
if "$2"; then
  git push -q origin landing:main
else
  exit 1
fi
""",
        "merged-by-file": """\
git fetch -q
git worktree add -q --detach ../there origin/main
here=$PWD
cd ../there
if ! git merge -q "$1" > /dev/null 2>&1; then
  for file in $(git ls-files -u | cut -f 2 | sort -u); do
    git show ":1:$file" > ../base; git show ":2:$file" > ../ours; git show ":3:$file" > ../theirs
    git merge-file -p --union ../ours ../base ../theirs > "$file"
    git add "$file"
  done
  git commit -q -m "Merge $1, with the lines of both"
fi
"../work/$2" || exit 1
git push -q origin HEAD:refs/heads/main
cd "$here" && git worktree remove ../there
""",
        "picked": """\
git fetch -q
git checkout -q -B landing origin/main
for commit in $(git rev-list --reverse "origin/main..$1"); do
  git cherry-pick "$commit" > /dev/null 2>&1 && continue
  git diff -z --name-only --diff-filter=U |
    xargs -0 perl -ni -e 'print unless /^(<<<<<<<|=======|>>>>>>>)/'
  git commit -qa -C "$commit"
done
"$2" || exit 1
git push -q origin landing:main
""",
    },
    wrong={
        "by-force": """\
git checkout -q "$1"
"$2" || exit 1
git push -q --force origin "$1:main"
""",
        "ours-wins": _DELIVER.replace(
            "if ! git merge -q --no-edit", "if ! git merge -q -X ours --no-edit"
        ),
        "marks-and-all": _DELIVER.replace(_BOTH, "  git commit -qa --no-edit\n"),
        "checked-too-early": f"""\
"$2" || exit 1
git fetch -q origin
git checkout -q --detach origin/main
if ! git merge -q --no-edit "$1"; then
{_BOTH}fi
git push -q origin HEAD:main
git checkout -q "$1"
""",
        "all-in-one": _DELIVER.replace('--no-edit "$1"; then', '--squash "$1"; then').replace(
            'if ! "$2"', 'git commit -qm "Deliver $1"\nif ! "$2"'
        ),
        "gives-up-in-a-conflict": _DELIVER.replace(_BOTH, "  exit 1\n"),
    },
    mistakes={
        "by-force": "the hub has lost",
        "ours-wins": "lacks",
        "marks-and-all": "at the same place",
        "checked-too-early": "it merges without a conflict",
        "all-in-one": "kept",
        "gives-up-in-a-conflict": "at the same place",
    },
)

SEARCH = programs(
    starter="""\
# Prints the hash of the commit that broke what $1 checks. At the tag good it held.
for commit in $(git rev-list --reverse good..main); do
  git checkout -q "$commit"
  if ! "$1"; then
    echo "$commit"
    exit
  fi
done
""",
    solution=_SEARCH,
    also={
        "step-by-step": """\
git bisect start main good > /dev/null
while :; do
  "$1" 2> /dev/null
  case $? in
    0) word=good ;;
    125) word=skip ;;
    *) word=bad ;;
  esac
  git bisect "$word" | grep 'is the first bad commit' | cut -d ' ' -f 1 > ../found
  [[ -s ../found ]] && break
done
cat ../found
git bisect reset > /dev/null 2>&1
""",
        "in-a-tree-of-its-own": """\
git worktree add -q --detach ../search main
(
  cd ../search
  git bisect start -- > /dev/null
  git bisect bad main > /dev/null
  git bisect good good > /dev/null
  git bisect run "../work/$1" 2>&1 | sed -n 's/ is the first bad commit$//p'
  git bisect reset > /dev/null 2>&1
)
git worktree remove --force ../search
""",
        "read-from-the-log": """\
git bisect start main good >&2
git bisect run "$1" >&2
git bisect log | sed -n 's/^# first bad commit: \\[\\([0-9a-f]*\\)\\].*/\\1/p'
git bisect reset >&2
""",
    },
    wrong={
        "left-in-the-middle": _SEARCH.replace("git bisect reset > /dev/null 2>&1\n", ""),
        "short-hash": _SEARCH.replace("rev-parse", "rev-parse --short"),
        "unfinished-is-bad": _SEARCH.replace('run "$1"', 'run sh -c \'"$0" || exit 1\' "$1"'),
        "main-line-only": _SEARCH.replace("bisect start", "bisect start --first-parent"),
        "where-it-looked-last": _SEARCH.replace("refs/bisect/bad", "HEAD"),
    },
    mistakes={
        "left-in-the-middle": "BISECT_LOG was left behind",
        "short-hash": "no whole hash",
        "unfinished-is-bad": "can't be checked",
        "main-line-only": "it came in with a merge",
        "where-it-looked-last": "sixty commits in a row",
    },
)
