"""Reports of labs as JUnit XML, which every CI service reads."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from agentlab.errors import LabError
from agentlab.labs.module import ModuleReport, NotRun
from agentlab.labs.runner import LabReport


def write_junit(report: LabReport | ModuleReport, path: Path) -> None:
    """Write one test suite a lab, with one test case a check.

    A lab that was not run is a suite with one case, an error that says why.

    Raises:
        LabError: the file can't be written.
    """
    if isinstance(report, LabReport):
        root = _suite(report)
    else:
        suites = [*map(_suite, report.labs), *map(_error, report.not_run)]
        totals = {
            count: str(sum(int(suite.get(count, "0")) for suite in suites))
            for count in ("tests", "failures", "errors")
        }
        root = ElementTree.Element("testsuites", {"name": report.module, **totals})
        root.extend(suites)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise LabError(f"{path}: {error.strerror or error}") from error


def _suite(report: LabReport) -> ElementTree.Element:
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
    return suite


def _error(lab: NotRun) -> ElementTree.Element:
    suite = ElementTree.Element("testsuite", name=lab.lab, tests="1", failures="0", errors="1")
    case = ElementTree.SubElement(suite, "testcase", classname=lab.lab, name="the lab was graded")
    ElementTree.SubElement(case, "error", message=_xml_safe(lab.why))
    return suite


def _xml_safe(text: str) -> str:
    # XML 1.0 has no way at all to hold most control characters
    return "".join(c if c in "\t\n" or " " <= c <= "\ud7ff" or c >= "\ue000" else "�" for c in text)
