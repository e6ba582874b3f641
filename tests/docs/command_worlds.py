"""What lies in the folder where a page's commands are run, and which of them are not, with why."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import duckdb
from click.testing import CliRunner
from doc_pages import Elsewhere

from agentlab.cli.main import Commands


def _by(why: str, *tests: str) -> Elsewhere:
    return Elsewhere(why, tests)


NOT_RUN: Mapping[str, Elsewhere] = {
    # the whole line, without `agentlab`, begins so
    r"$|tui$": _by(
        "draws on a terminal",
        "tui/test_terminal.py::test_agentlab_alone_opens_the_screen_on_a_terminal",
        "tui/test_terminal.py::test_from_the_roadmap_to_green_checks_at_any_size_and_out_again",
    ),
    r"tui --web": _by(
        "serves a browser until it is stopped",
        "tui/test_web.py::test_with_the_secret_the_page_opens_and_is_remembered",
        "tui/test_web.py::test_the_page_runs_the_same_app",
    ),
    r"check-lab m5/tool-use": _by(
        "proves for minutes; `check-lab mine/letters` is run here, and the lab's solutions too",
        "docs/test_page_commands.py::test_the_commands_of_a_page_do_what_they_say",
    ),
    r"check-lab mine/letters --labs OTHER": _by(
        "on another machine",
        "labs/test_new_lab.py::test_a_new_lab_made_elsewhere_is_found_with_the_option_that_is_told",
    ),
    r"run m5( |$)": _by(
        "runs six labs for minutes",
        "labs/test_module.py::test_one_lab_that_fails_fails_the_module",
    ),
    r"run m5/tool-use --learner tools": _by(
        "grades a notebook that is written elsewhere",
        "labs/test_lab_notebook.py::test_the_command_grades_what_a_notebook_holds",
    ),
    r"progress (export|verify)": _by(
        "nothing is passed on a machine that is new",
        "tui/test_certificate.py::test_it_is_graded_again_and_holds",
    ),
    r"export last --to files": _by(
        "the run of these pages made no files",
        "export/test_files_of_runs.py::test_the_command_writes_a_folder_for_each_run",
    ),
    r"export last --to otel": _by(
        "needs a collector",
        "export/test_otel.py::test_a_collector_gets_the_run_as_spans",
    ),
    r"mcp --look": _by(
        "needs a server",
        "mcp_tools/test_mcp_wayward.py::test_and_a_program_shows_that_line_alone",
    ),
    r"mcp(?! .*--(look|http))": _by(
        "serves until it is stopped",
        "mcp_tools/test_mcp_serve.py::test_the_command_serves_the_sdks_client_on_stdio",
        "mcp_tools/test_mcp_serve.py::test_a_tool_that_acts_is_served_when_it_is_named",
    ),
    r"mcp .*--http": _by(
        "serves until it is stopped",
        "mcp_tools/test_mcp_serve.py::test_it_serves_on_loopback_by_http_and_knows_its_hosts",
        "mcp_tools/test_mcp_serve.py::test_a_token_is_asked_for",
    ),
    r"chat -t .?mcp:": _by(
        "needs a server",
        "mcp_tools/test_mcp_local.py::test_the_local_model_asks_a_server_of_the_package_index",
        "mcp_tools/test_mcp_http.py::test_a_server_that_was_started_anew_is_met_again",
    ),
    r"improve .+": _by(
        "tries and trains for minutes, which a model of two layers does in seconds",
        "train/test_improve_command.py::test_it_learns_what_is_asked_for_and_says_so_with_traces_behind_it",
        "train/test_improve_parts.py::test_a_labs_cases_that_were_drawn_twice_are_asked_in_one_part",
    ),
    r"sandbox check": _by(
        "attacks for minutes",
        "execute/test_tools.py::test_check_attacks_this_machine",
        "execute/test_boundary.py::test_no_attack_escapes",
    ),
    r"train (lora|dpo|tool-calling|full-finetune)": _by(
        "trains for minutes, which small models do in seconds",
        "train/test_recipes.py::test_a_recipe_that_was_interrupted_ends_where_it_would_have",
        "train/test_served.py::test_a_model_is_trained_on_top_of_a_job_s",
        "train/test_families.py::test_a_family_trained_whole_is_served_and_trained_on",
    ),
    r"quantize": _by(
        "needs what a job made", "train/test_served.py::test_quantize_writes_what_a_job_is_as_files"
    ),
    r"chat -b job:": _by(
        "needs what a job made", "train/test_served.py::test_a_job_is_talked_to_by_its_name"
    ),
    r"eval run .*--on ray": _by(
        "needs a cluster",
        "evaluate/test_eval_ray.py::test_a_cluster_comes_to_the_same_results_as_this_process",
    ),
    r"train pretrain .*--on ray": _by(
        "needs a cluster",
        "train/test_jobs_ray.py::"
        "test_a_job_on_a_cluster_comes_to_the_same_end_as_here_though_its_node_dies",
    ),
    r"chat -t fetch_page": _by(
        "needs the internet",
        "web/test_web_addresses.py::test_the_command_line_names_private_hosts",
        "web/test_web_pages.py::test_a_packed_page_is_unpacked",
    ),
    r"chat -t web_search": _by(
        "needs the internet",
        "web/test_web_search.py::test_each_service_is_asked_in_its_way_and_its_answer_understood",
    ),
    r"resume last --allow call_1": _by(
        "needs a run that waits",
        "replay/test_commands.py::test_a_run_that_waits_for_consent_is_resumed_with_it",
    ),
}
# Fewer cases and shorter labs than the page has, for the suite's time; nothing else is changed
_SHORTER = {
    "m5/tool-use": "m5/first-agent",
    "m5/tool-use:sums": "m5/first-agent:a-calculator",
    "36": "2",
    "20": "2",
    "steps=300": "steps=3",
}
_AGENT = """\
instructions = "Use the calculator for every sum."
tools = ["calculator"]
settings = { temperature = 0, max_tokens = 48, repeat_penalty = 1.0 }

