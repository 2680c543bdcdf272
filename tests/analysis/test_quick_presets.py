"""Every study that trains networks runs as a user runs it: its defaults, as a program, to exit code 0.

It trains one run after the other, which spares this machine's processor the processes of workers.

The studies of formulas do so in their own tests. Trajectories at the edge depend on the last bits of a machine's
arithmetic: what an estimate then cannot tell is undecided, and never the opposite of what it is elsewhere.
"""

import pytest

from analysis.study.index import studies
from tests.analysis.programs import document_of
from tests.analysis.test_full_presets import main_module

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", [name for name in studies() if hasattr(main_module(name).Options, "workers")])
def test_the_defaults_refute_nothing(name, tmp_path, capfd):
    claims = document_of(name, tmp_path, "--workers", "1")["claims"]
    assert capfd.readouterr() == ("", "")  # of libraries that write past Python
    assert any(part["status"] == "supported" for claim in claims for part in claim["parts"])
    assert all(claim["status"] != "refuted" for claim in claims if not claim["open"])
    assert {path.name for path in tmp_path.iterdir()} >= {"claims.json", "data.nc", "figure.pdf", "figure.png"}
