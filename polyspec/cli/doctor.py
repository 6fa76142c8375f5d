"""`polyspec doctor`: what is there, what is wrong, and how to mend it."""

from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from polyspec.cli import diagnostics, output

if TYPE_CHECKING:
    from polyspec.cli.health import Finding


def doctor(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object.")
    ] = False,
    offline_proof: Annotated[
        bool,
        typer.Option(
            "--offline-proof",
            help="Translate a sentence with every connection refused.",
        ),
    ] = False,
) -> None:
    """Examine the installation and say how to mend what is wrong.

    Ends with 1 where something stops translating.

    Example: polyspec doctor --offline-proof
    """
    if offline_proof:
        _prove_offline(as_json)
        return
    from polyspec.cli.health import examine

    findings = examine()
    is_healthy = not any(finding.is_fatal for finding in findings)
    if as_json:
        report = [asdict(finding) for finding in findings]
        output.write_json({"is_healthy": is_healthy, "findings": report})
    else:
        for line in _as_text(findings):
            output.write_line(line)
    if not is_healthy:
        raise typer.Exit(1)


def _as_text(findings: "list[Finding]") -> Iterator[str]:
    for part, group in groupby(findings, lambda finding: finding.part):
        yield part
        for finding in group:
            yield f"  {finding.name:<18}{finding.value or finding.problem}"
        yield ""
    problems = [finding for finding in findings if finding.problem]
    if not problems:
        yield "no problem found"
        return
    yield "problems"
    for finding in problems:
        effect = (
            "stops translating" if finding.is_fatal else "does not stop translating"
        )
        yield f"  {finding.problem} ({effect})"
        yield f"    remedy: {finding.remedy}"


def _prove_offline(as_json: bool) -> None:
    from polyspec.cli.offline_proof import refuse_connections, translate_sample

    diagnostics.note("translating one sentence with every connection refused")
    with refuse_connections() as watched:
        text = translate_sample()
    if as_json:
        proof = {"is_offline": not watched.attempts, "attempts": watched.attempts}
        output.write_json(proof | {"text": text, "processes": watched.processes})
    else:
        for line in watched.describe():
            output.write_line(line)
    if watched.attempts:
        raise typer.Exit(1)
