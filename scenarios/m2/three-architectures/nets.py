"""A block, and three nets of it. Python for the sandbox and for the judge alike."""

from __future__ import annotations

from torch import Tensor, nn  # noqa: TID253 - the file is loaded when nets are made
from torch.nn.functional import gelu, scaled_dot_product_attention  # noqa: TID253

WIDTH, HEADS, LONGEST, PAD = 32, 2, 16, 0


class Block(nn.Module):
    """Attention, attention to a memory if `cross`, and a hidden layer of `inner` numbers.

    `block(x, seen, memory, memory_seen)` takes and returns rows, (texts, n, WIDTH). `seen` says
    which rows may look at which, (texts, n, n), and `memory_seen` the same for the rows of
    `memory`, (texts, n, m). A row that may look at nothing gives no numbers.
    """

    def __init__(self, inner: int, cross: bool = False) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(2 + cross))
        self.asks = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(1 + cross))
        self.holds = nn.ModuleList(nn.Linear(WIDTH, 2 * WIDTH) for _ in range(1 + cross))
        self.says = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(1 + cross))
        self.up, self.down = nn.Linear(WIDTH, inner), nn.Linear(inner, WIDTH)

    def forward(
        self,
        x: Tensor,
        seen: Tensor,
        memory: Tensor | None = None,
        memory_seen: Tensor | None = None,
    ) -> Tensor:
        """The rows, with what each has gathered and thought added to it."""
        rows = self.norms[0](x)
        x = x + self._attended(0, rows, rows, seen)
        if memory is not None and memory_seen is not None:
            x = x + self._attended(1, self.norms[2](x), memory, memory_seen)
        return x + self.down(gelu(self.up(self.norms[1](x))))

    def _attended(self, at: int, rows: Tensor, others: Tensor, seen: Tensor) -> Tensor:
        key, value = self.holds[at](others).chunk(2, -1)
        parts = (_in_heads(a) for a in (self.asks[at](rows), key, value))
        made = scaled_dot_product_attention(*parts, attn_mask=seen[:, None])
        return self.says[at](made.transpose(1, 2).reshape(rows.shape))


def _in_heads(rows: Tensor) -> Tensor:
    texts, n, _ = rows.shape
    return rows.reshape(texts, n, HEADS, -1).transpose(1, 2)


class Net(nn.Module):
    """What the three have in common: words to rows, and rows to a score for every word.

    Attributes:
        reads: the blocks of an encoder.
        writes: the blocks of a decoder; with an encoder beside them, they attend to it, too.
    """

    def __init__(self, words: int, reads: int, writes: int, inner: int) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(words, WIDTH), nn.Embedding(LONGEST, WIDTH)
        self.reads = nn.ModuleList(Block(inner) for _ in range(reads))
        self.writes = nn.ModuleList(Block(inner, cross=reads > 0) for _ in range(writes))
        self.last = nn.LayerNorm(WIDTH)
        for table in (self.words, self.places):
            nn.init.normal_(table.weight, std=0.1)

    def rows(self, ids: Tensor) -> Tensor:
        """The rows of some words, each with its place: (texts, n) to (texts, n, WIDTH)."""
        return self.words(ids) + self.places.weight[: ids.shape[1]]

    def scores(self, rows: Tensor) -> Tensor:
        """A score for every word at every place: (texts, n, words)."""
        return self.last(rows) @ self.words.weight.T


def size(net: nn.Module) -> int:
    """How many numbers it learns."""
    return sum(part.numel() for part in net.parameters())
