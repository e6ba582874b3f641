"""A lab's report as JUnit XML, which every CI service reads."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from agentlab.errors import LabError
from agentlab.labs.runner import LabReport


def write_junit(report: LabReport, path: Path) -> None:
    """Write one test case a check.

    Raises:
        LabError: the file can't be written.
    """
    checks = [(step, check) for step in report.steps for check in step.checks]
    failures = sum(not check.passed for _, check in checks)
    suite = ElementTree.Element(
        "testsuite", name=report.lab, tests=str(len(checks)), failures=str(failures)
    )
    for step, check in checks:
        case = ElementTree.SubElement(
            suite, "testcase", classname=f"{report.lab}.{step.id}", name=check.says
        )
        if not check.passed:
            ElementTree.SubElement(case, "failure", message=_xml_safe(check.reason))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        ElementTree.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise LabError(f"{path}: {error.strerror or error}") from error


def _xml_safe(text: str) -> str:
    # XML 1.0 has no way at all to hold most control characters
    return "".join(c if c in "\t\n" or " " <= c <= "\ud7ff" or c >= "\ue000" else "�" for c in text)
