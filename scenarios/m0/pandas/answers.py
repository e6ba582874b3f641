"""Starters, reference solutions, other right answers, and wrong ones that lose something."""

from __future__ import annotations

from agentlab.labs.declare import programs

_CLEAN_STARTER = '''import io

import pandas as pd


def clean(text):
    """The orders in a CSV text: order, airport, day, kilos, paid; one row for each order."""
    table = pd.read_csv(io.StringIO(text))
    table["day"] = pd.to_datetime(table["day"], errors="coerce")
    table["kilos"] = pd.to_numeric(table["kilos"], errors="coerce")
    table["paid"] = table["paid"] == "yes"
    return table.dropna().drop_duplicates()
'''
_CLEAN = """import io

import pandas as pd


def clean(text):
    table = pd.read_csv(io.StringIO(text), dtype=str)
    day = table["day"]
    iso = pd.to_datetime(day, format="%Y-%m-%d", errors="coerce")
    table["day"] = iso.fillna(pd.to_datetime(day, format="%d/%m/%Y", errors="coerce"))
    kilos = table["kilos"].str.replace(",", "").str.replace("kg", "").str.strip()
    table["kilos"] = pd.to_numeric(kilos.replace("?", None))
    paid = table["paid"].str.strip().str.lower()
    table["paid"] = paid.map({"yes": True, "no": False}).astype("boolean")
    again = table["order"].notna() & table.duplicated("order", keep="last")
    return table[~again]
"""
_CLEAN_ALSO = {
    "with-patterns": """import io

import pandas as pd


def clean(text):
    raw = pd.read_csv(io.StringIO(text), dtype="string", skipinitialspace=True)
    turned = raw.day.str.replace(r"^(\\d\\d)/(\\d\\d)/(\\d{4})$", r"\\3-\\2-\\1", regex=True)
    found = pd.DataFrame({
        "order": raw.order,
        "airport": raw.airport,
        "day": pd.to_datetime(turned, format="%Y-%m-%d", errors="coerce"),
        "kilos": raw.kilos.str.replace(r"[^\\d.]", "", regex=True).replace("", pd.NA)
            .astype("Float64"),
        "paid": raw.paid.str.match(r"\\s*yes", case=False).astype("boolean"),
    })
    numbered = found[found.order.notna()].drop_duplicates("order", keep="last")
    return pd.concat([numbered, found[found.order.isna()]])
""",
    "line-by-line": """import csv
import datetime
import io

import pandas as pd


def day_of(text):
    for form in ("%d/%m/%Y", "%Y-%m-%d"):
        try:
            return datetime.datetime.strptime(text.strip(), form)
        except ValueError:
            pass


def clean(text):
    kept = {}
    for n, line in enumerate(csv.DictReader(io.StringIO(text))):
        digits = "".join(c for c in line["kilos"] if c.isdigit() or c == ".")
        kept[line["order"] or n] = (
            line["order"] or None,
            line["airport"],
            day_of(line["day"]),
            float(digits) if digits else None,
            {"y": True, "n": False}.get(line["paid"].strip().lower()[:1]),
        )
    table = pd.DataFrame(kept.values(), columns=["order", "airport", "day", "kilos", "paid"])
    kinds = {"order": str, "airport": "string", "day": "datetime64[us]", "kilos": float}
    order = table["order"].astype("string")
    return table.assign(order=order).astype({**kinds, "order": "string", "paid": "boolean"})
""",
    "in-groups": """import io

import pandas as pd


def clean(text):
    table = pd.read_csv(io.StringIO(text), dtype=str, na_values=["?", "soon"])
    slashes = table.day.str.contains("/", na=False)
    days = pd.Series(pd.NaT, index=table.index, dtype="datetime64[us]")
    days[slashes] = pd.to_datetime(table.day[slashes], dayfirst=True)
    days[~slashes] = pd.to_datetime(table.day[~slashes])
    kilos = table.kilos.str.extract(r"([\\d.,]+)")[0].str.replace(",", "").astype(float)
    said = table.paid.str.lower().str.strip()
    paid = (said == "yes").astype("boolean").mask(said.isna())
    table = table.assign(day=days, kilos=kilos, paid=paid)
    own = table.order.fillna("line " + table.index.astype(str).to_series(index=table.index))
    return table.groupby(own, sort=False).tail(1)
""",
}
_CLEAN_WRONG = {
    "rows-with-gaps-go": _CLEAN.replace("table[~again]", "table[~again].dropna()"),
    "all-without-number-are-one": _CLEAN.replace('table["order"].notna() & ', ""),
    "first-word-counts": _CLEAN.replace('keep="last"', 'keep="first"'),
    "codes-as-numbers": _CLEAN.replace(
        "dtype=str", 'dtype={"order": str, "day": str, "kilos": str, "paid": str}'
    ).replace("    day = ", '    table["airport"] = table["airport"].astype(str)\n    day = '),
    "zeros-gone": _CLEAN.replace(
        "    day = ",
        '    table["order"] = pd.to_numeric(table["order"]).astype("Int64").astype("string")\n'
        "    day = ",
    ),
    "month-first": _CLEAN.replace(
        'format="%d/%m/%Y", errors="coerce"', 'format="mixed", errors="coerce"'
    ),
    "day-first-for-all": _CLEAN.replace(
        'iso.fillna(pd.to_datetime(day, format="%d/%m/%Y", errors="coerce"))',
        'pd.to_datetime(day, format="mixed", dayfirst=True, errors="coerce")',
    ),
    "thousands-coerced": _CLEAN.replace(
        'table["kilos"].str.replace(",", "").str.replace("kg", "").str.strip()', 'table["kilos"]'
    ).replace('kilos.replace("?", None)', 'kilos, errors="coerce"'),
    "a-gap-is-nothing": _CLEAN.replace(
        'pd.to_numeric(kilos.replace("?", None))',
        'pd.to_numeric(kilos.replace("?", None)).fillna(0.0)',
    ),
    "not-yes-is-no": _CLEAN.replace(
        'paid.map({"yes": True, "no": False}).astype("boolean")', 'paid == "yes"'
    ),
}
CLEAN = programs(
    starter=_CLEAN_STARTER,
    solution=_CLEAN,
    also=_CLEAN_ALSO,
    wrong=_CLEAN_WRONG,
    mistakes={
        "rows-with-gaps-go": "rows",
        "all-without-number-are-one": "rows",
        "first-word-counts": "kilos",
        "codes-as-numbers": "0E0",
        "zeros-gone": "rows",
        "month-first": "days",
        "day-first-for-all": "days",
        "thousands-coerced": "kilos",
        "a-gap-is-nothing": "kilos",
        "not-yes-is-no": "paid",
    },
)