[[examples]]
user = "What is 3 * 4?"
tool = "calculator"
arguments = { expression = "3 * 4" }
result = "12"
answer = "The answer is 12."

[[examples]]
user = "What is 250 * 16?"
tool = "calculator"
arguments = { expression = "250 * 16" }
result = "4000"
answer = "The answer is 4000."
"""
_TABLE = r"scorer +mean +95 % interval"
_SHOWS: Mapping[str, tuple[str, ...]] = {
    "list": ("m5/tool-use",),
    "run m5/first-agent --learner": ("passed, 3 of 3 checks",),
    "run m5/first-agent": ("→ calculator", "passed, 3 of 3 checks"),
    "run mine/letters": ("→ count_letter", r"\d of \d"),
    "new-lab": ("check-lab mine/",),
    "check-lab mine/letters": (
        r"✔ count / solution: accepted: [56] of 6 counted rightly, 5 needed",
        r"✔ count / starter: rejected: \d of the first \d counted rightly, 5 of 6 needed; e\.g\. '",
        r"✔ count / from-memory: rejected",
        r"✔ count / examples-without-calls: rejected",
        r"✔ why / solution: accepted: Yes\. To the tool the word is letters",
    ),
    "show last": ("calculator|count_letter|said",),
    "traces --sql SELECT name, error": (r"calculator",),
    "replay last --verify": (r"(\d+) of \1 events came again",),
    "diff": ("calculator",),
    "chat --json": (r'"output": ?\{', r'"outcome": ?"completed"'),
    "completion install": ("New shells complete agentlab",),
    "index docs": ("1 file read",),
    "search": (r"docs/exact\.md:\d",),
    "ask": (r"\[1\] docs/exact\.md:\d+",),
    "eval run": (_TABLE, r"\d\.\d{3} … \d\.\d{3}"),
    "eval list": (r"name +runs",),
    "eval compare": ("numeric",),
    "sandbox bash": ("usr",),
    "sandbox python": (">>> 2",),
    "train pretrain --settings": ("steps", "300"),
    "train pretrain --data": (r"step 3/3|done",),
    "train": ("pretrain", "lora", "dpo"),
    "jobs --sql": ("pretrain",),
    "tui --text": ("m5/first-agent",),
    "stats": ("tokens",),
}


class Home:
    """The folder, and what the commands of a page are called there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def named(self, word: str) -> str:
        """A word of a command as it stands on this machine."""
        word = _SHORTER.get(word, word).replace("documents:INDEX", "documents:home/index")
        if re.fullmatch(r"NAME-[12]", word):  # of the same questions: here the same one twice
            return self._evaluations()[-1]
        if word == "20261124-1015":  # the beginning of some run's id
            return sorted((self.folder / "home" / "runs").glob("*.jsonl"))[0].stem
        return word

    def exits(self, words: list[str]) -> set[int]:
        """What it may come to: two runs may differ, and a small model may fail."""
        return {0, 1} if words[0] in ("diff", "eval", "chat", "fork", "grep") else {0}

    def shows(self, words: list[str]) -> tuple[str, ...]:
        """Patterns that must be found in what it prints."""
        said = " ".join(words)
        return next((shown for start, shown in _SHOWS.items() if said.startswith(start)), ())

    def typed(self, words: list[str], piped: bool) -> str:
        """What is typed or piped in."""
        if words[0] == "sandbox":
            return "1 + 1\n"
        if words[:2] == ["tui", "--text"]:
            return "q\n"
        bare = words[0] == "chat" and not any(" " in word for word in words)
        return "What is 6 * 7?\n" if piped or bare else ""

    def _evaluations(self) -> list[str]:
        files = (self.folder / "home" / "runs" / "results").glob("*.jsonl")
        return [path.stem for path in sorted(files)]


