"""Train the reader: a small network over MiniLM's token states that tells if a text answers.

    python scripts/train_reader.py PAIRS.jsonl OUT.npz [--states FOLDER] [--epochs 4]

PAIRS are those of scripts/reader_pairs.py. MiniLM stays as it is: its token states are computed
once and kept under --states, so that training costs minutes on one core. The network is that of
tools/agentlab_tools/knowledge/read/network.py, which runs what is written here without torch. One
question in 25 is held out, and says after each epoch how well answers are found: the share of
texts judged rightly, and of answers that overlap the right one in more than half of their tokens.

Needs the extra `train`.
"""

# torch says little of what its functions return
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import argparse
import json
import tempfile
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from agentlab_tools.knowledge.embed.minilm import MiniLM
from agentlab_tools.knowledge.read.network import FEATURES, HEADS, LAYERS, LONGEST, WIDTH, matches


class Reader(nn.Module):
    """The network of `network.py`, to be trained."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Linear(384, WIDTH)
        self.extra = nn.Linear(FEATURES, WIDTH, bias=False)
        self.place = nn.Parameter(torch.randn(LONGEST, WIDTH) * 0.02)
        self.side = nn.Parameter(torch.randn(2, WIDTH) * 0.02)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                WIDTH, HEADS, 2 * WIDTH, dropout=0.1, batch_first=True, norm_first=True
            )
            for _ in range(LAYERS)
        )
        self.last = nn.LayerNorm(WIDTH)
        self.ends = nn.Linear(WIDTH, 2)
        self.judge = nn.Linear(2 * WIDTH, 1)
        self.drop = nn.Dropout(0.2)

    def forward(self, states: Any, extra: Any, place: Any, side: Any, mask: Any) -> Any:
        """Logits of the answer's first and last token (batch, tokens), and of there being one."""
        x = self.enter(self.drop(states)) + self.extra(extra) + self.place[place] + self.side[side]
        for layer in self.layers:
            x = layer(x, src_key_padding_mask=~mask)
        x = self.last(x)
        text = mask & (side == 1)
        ends = self.ends(x).masked_fill(~text[..., None], -1e4)
        best = x.masked_fill(~text[..., None], -1e4).amax(1)
        return ends[..., 0], ends[..., 1], self.judge(torch.cat([x[:, 0], best], -1))[:, 0]


def prepared(rows: list[dict[str, Any]], kept: Path) -> tuple[Any, ...]:
    """All texts' token ids, offsets and states, kept in a folder from one run to the next."""
    texts = sorted({row["question"] for row in rows} | {row["text"] for row in rows})
    stamp = f"{zlib.crc32(chr(0).join(texts).encode()):08x}"
    files = {name: kept / f"{stamp}-{name}.npy" for name in ("states", "ids", "offsets", "starts")}
    if not all(file.is_file() for file in files.values()):
        kept.mkdir(parents=True, exist_ok=True)
        read = list(MiniLM().states(texts))
        np.save(files["states"], np.concatenate([r.states.astype(np.float16) for r in read]))
        np.save(files["ids"], np.concatenate([np.array(r.ids, np.int32) for r in read]))
        np.save(files["offsets"], np.concatenate([np.array(r.offsets, np.int32) for r in read]))
        np.save(files["starts"], np.cumsum([0, *(len(r.ids) for r in read)]))
    number = {text: n for n, text in enumerate(texts)}
    return number, *(np.load(files[name], mmap_mode="r") for name in files)