_JOIN_STARTER = '''import pandas as pd


def reached(orders, airports):
    """The orders, with a column `airports`: how many there are in the order's city and state."""
    counts = airports.groupby("city").size().rename("airports").reset_index()
    return orders.merge(counts, on="city")
'''
_JOIN = """import pandas as pd


def reached(orders, airports):
    keys = ["city", "state"]
    counts = airports.groupby(keys).size().rename("airports").reset_index()
    found = orders.merge(counts, on=keys, how="left", validate="many_to_one")
    found["airports"] = found["airports"].fillna(0).astype(int)
    return found
"""
_JOIN_ALSO = {
    "counted-in-a-dict": """from collections import Counter


def reached(orders, airports):
    known = airports.dropna(subset=["city", "state"])
    counts = Counter(zip(known["city"], known["state"]))
    pairs = zip(orders["city"], orders["state"])
    return orders.assign(airports=[counts.get(pair, 0) for pair in pairs])
""",
    "by-index": """def reached(orders, airports):
    keys = ["city", "state"]
    counts = airports[keys].value_counts().rename("airports")
    found = orders.join(counts, on=keys)
    return found.fillna({"airports": 0}).astype({"airports": "Int64"})
""",
    "joined-then-counted": """def reached(orders, airports):
    numbered = orders.reset_index(drop=True)
    known = airports.dropna(subset=["city", "state"])
    pairs = numbered.reset_index().merge(known, on=["city", "state"])
    counts = pairs.groupby("index").size().reindex(numbered.index, fill_value=0)
    return numbered.assign(airports=counts)
""",
}
_JOIN_WRONG = {
    "only-what-fits": _JOIN.replace(', how="left"', ""),
    "on-the-city-alone": """def reached(orders, airports):
    counts = airports.groupby("city").size()
    found = orders["city"].map(counts).fillna(0).astype(int)
    return orders.assign(airports=found)
""",
    "a-row-for-each": """def reached(orders, airports):
    keys = ["city", "state"]
    found = orders.merge(airports, on=keys, how="left")
    size = found.groupby(keys, dropna=False)["code"].transform("count")
    return found.drop(columns="code").assign(airports=size)
""",
    "nowhere-is-a-place": _JOIN.replace("groupby(keys)", "groupby(keys, dropna=False)"),
    "gaps-left": _JOIN.replace(
        '    found["airports"] = found["airports"].fillna(0).astype(int)\n', ""
    ),
    "in-the-callers-table": """def reached(orders, airports):
    counts = airports.groupby(["city", "state"]).size().to_dict()
    pairs = zip(orders["city"], orders["state"])
    orders["airports"] = [counts.get(pair, 0) for pair in pairs]
    return orders
""",
}
JOIN = programs(
    starter=_JOIN_STARTER,
    solution=_JOIN,
    also=_JOIN_ALSO,
    wrong=_JOIN_WRONG,
    mistakes={
        "only-what-fits": "rows",
        "on-the-city-alone": "counts",
        "a-row-for-each": "rows",
        "nowhere-is-a-place": "no city, no state: 12",
        "gaps-left": "airports is numbers",
        "in-the-callers-table": "kept",
    },
)

