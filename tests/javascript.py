"""JavaScript run as a page runs it: by node, or by Chromium, whichever is there; tests are skipped where neither is."""

import json
import shutil
import subprocess
from functools import cache

from tests.browser import launched, playwright

NODE = shutil.which("node")
# JSON has neither nan and infinities nor the sign of zero: such numbers go as texts.
RETURNED = """
const told = (value) => JSON.stringify(value, (_, one) =>
  typeof one !== "number" ? (ArrayBuffer.isView(one) ? Array.from(one) : one)
    : Object.is(one, -0) ? { number: "-0.0" } : Number.isFinite(one) ? one : { number: String(one) });
"""


def returned_by(script, expression):
    """What an expression is after a script, with the numbers of JavaScript as floats."""
    code = f"{script}\n{RETURNED}\n"
    told = _by_node(f"{code}console.log(told({expression}));") if NODE else _by_chromium(code, f"told({expression})")
    return json.loads(told, object_hook=_number, parse_int=float)


def _number(told):
    return float(told["number"]) if told.keys() == {"number"} else told


def _by_node(code):
    done = subprocess.run([NODE, "-"], input=code, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _by_chromium(code, expression):
    page = _chromium().new_page()
    page.add_script_tag(content=code)
    try:
        return page.evaluate(expression)
    finally:
        page.close()


@cache
def _chromium():
    return launched(playwright().sync_playwright().start())
