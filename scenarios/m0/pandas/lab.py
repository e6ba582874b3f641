"""m0/pandas: a messy table read without loss, a join, a log, and a total that a model asks for."""

from __future__ import annotations

from agentlab.labs import Lab, ReadStep
from agentlab.labs.checks import every
from agentlab.labs.declare import Drawn, code_step, quiz, right, wrong
from agentlab_tools.execute.equipment import sandbox_with
from agentlab_tools.execute.tools import run_python

from . import answers
from .cases import joins, logs, questions, tables
from .judging import (
    CLEANED,
    REACHED,
    SUMMED,
    changed,
    lost_calls,
    lost_orders,
    made_up,
    miscarried,
    miscounted,
    misread,
    mistimed,
    mistold,
    mistyped,
    nameless,
    not_asked,
)
from .tools import MODEL, serve

lab = Lab(
    id="m0/pandas",
    title="What got lost on the way",
    teaches=(
        "reading a table that people wrote, without losing a row or a value",
        "joining and grouping by two keys, where some are missing",
        "a total that a model can trust",
    ),
    minutes=25,
    backend=MODEL,
    tools=(run_python, serve),
    equip=sandbox_with("pandas", timeout=30),
    steps=(
        ReadStep(id="silence"),
        code_step(
            "clean",
            answers.CLEAN,
            Drawn(tables, practice=1, graded=1),
            hints=(
                "Read all as text first: pd.read_csv(…, dtype=str). Print the values of a column "
                "that you can't read before you coerce them.",
                "Give each way of writing a day a format of its own, and fill the one with the "
                "other. Which orders does drop_duplicates take for the same?",
                'again = table["order"].notna() & table.duplicated("order", keep="last"), then '
                'table[~again]; yes and no: .map({…}).astype("boolean").',
            ),
            checks=(
                every("types", "five columns, each of its type", mistyped(CLEANED)),
                every("rows", "every order is there, and once", lost_orders),
                every("days", "each on its day", misread("day")),
                every("kilos", "with what it weighs", misread("kilos")),
                every("paid", "paid, not paid, or nobody knows", misread("paid")),
            ),
        ),
        code_step(
            "join",
            answers.JOIN,
            Drawn(joins, practice=1, graded=1),
            hints=(
                "Compare len(orders) before and after. Then look at an order without city and "
                "state: what did it get?",
                "Count airports by city and state first, so that each pair is there once. Then a "
                'left join. validate="many_to_one" complains if it isn\'t so.',
                'airports.groupby(["city", "state"]).size() leaves out what is missing; merge '
                'with how="left", then .fillna(0).astype(int).',
            ),
            checks=(
                every("types", "the orders' columns, and a whole number", mistyped(REACHED)),
                every("rows", "the same orders, as many, in their order", miscarried),
                every("counts", "with the airports of their city and state", miscounted),
                every("kept", "what it is given stays as it was", changed),
            ),
        ),
        code_step(
            "log",
            answers.SUMMARY,
            Drawn(logs, practice=1, graded=1),
            hints=(
                "How many lines say tool_started, and how many rows come out of your merge? In "
                "which of the runs is call_1?",
                'lines["run"].ffill() gives every line its run. Merge on run and id, how="left"; '
                "what has no end is unfinished.",
                'groupby(["tool", "error"], dropna=False), .agg(calls="size", seconds=lambda s: '
                "s.sum(min_count=1)).",
            ),
            checks=(
                every("types", "four columns, each of its type", mistyped(SUMMED)),
                every("calls", "every call counts once", lost_calls),
                every("seconds", "with the time it took, if it ended", mistimed),
            ),
        ),
        code_step(
            "total",
            answers.TOTAL,
            Drawn(questions, practice=1, graded=1),
            runs_on="serve",
            hints=(
                "Look at the calls that the model makes, letter by letter. Which rows does your "
                "comparison find?",
                "Strip and casefold both sides. An empty selection adds up to 0.0, and so do "
                "gaps: raise an error in both cases.",
                "if rows.empty: raise ValueError(…); if rows[of].isna().all(): raise "
                "ValueError(…).",
            ),
            checks=(
                every("called", "the model calls it for every question", not_asked),
                every("right", "what is known comes back, however it is spelt", mistold),
                every("named", "and says of what it is the sum", nameless),
                every("honest", "what nobody knows is an error, not a number", made_up),
            ),
        ),
        quiz(
            "which-loses",
            "Which of them lose something?",
            "Each of these runs without a word of warning. Which of them lost something, or "
            "made something up, in this lab?",
            right(
                'orders.drop_duplicates("order", keep="last")',
                "All orders without a number are the same to it: of four, one was left.",
            ),
            right(
                'pd.to_datetime(day, format="mixed", dayfirst=True)',
                "It swaps 2026-03-04, too, which is written the only way that can't be mistaken.",
            ),
            wrong(
                'orders.merge(counts, on=keys, how="left", validate="many_to_one")',
                "It keeps every order, once, and would have complained if a key were there twice.",
            ),
            right(
                "orders.merge(airports, on=keys), with keys missing on both sides",
                "Missing meets missing: all 12 airports without a city join each such order.",
            ),
            wrong(
                'table.groupby(["tool", "error"], dropna=False).size()',
                "It keeps the calls without an error. What drops them is groupby as it comes.",
            ),
            hints=("Three of them. What does each do where a value is missing?",),
        ),
    ),
)
