"""However the supervisor ends, nothing that it started remains."""

import os
import signal
from pathlib import Path

import pytest

from tests.mesh_supervisor.running import Start, gone, wait_until


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_everything_and_is_no_failure(start: Start, number: signal.Signals) -> None:
    mesh = start(("search", "sleep"), ("gateway", "sleep"))
    pids = [mesh.pid("search"), mesh.pid("gateway")]
    assert mesh.stop(number) == 0
    assert mesh.lines[-1] == "stopping the mesh"
    assert all(gone(pid) for pid in pids)


def test_callers_stop_before_those_they_call(start: Start, tmp_path: Path) -> None:
    order = tmp_path / "order"
    names = ("milvus", "search", "gateway")
    mesh = start(*((name, "note-stop", str(order), name) for name in names))
    for name in names:
        wait_until(lambda name=name: "noting" in mesh.log(name))  # type: ignore[misc]
    assert mesh.stop() == 0
    assert order.read_text().split() == ["gateway", "search", "milvus"]


def test_a_process_that_ignores_the_signal_is_killed_when_time_is_up(start: Start) -> None:
    mesh = start(("search", "ignore-stop"), stop_grace_s=0.3)
    pid = mesh.pid("search")
    wait_until(lambda: "ignoring" in mesh.log("search"))
    assert mesh.stop() == 0
    assert "search did not stop in time; killed" in mesh.lines
    assert gone(pid)


def test_a_second_signal_kills_at_once(start: Start) -> None:
    mesh = start(("search", "ignore-stop"), stop_grace_s=3600.0)
    pid = mesh.pid("search")
    wait_until(lambda: "ignoring" in mesh.log("search"))
    mesh.process.send_signal(signal.SIGINT)
    mesh.line("stopping the mesh")
    assert mesh.stop(signal.SIGINT) == 0
    assert gone(pid)


def test_a_signal_while_a_restart_waits(start: Start) -> None:
    mesh = start(("search", "sleep"), ("gateway", "sleep"), backoff_first_s=3600.0)
    pid = mesh.pid("search")
    os.kill(mesh.pid("gateway"), signal.SIGKILL)
    mesh.line("gateway stopped")
    assert mesh.stop() == 0
    assert gone(pid)


def test_a_signal_during_start_up(start: Start) -> None:
    mesh = start(*((f"service-{number}", "sleep") for number in range(6)))
    mesh.line("starting service-0")
    children = mesh.children()
    assert mesh.stop() == 0
    assert all(gone(pid) for pid in children)


def test_what_a_process_started_goes_with_it(start: Start) -> None:
    mesh = start(("search", "grandchild"))
    first = mesh.pid("search", word="grandchild")
    os.kill(mesh.pid("search"), signal.SIGKILL)
    second = mesh.pid("search", start=2, word="grandchild")
    wait_until(lambda: gone(first))
    assert mesh.stop() == 0
    wait_until(lambda: gone(second))


def test_a_killed_supervisor_leaves_nothing(start: Start) -> None:
    mesh = start(("search", "sleep"), ("gateway", "ignore-stop"))
    pids = [mesh.pid("search"), mesh.pid("gateway")]
    mesh.process.kill()
    wait_until(lambda: all(gone(pid) for pid in pids))