def batches(rows: list[dict[str, Any]], data: tuple[Any, ...], size: int) -> Any:
    """Padded batches of pairs, of like lengths together."""
    number, states, ids, offsets, starts = data

    def tokens(text: str) -> slice:
        n = number[text]
        return slice(int(starts[n]), int(starts[n + 1]))

    order = sorted(rows, key=lambda row: len(row["question"]) + len(row["text"]))
    groups = [order[at : at + size] for at in range(0, len(order), size)]
    for at in torch.randperm(len(groups)).tolist():
        made: list[tuple[Any, ...]] = []  # states, what matches, question tokens, answer, judged
        for row in groups[at]:
            q, t = tokens(row["question"]), tokens(row["text"])
            # the text's first token stands for "no answer" and is left out, as is its last
            t = slice(t.start + 1, min(t.stop - 1, t.start + LONGEST - 40))
            q = slice(q.start, min(q.stop, q.start + 40))
            if t.stop <= t.start:
                continue
            first = last = -1
            if row["start"] is not None:
                of = offsets[t]
                inside = np.flatnonzero((of[:, 0] < row["end"]) & (of[:, 1] > row["start"]))
                if len(inside):
                    first, last = int(inside[0]), int(inside[-1])
            both = np.concatenate([states[q], states[t]]).astype(np.float32)
            count = q.stop - q.start
            extra = matches(both, np.concatenate([ids[q], ids[t]]), count)
            made.append((both, extra, count, first, last, float(row["answerable"])))
        longest = max(len(one[0]) for one in made)
        x = torch.zeros(len(made), longest, 384)
        extra = torch.zeros(len(made), longest, FEATURES)
        place = torch.zeros(len(made), longest, dtype=torch.long)
        side = torch.zeros(len(made), longest, dtype=torch.long)
        mask = torch.zeros(len(made), longest, dtype=torch.bool)
        target = torch.full((len(made), 2), -100)
        for n, (both, more, count, first, last, _) in enumerate(made):
            size_ = len(both)
            x[n, :size_] = torch.from_numpy(both)
            extra[n, :size_] = torch.from_numpy(more)
            place[n, :size_] = torch.cat([torch.arange(count), torch.arange(size_ - count)])
            side[n, count:size_] = 1
            mask[n, :size_] = True
            if first >= 0:
                target[n] = torch.tensor([count + first, count + last])
        yield x, extra, place, side, mask, target, torch.tensor([one[-1] for one in made])


def test(model: Reader, rows: list[dict[str, Any]], data: tuple[Any, ...]) -> str:
    """What is held out, judged."""
    model.eval()
    right = total = near = spans = 0
    with torch.no_grad():
        for x, extra, place, side, mask, target, answerable in batches(rows, data, 64):
            start, end, judge = model(x, extra, place, side, mask)
            right += int(((judge > 0) == (answerable > 0.5)).sum())
            total += len(judge)
            for n in torch.flatten(torch.nonzero(target[:, 0] >= 0)).tolist():
                score = start[n][:, None] + end[n][None, :]
                score = torch.triu(score) - torch.triu(torch.full_like(score, 1e9), 20)
                score = score.masked_fill(torch.tril(torch.ones_like(score), -1).bool(), -1e9)
                first, last = divmod(int(score.argmax()), score.shape[1])
                a, b = target[n].tolist()
                common = min(last, b) - max(first, a) + 1
                near += 2 * max(0, common) > max(last - first, b - a) + 1
                spans += 1
    model.train()
    return f"judged rightly {right / total:.3f} of {total}, answers {near / spans:.3f} of {spans}"


def main() -> None:
    """Read the options, train, write the weights."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pairs", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--states", type=Path, default=Path(tempfile.gettempdir(), "reader"))
    parser.add_argument("--epochs", type=int, default=4)
    given = parser.parse_args()
    torch.manual_seed(3)
    torch.set_num_threads(1)
    rows = [json.loads(line) for line in given.pairs.read_text(encoding="utf-8").splitlines()]
    data = prepared(rows, given.states)
    held = [row for row in rows if zlib.crc32(row["question"].encode()) % 25 == 0]
    used = [row for row in rows if zlib.crc32(row["question"].encode()) % 25]
    model = Reader()
    steps = given.epochs * (len(used) // 32 + 1)
    tuner = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    plan = torch.optim.lr_scheduler.OneCycleLR(tuner, 1.5e-3, total_steps=steps + 1)
    began = time.process_time()
    for epoch in range(given.epochs):
        losses: list[float] = []
        for x, extra, place, side, mask, target, answerable in batches(used, data, 32):
            start, end, judge = model(x, extra, place, side, mask)
            loss = nn.functional.binary_cross_entropy_with_logits(judge, answerable)
            if (target >= 0).any():
                for logits, at in ((start, target[:, 0]), (end, target[:, 1])):
                    loss = loss + 0.3 * nn.functional.cross_entropy(logits, at)
            tuner.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            tuner.step()
            plan.step()
            losses.append(loss.item())
        taken = time.process_time() - began
        told = test(model, held, data)
        print(f"{epoch + 1}: loss {np.mean(losses):.3f}, {told}, {taken:.0f} CPU s", flush=True)
        # where an answer stands is learnt for the judging's sake, and too badly to be shown
        kept = {k: v for k, v in model.state_dict().items() if not k.startswith("ends.")}
        weights = {k: v.numpy().astype(np.float16) for k, v in kept.items()}
        np.savez_compressed(given.out, **weights)


if __name__ == "__main__":
    main()
