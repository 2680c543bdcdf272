"""Studies as small documents, whose reports are known beforehand."""

from pathlib import Path

from analysis.reporting.content import content
from analysis.reporting.facts import Facts
from analysis.reporting.page import page
from analysis.verification.programs import Program
from analysis.verification.reports import Report

HOSTILE = "</script><script>alert('<&>')</script> \"onload=\" <img src=x onerror=y> & <b>"
FACTS = Facts("a day", "python -m analysis.report", "c0ffee" * 10, None, {"python": "3.11"})


def evidence(status="supported", expected=1.0, observed=1.01, tolerance=0.1, part="it is so", quantity="a level"):
    told = {"channel": "simulation", "quantity": quantity, "status": status, "expected": expected}
    return told | {"observed": observed, "tolerance": tolerance, "part": part}


def claim(
    name, status="supported", *pieces, statement="it is so", opened=False, source="a paper", channels=("network",)
):
    parts = [{"statement": one, "status": status, "channels": list(channels)} for one in statement.split("; ")]
    found = {"id": name, "statement": statement, "source": source, "open": opened, "status": status, "parts": parts}
    return found | {"evidence": list(pieces) or [evidence(status, part=parts[0]["statement"])]}


def document(*claims, **more):
    return {"theory": {}, "claims": list(claims), "files": [], "parameters": {"seed": 0}, "versions": {}} | more


def contents(**documents):
    """Contents of these studies, whose essays are real; a text instead of a document says why there is none."""
    for name, one in documents.items():
        report = Report(name, None, 0.0, error=one) if isinstance(one, str) else Report(name, 0, 1.0, one)
        yield content(report, Program(name, (), Path("results") / name))


def page_of(**documents):
    return page([*contents(**documents)], FACTS)