_SUMMARY_STARTER = '''import io
import json

import pandas as pd


def summary(text):
    """The calls in a log, by tool and error: tool, error, calls, seconds."""
    lines = pd.json_normalize([json.loads(line) for line in text.splitlines()])
    begun = lines[lines["event.kind"] == "tool_started"]
    ended = lines[lines["event.kind"] == "tool_finished"]
    calls = begun.merge(ended, left_on="event.call.id", right_on="event.result.call_id")
    print(len(begun), "calls were begun,", len(calls), "came out of the merge")
    return calls.groupby(["event.call.name_x", "event.result.error_y"]).size().reset_index()
'''
_EVENTS = """import json

import pandas as pd


def events(text):
    lines = pd.json_normalize([json.loads(line) for line in text.splitlines()])
    lines["run"] = lines["run"].ffill()
    begun = lines[lines["event.kind"] == "tool_started"]
    begun = begun[["run", "event.call.id", "event.call.name", "at"]]
    begun.columns = ["run", "id", "tool", "began"]
    ended = lines[lines["event.kind"] == "tool_finished"]
    ended = ended[["run", "event.result.call_id", "event.result.error", "at"]]
    ended.columns = ["run", "id", "error", "ended"]
    return begun, ended
"""
_SUMMARY = f"""{_EVENTS}

def summary(text):
    begun, ended = events(text)
    calls = begun.merge(ended, on=["run", "id"], how="left")
    calls.loc[calls["ended"].isna(), "error"] = "unfinished"
    calls["seconds"] = calls["ended"] - calls["began"]
    grouped = calls.groupby(["tool", "error"], dropna=False)["seconds"]
    found = grouped.agg(calls="size", seconds=lambda s: s.sum(min_count=1)).reset_index()
    return found.astype({{"error": "str"}})
"""
_SUMMARY_ALSO = {
    "in-dicts": """import json

import pandas as pd


def summary(text):
    calls, run = {}, None
    for line in text.splitlines():
        told = json.loads(line)
        run = told.get("run", run)
        event = told.get("event", {"kind": None})
        if event["kind"] == "tool_started":
            key = run, event["call"]["id"]
            calls[key] = [event["call"]["name"], "unfinished", told["at"], None]
        elif event["kind"] == "tool_finished":
            call = calls[run, event["result"]["call_id"]]
            call[1], call[3] = event["result"]["error"], told["at"]
    rows = {}
    for tool, error, began, ended in calls.values():
        row = rows.setdefault((tool, error), [tool, error, 0, None])
        row[2] += 1
        if ended is not None:
            row[3] = (row[3] or 0.0) + ended - began
    found = pd.DataFrame(list(rows.values()), columns=["tool", "error", "calls", "seconds"])
    return found.astype({"tool": "str", "error": "str", "seconds": float})
""",
    "numbered-runs": """import json

import pandas as pd


def summary(text):
    told = [json.loads(line) for line in text.splitlines()]
    run = pd.Series(["run" in one for one in told]).cumsum()
    rows = []
    for number, one in zip(run, told):
        event = one.get("event", {})
        part = event.get("call") or event.get("result") or {}
        if event.get("kind") == "tool_started":
            rows.append((number, part["id"], part["name"], None, -one["at"], 1))
        if event.get("kind") == "tool_finished":
            rows.append((number, part["call_id"], None, part["error"] or "", one["at"], 1))
    table = pd.DataFrame(rows, columns=["run", "id", "tool", "error", "at", "lines"])
    calls = table.groupby(["run", "id"]).agg(
        {"tool": "first", "error": "first", "at": "sum", "lines": "sum"}
    )
    calls["error"] = calls["error"].fillna("unfinished")
    calls["at"] = calls["at"].where(calls["lines"] == 2)
    by = calls.groupby(["tool", "error"])["at"]
    found = pd.DataFrame({"calls": by.size(), "seconds": by.sum(min_count=1)}).reset_index()
    found["error"] = found["error"].mask(found["error"] == "")
    return found
""",
    "by-index": f"""{_EVENTS}

def summary(text):
    begun, ended = (part.set_index(["run", "id"]) for part in events(text))
    calls = begun.join(ended)
    calls["error"] = calls["error"].fillna("ok").where(calls["ended"].notna(), "unfinished")
    seconds = calls["ended"].sub(calls["began"])
    by = [calls["tool"], calls["error"]]
    found = pd.concat(
        [calls.groupby(by).size().rename("calls"), seconds.groupby(by).mean().rename("mean")],
        axis=1,
    )
    known = seconds.groupby(by).count()
    found["seconds"] = found.pop("mean") * known
    found = found.reset_index()
    found.loc[found["error"] == "ok", "error"] = None
    return found
""",
}
_SUMMARY_WRONG = {
    "by-the-id-alone": _SUMMARY.replace('on=["run", "id"]', 'on="id"'),
    "only-what-ended": _SUMMARY.replace(', how="left"', ""),
    "successes-gone": _SUMMARY.replace(", dropna=False", ""),
    "no-time-at-all": _SUMMARY.replace("min_count=1", ""),
    "as-many-as-ended": _SUMMARY.replace('calls="size"', 'calls="count"'),
}
SUMMARY = programs(
    starter=_SUMMARY_STARTER,
    solution=_SUMMARY,
    also=_SUMMARY_ALSO,
    wrong=_SUMMARY_WRONG,
    mistakes={
        "by-the-id-alone": "calls",
        "only-what-ended": "unfinished: 0 calls",
        "successes-gone": "no error: 0 calls",
        "no-time-at-all": "0.0000 s, not missing",
        "as-many-as-ended": "unfinished: 0 calls",
    },
)

