"""A small transformer that foretells the next number of a chorale, and writes some of its own."""

from __future__ import annotations

import torch  # noqa: TID253 - loaded where a net is
from torch import nn  # noqa: TID253

from agentlab_tools.chorales.layer import Layer
from agentlab_tools.chorales.notes import END, MAJOR, MINOR, SIZE, clock, time_of

_BEATS = 16


class Net(nn.Module):
    """Numbers (rows, n) and the clock at each of them, to the scores of what comes next."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.notes, self.beats = nn.Embedding(SIZE, width), nn.Embedding(_BEATS, width)
        for embedding in (self.notes, self.beats):
            nn.init.normal_(embedding.weight, std=0.1)
        self.layers = nn.Sequential(*[Layer(width) for _ in range(layers)])
        self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, SIZE)

    def forward(self, tokens: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        """Scores (rows, n, SIZE)."""
        x = self.notes(tokens) + self.beats(times % _BEATS)
        return self.out(self.norm(self.layers(x)))


@torch.no_grad()
def written(
    net: Net, modes: list[bool], sixteenths: int, *, seen: int, temperature: float
) -> list[list[int]]:
    """New pieces as numbers, so long or a little longer, each in A minor or C major.

    Args:
        modes: whether each is minor.
        seen: numbers that the net looks back on.
        temperature: below 1, likely numbers become likelier.
    """
    place = next(net.parameters()).device
    pieces = [[MINOR if minor else MAJOR] for minor in modes]
    passed = [0] * len(pieces)
    never = [END, MAJOR, MINOR]
    while min(passed) < sixteenths and len(pieces[0]) < 4 * sixteenths:
        tokens = torch.tensor([piece[-seen:] for piece in pieces], device=place)
        times = torch.tensor([clock(piece)[-seen:] for piece in pieces], device=place)
        scores = net(tokens, times)[:, -1].float() / temperature
        scores[:, never] = float("-inf")
        drawn = torch.multinomial(scores.softmax(dim=-1).cpu(), 1)[:, 0]
        for row, piece in enumerate(pieces):
            token = int(drawn[row])
            piece.append(token)
            passed[row] += time_of(token)
    return pieces
