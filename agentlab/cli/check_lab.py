"""`agentlab check-lab`: prove that a lab's checks can tell right from wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agentlab.display import safe, safe_json
from agentlab.errors import ConfigError
from agentlab.labs.course import lab_roots
from agentlab.labs.find import find_folder, load
from agentlab.labs.prove import Claim, Proof, claims_of, prove
from agentlab.labs.runner import GRADING_SEED
from agentlab.places.models import open_backend
from agentlab.terminal.completion import lab_names
from agentlab.terminal.options import backend_option, labs_option, on_option

if TYPE_CHECKING:
    from typing import Any

    from agentlab.labs.values import Lab
    from agentlab_tools.cluster.prover import Proved


@click.command("check-lab")
@click.argument("lab", shell_complete=lab_names)
@backend_option
@labs_option
@click.option(
    "--seeds",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    help="Grade every answer on that many draws of its cases.",
)
@on_option
@click.option("--json", "as_json", is_flag=True, help="Only the report, as JSON, on stdout.")
def check_lab(
    lab: str, backend: str | None, labs: tuple[Path, ...], seeds: int, on: str, as_json: bool
) -> int:
    """Prove that LAB's checks do what they promise, on the real model.

    The reference solution and its alternatives must pass; the starter and every listed wrong answer
    must be rejected, for the mistake that the lab names.
    """
    opened = load(find_folder(lab, (*labs, *lab_roots())))
    name = backend or opened.backend
    draws = range(GRADING_SEED, GRADING_SEED + seeds)

    async def work(ray: Any) -> list[Proof]:
        proofs: list[Proof] = []
        coming = _here(opened, name, draws) if ray is None else _there(ray, opened, name, draws)
        async with aclosing(coming):
            async for proof in coming:
                proofs.append(proof)
                if not as_json:
                    _show(proof)
        return proofs

    from agentlab_tools.cluster.where import joining

    with joining(on) as ray:
        proofs = asyncio.run(work(ray))
    if as_json:
        from pydantic_core import to_json

        order = [(claim.step, claim.answer) for claim in claims_of(opened)]
        proofs.sort(key=lambda proof: order.index((proof.step, proof.answer)))
        click.echo(safe_json(to_json(proofs, indent=2).decode()))
    return 0 if all(proof.holds for proof in proofs) else 1


def _show(proof: Proof) -> None:
    mark = click.style("✔", "green") if proof.holds else click.style("✘", "red")
    also = " (alternative)" if proof.role == "alternative" else ""
    line = f"{proof.step} / {proof.answer}{also}: {proof.reason}"
    click.echo(f"{mark} {safe(line)}")


async def _here(lab: Lab, backend: str, seeds: Sequence[int]) -> AsyncGenerator[Proof]:
    model = open_backend(backend)
    try:
        async for proof in prove(lab, model, seeds):
            yield proof
    finally:
        await model.aclose()


async def _there(ray: Any, lab: Lab, backend: str, seeds: Sequence[int]) -> AsyncGenerator[Proof]:
    """The proofs as they are made on a cluster, in no order."""
    from agentlab_tools.cluster.enclosed import referred
    from agentlab_tools.cluster.guest import packed
    from agentlab_tools.cluster.prover import Assignment, Prover
    from agentlab_tools.cluster.where import files_of, size_on, told
    from agentlab_tools.cluster.workers import Workers

    home = told(backend)
    assignment = Assignment(**home.model_dump(), backend=backend, seeds=tuple(seeds))
    assert lab.folder is not None, "a lab that was found lies in a folder"
    files = referred(ray, files_of(home))
    sent = (assignment.model_dump_json(), packed(lab.folder), files)
    # One answer at a time for each worker, though its model be elsewhere: programs are run there
    size = size_on(ray, home.threads or 1, concurrency=None)
    async with Workers(ray, Prover, sent, size, partial(click.echo, err=True)) as workers:

        async def proved(claim: Claim) -> Proof:
            made: Proved = await workers.do("prove", claim.model_dump_json())
            if made[0] == "refused":
                raise ConfigError(made[1])
            return Proof.model_validate_json(made[1])

        proving = [asyncio.create_task(proved(claim)) for claim in claims_of(lab)]
        try:
            for proof in asyncio.as_completed(proving):
                yield await proof
        finally:  # what one node can't do, none does, and each says so
            for task in proving:
                task.cancel()
            await asyncio.gather(*proving, return_exceptions=True)
