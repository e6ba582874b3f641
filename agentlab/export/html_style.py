"""How the page of a run looks: on a screen in light or dark, and on paper."""

from __future__ import annotations

from typing import Final

STYLE: Final = """
:root {
  --paper: #faf9f6; --card: #ffffff; --ink: #1f1e1b; --soft: #66635b; --line: #e4e0d6;
  --well: #f4f2ec; --model: #3f51b5; --tool: #0b7285; --good: #24713a; --bad: #b3261e;
  --warn: #8a5a00; --you: #eef0fb; --focus: #3f51b5;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Code", "DejaVu Sans Mono", Menlo, monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #141416; --card: #1c1c20; --ink: #e9e7e2; --soft: #a19d94; --line: #303036;
    --well: #232328; --model: #9fa8ff; --tool: #66d9e8; --good: #7ed491; --bad: #ff9d95;
    --warn: #f0c05a; --you: #24263a; --focus: #9fa8ff;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.6 var(--sans); overflow-wrap: anywhere;
}
.page { max-width: 56rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
a { color: inherit; text-decoration-color: var(--line); text-underline-offset: .2em; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; border-radius: 4px; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: 1rem; background: var(--card); padding: .5rem 1rem; }
h1, h2, h3, p, dl, ol, ul, pre { margin: 0; padding: 0; }
h1 { font-size: 1.75rem; line-height: 1.25; font-weight: 650; letter-spacing: -.015em; }
h2 {
  font-size: .8125rem; font-weight: 650; letter-spacing: .08em; text-transform: uppercase;
  color: var(--soft); margin: 3rem 0 .9rem;
}
code, pre, .mono { font-family: var(--mono); font-size: .875em; }
.over b { color: var(--ink); font-weight: 600; }
.over { color: var(--soft); font-size: .875rem; display: flex; gap: .75rem; flex-wrap: wrap;
  align-items: center; margin-bottom: .6rem; }
.badge { font-size: .75rem; font-weight: 650; padding: .1rem .6rem; border-radius: 99px;
  border: 1px solid currentColor; }
.good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
.facts { display: grid; grid-template-columns: repeat(3, 1fr);
  gap: 1px; margin-top: 1.6rem; background: var(--line); border: 1px solid var(--line);
  border-radius: 12px; overflow: hidden; }
.facts div { background: var(--card); padding: .7rem .95rem .75rem; }
.facts dt { font-size: .75rem; color: var(--soft); }
.facts dd { margin: 0; font-weight: 600; font-variant-numeric: tabular-nums; }
.facts small { display: block; font-weight: 400; color: var(--soft); font-size: .75rem; }
.chips { list-style: none; display: flex; flex-wrap: wrap; gap: .4rem; margin-top: .9rem; }
.chips li { font-size: .8125rem; color: var(--soft); background: var(--well);
  border-radius: 6px; padding: .1rem .55rem; }
.chips b { color: var(--ink); font-weight: 500; }

.lanes { list-style: none; border: 1px solid var(--line); border-radius: 12px;
  background: var(--card); padding: .5rem 0; }
.lanes a { display: grid; grid-template-columns: minmax(6rem, 13rem) 1fr 4.75rem; gap: .9rem;
  align-items: center; padding: .18rem .95rem; text-decoration: none; font-size: .8125rem; }
.lanes a:hover { background: var(--well); }
.lanes .what { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.lanes .took { text-align: right; color: var(--soft); font-variant-numeric: tabular-nums; }
.lanes svg { width: 100%; height: .7rem; display: block; }
.lanes .rail { fill: var(--well); }
.fill-model { fill: var(--model); } .fill-tool { fill: var(--tool); }
.fill-bad { fill: var(--bad); }
.is-model .what { color: var(--model); font-weight: 600; }
.is-tool .what { color: var(--tool); font-family: var(--mono); padding-left: 1rem; }
.is-bad .what { color: var(--bad); }

.turn { display: grid; grid-template-columns: 5.25rem 1fr; gap: 0 1.1rem; padding: .55rem 0; }
.turn > .at { text-align: right; color: var(--soft); font-size: .75rem; padding-top: .3rem;
  font-variant-numeric: tabular-nums; line-height: 1.45; }
.turn > .at b { display: block; font-size: .8125rem; font-weight: 650; }
.turn.model > .at b { color: var(--model); }
.said { white-space: pre-wrap; tab-size: 4; }
.body { min-width: 0; display: grid; gap: .6rem; }
.user .body > .said { background: var(--you); border-radius: 12px; padding: .6rem .95rem;
  justify-self: start; max-width: 100%; }
.foot { font-size: .75rem; color: var(--soft); font-variant-numeric: tabular-nums; }
.note { border-left: 3px solid currentColor; padding: .1rem 0 .1rem .8rem; font-size: .9375rem; }
.note .said { color: var(--ink); }

details { border: 1px solid var(--line); border-radius: 10px; background: var(--card); }
summary { cursor: pointer; padding: .5rem .95rem; list-style: none; display: flex; gap: .7rem;
  align-items: baseline; font-size: .875rem; }
summary::-webkit-details-marker { display: none; }
summary::before { content: "▸"; color: var(--soft); font-size: .8em; flex: none; }
details[open] > summary::before { content: "▾"; }
details[open] > summary { border-bottom: 1px solid var(--line); }
summary .call { font-family: var(--mono); font-size: .9375em; flex: 1; min-width: 0; }
summary .call b { color: var(--tool); font-weight: 650; }
summary .grow { flex: 1; }
summary .end { color: var(--soft); font-size: .75rem; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
.inside { padding: .8rem .95rem .95rem; display: grid; gap: .8rem; }
.inside h3 { font-size: .75rem; font-weight: 600; color: var(--soft); margin-bottom: .25rem; }
pre { background: var(--well); border-radius: 8px; padding: .6rem .8rem; white-space: pre-wrap;
  line-height: 1.5; max-height: 30rem; overflow: auto; tab-size: 4; }
pre.bad { color: var(--bad); }
.plain { border: 0; background: none; } .plain > summary { padding: 0; color: var(--soft); }
.plain[open] > summary { border: 0; padding-bottom: .4rem; }
.thought { color: var(--soft); font-style: italic; }
figure { margin: 0; } figcaption { font-size: .75rem; color: var(--soft); padding-top: .3rem; }
figure audio { width: 100%; max-width: 30rem; }
figure img { max-width: 100%; height: auto; border-radius: 8px; border: 1px solid var(--line);
  background: #ffffff; display: block; }
footer { margin-top: 3.5rem; padding-top: 1rem; border-top: 1px solid var(--line);
  font-size: .8125rem; color: var(--soft); }

@media (max-width: 40rem) {
  .page { padding-top: 1.5rem; }
  .turn { grid-template-columns: 1fr; }
  .turn > .at { text-align: left; display: flex; gap: .6rem; padding-bottom: .2rem; }
  .lanes a { grid-template-columns: 7rem 1fr 4rem; }
  .facts { grid-template-columns: repeat(2, 1fr); }
}
@media print {
  :root { --paper: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb; --well: #f4f4f4;
    --model: #27348b; --tool: #0b5563; --good: #1b5a2d; --bad: #8c1d18; --warn: #6b4600;
    --you: #f2f2f2; }
  body { font-size: 10.5pt; }
  .page { max-width: none; padding: 0; }
  .skip { display: none; }
  details { break-inside: avoid; }
  details::details-content { content-visibility: visible; display: block; block-size: auto; }
  summary::before { content: none !important; }
  pre { max-height: none; overflow: visible; }
  .facts, .lanes, pre, .badge, svg { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  h2 { break-after: avoid; }
}
"""