_TOTAL_STARTER = '''def total(table, of, by, value):
    """A sentence with the sum of column `of` over the rows whose column `by` has the value."""
    return table[table[by] == value][of].sum()
'''
_TOTAL = """def total(table, of, by, value):
    wanted = value.strip().casefold()
    rows = table[table[by].str.casefold() == wanted]
    if rows.empty:
        there = ", ".join(sorted(table[by].dropna().unique()))
        raise ValueError(f"no order has the {by} {value!r}: there are {there}")
    if rows[of].isna().all():
        raise ValueError(f"the {of} of all {len(rows)} orders there are unknown")
    return f"The {of} of all orders to {value.strip()}: {rows[of].sum()}"
"""
_NAMED = 'f"The {of} of all orders to {value.strip()}: {rows[of].sum()}"'
TOTAL = programs(
    starter=_TOTAL_STARTER,
    solution=_TOTAL,
    also={
        "in-groups": """def total(table, of, by, value):
    sums = table.groupby(table[by].str.lower())[of].sum(min_count=1).dropna()
    try:
        return f"{of}: {sums[value.lower().strip()]}"
    except KeyError:
        raise LookupError(f"unknown; known are {list(sums.index)}") from None
""",
        "in-a-loop": """def total(table, of, by, value):
    numbers = [
        number
        for name, number in zip(table[by], table[of])
        if name.upper() == value.upper().strip() and number == number
    ]
    assert numbers, f"nothing is known of {value}"
    return f"All {of} there, {len(numbers)} known: {sum(numbers):,.2f}"
""",
        "as-a-query": """def total(table, of, by, value):
    known = table.dropna(subset=[of, by])
    found = known[known[by].str.fullmatch(value.strip(), case=False)]
    if len(found):
        return "The sum of the " + of + " is " + str(found[of].sum())
    raise RuntimeError("nobody knows the " + of + " of " + (value.strip() or "nowhere"))
""",
    },
    wrong={
        "as-it-is-spelt": _TOTAL.replace("value.strip().casefold()", "value").replace(
            ".str.casefold()", ""
        ),
        "nothing-is-zero": f"{_TOTAL[: _TOTAL.index('    if rows.empty')]}    return {_NAMED}\n",
        "a-bare-number": _TOTAL.replace(_NAMED, "rows[of].sum()"),
    },
    mistakes={
        "as-it-is-spelt": "right",
        "nothing-is-zero": "honest",
        "a-bare-number": "named",
    },
)
