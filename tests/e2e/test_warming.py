"""A server that has warmed up: no page waits for a kernel, in a process that has not worked on an event."""

import subprocess
import sys
import threading
import time
from pathlib import Path

from limitkeeper.connectors.messages import EventMessage
from limitkeeper.core.kernel.instants import instant_text
from limitkeeper.engines.embedded.requests import Request
from limitkeeper.engines.embedded.settings import Settings
from limitkeeper.engines.embedded.start import Decisive, Place, running_engine
from limitkeeper.shells.serving import Ways, open_ways
from tests.consoles import late_bills, lines
from tests.live_model import live_model

STARTED_AGAIN = """
import gc, sys
from pathlib import Path
from limitkeeper.core.access.actors import OFFICER
from limitkeeper.engines.embedded.warming import warming
from tests.live_model import live_model
from tests.workflow_server import workflow_server
from numba.core.dispatcher import Dispatcher  # after ours, which says where its kernels are kept

def kernels():
    found = [each for each in gc.get_objects() if issubclass(type(each), Dispatcher)]
    return {(each.py_func.__module__, each.py_func.__name__, str(signature))
            for each in found for signature in each.overloads}

folder = Path(sys.argv[1])
with workflow_server(f"sqlite:///{folder}/store.db", folder, model=live_model()) as server:
    server.let_in("ann", OFFICER)
    ann = server.session("ann")
    sequence = server.engine.sequence
    steps = list(warming(server.engine))
    assert (server.engine.sequence, len(server.engine.state)) == (sequence, 3), "the engine was touched"
    before = kernels()
    assert len(steps) == 8 and before
    assert ann.get("/v1/overview")["portfolio"]["accounts"] == 3
    for path in ("", "/economics", "/comparison", "/relations", "/timeline"):
        ann.get(f"/v1/accounts/line-1{path}")
    print(sorted(kernels() - before))
"""


def test_no_page_needs_a_kernel_that_warming_up_did_not_bring(tmp_path: Path) -> None:
    place = Place(
        f"sqlite:///{tmp_path}/store.db", Settings(tmp_path / "snapshots", 0.0), Decisive(model=live_model())
    )
    engine = running_engine(place, lambda: time.time_ns() // 1_000)
    engine.submit(Request("accounts", lines(3))).result()
    bills = [EventMessage(**each) for each in late_bills("line-1", engine.now_us())]
    spent = EventMessage(
        "e-1", "line-2", instant_text(engine.now_us() - 1), "purchase", 5_000, device_id="d-1"
    )
    engine.submit(Request("events", [*bills, spent], len(bills) + 1)).result()
    with open_ways(engine, Ways()):
        assert "warming" in {each.name for each in threading.enumerate()}
    engine.stop()
    command = [sys.executable, "-c", STARTED_AGAIN, str(tmp_path)]
    found = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    assert found.stdout.splitlines()[-1] == "[]"
