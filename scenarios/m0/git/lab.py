"""m0/git: deliver a branch, find the commit that broke an answer, and ask a history who did it."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every, share
from agentlab.labs.declare import Drawn, agent_step, quiz, right, shell_step, wrong

from . import answers
from .cases import deliveries, questions, searches
from .judging import (
    asked_too_often,
    history_lost,
    left_between,
    misdelivered,
    misnamed,
    misreported,
    not_as_found,
    read_from_git,
)
from .tools import git, run_in_repository, sandbox

lab = Lab(
    id="m0/git",
    title="What merged, and what broke it",
    teaches=(
        "merging, with and without a conflict, and pushing without force",
        "finding the commit that broke something by halving",
        "asking a history what was done, not what was written about it",
    ),
    minutes=25,
    backend="local:agent",
    tools=(run_in_repository, git),
    equip=sandbox,
    steps=(
        ReadStep(id="graph"),
        shell_step(
            "deliver",
            answers.DELIVER,
            Drawn(deliveries, practice=3, graded=6),
            runs_on="run_in_repository",
            hints=(
                "Your main is the one of yesterday. What did the others push since then?",
                "Fetch, merge the branch with origin/main, and only then run the check. In a "
                "conflict git leaves the lines of both, between marks.",
                "git diff --name-only --diff-filter=U names the files in conflict; drop the lines "
                "that begin with <<<<<<<, ======= or >>>>>>>, and git commit -a.",
            ),
            checks=(
                every("delivered", "the remote's main has what both sides wrote", misdelivered),
                every("kept", "no commit is lost, of theirs or of yours", history_lost),
                every("status", "the exit code says whether it was delivered", misreported),
                every("tidy", "no merge is left half done", left_between),
            ),
        ),
        shell_step(
            "search",
            answers.SEARCH,
            Drawn(searches, practice=3, graded=4),
            runs_on="run_in_repository",
            hints=(
                "Sixty commits can be halved six times.",
                "git bisect start main good, then git bisect run with the check. It talks a lot, "
                "and only the hash shall be printed.",
                'git bisect run "$1" > /dev/null 2>&1, then git rev-parse refs/bisect/bad, then '
                "git bisect reset.",
            ),
            checks=(
                every("found", "the commit that broke it is named, by its whole hash", misnamed),
                every("halved", "the check is run, and 12 times at most", asked_too_often),
                every("left", "the repository is left as it was found", not_as_found),
            ),
        ),
        agent_step(
            "teller",
            answers.TELLER,
            Drawn(questions, practice=3, graded=8),
            tools=("git",),
            hints=(
                "Look at what git prints to it, and at which commit that is. Did that person add "
                "the tool, or write of it?",
                "log -S WORD finds the commits that changed how often a word occurs. In which of "
                "the two files does adding a tool show?",
                'arguments = { arguments = "log --format=%an -S load_images -- tools.txt" }',
            ),
            checks=(
                share(
                    "told",
                    "five in eight answers are right, and git had named nobody else",
                    read_from_git,
                    5 / 8,
                ),
            ),
        ),
        quiz(
            "hub",
            "Who may push?",
            "Which of these does GitHub add to a bare repository, rather than git itself?",
            wrong(
                "Refusing a plain push that would drop commits of others.",
                "git push refuses that by itself, towards a folder on your disk, too, unless it "
                "is forced.",
            ),
            right(
                "A pull request: a branch to be talked over, checked and then merged.",
                "For git there is a branch and, later, a merge. The talk, the checks and the "
                "button are the service's.",
            ),
            right(
                "A fork: a copy under your name, from which you may propose changes.",
                "To git it is a clone. That the service knows whose it is, and where it came "
                "from, lets people without rights take part.",
            ),
            wrong(
                "Knowing who wrote each commit.",
                "Author and address are what somebody's settings said. Anybody can set them; "
                "ours were made up by the lab.",
            ),
            hints=("You have pushed to a folder. What of this did it do?",),
        ),
    ),
)