@contextmanager
def _files(home: Home) -> Generator[None]:
    """What the pages name as the reader's own."""
    folder = home.folder
    (folder / "docs").mkdir()
    (folder / "docs" / "exact.md").write_text(
        "# Exact runs\n\nA run is exact when its cache was cleared before.\n\n"
        "Karen Spärck Jones proposed in 1972 to weight words by how few documents contain them.\n"
    )
    (folder / "sales.csv").write_text("day,region,amount\n2024-01-01,North,12.5\n")
    (folder / "people").mkdir()
    people = folder / "people" / "one.parquet"
    duckdb.execute(f"COPY (SELECT 'Ada' AS name) TO '{people}' (FORMAT parquet)")
    (folder / "letter.txt").write_text("Dear Ada, see you on Monday. Yours, Ben\n")
    (folder / "person.json").write_text(
        '{"type": "object", "properties": {"name": {"type": "string", "maxLength": 20}},'
        ' "required": ["name"], "additionalProperties": false}'
    )
    (folder / "answers").mkdir()
    (folder / "answers" / "a-calculator.toml").write_text(_AGENT)
    (folder / "answers" / "who-did-it.toml").write_text('chosen = ["b"]\n')
    (folder / "sums.jsonl").write_text(
        '{"id": "easy", "input": "What is 17 * 23?", "expect": 391}\n'
    )
    (folder / "agent.toml").write_text(_AGENT)
    _benchmark(folder / "bfcl_eval" / "data")
    (folder / "book.txt").write_text(
        "It was a bright cold day, and the clocks were striking. " * 200
    )
    yield


def _benchmark(folder: Path) -> None:
    """A case of each category, of those that were written here, in the layout of BFCL."""
    (folder / "possible_answer").mkdir(parents=True)
    written = Path(__file__).parents[2] / "benchmarks" / "strange"
    for file in written.rglob("BFCL_v4_*.json"):
        first, _, _ = file.read_text(encoding="utf-8").partition("\n")
        (folder / file.relative_to(written)).write_text(f"{first}\n", encoding="utf-8")


@contextmanager
def _a_run(home: Home) -> Generator[None]:
    """Pages that look back begin with a run."""
    with _files(home):
        command = ["run", "m5/first-agent", "--step", "a-calculator"]
        assert CliRunner().invoke(Commands(name="agentlab"), command).exit_code == 0
        yield


WORLDS: Mapping[str, Callable[[Home], AbstractContextManager[None]]] = {
    "any": _files,
    "export": _a_run,
    "replay": _a_run,
}
