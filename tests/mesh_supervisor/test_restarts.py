"""What happens when a process crashes or hangs."""

import os
import signal

import pytest

from mesh.restarts import Restarts
from mesh.timings import Timings
from tests.mesh_supervisor.running import Start


def test_a_killed_process_is_restarted_and_said_in_one_line(start: Start) -> None:
    mesh = start(("vision-models", "sleep"))
    os.kill(mesh.pid("vision-models"), signal.SIGKILL)
    expected = "vision-models stopped (signal 9); restarting in 0.05 s"
    assert mesh.line("vision-models stopped") == expected
    assert mesh.pid("vision-models", start=2) != mesh.pid("vision-models", start=1)
    assert mesh.stop() == 0


def test_three_crashes_stop_the_mesh_and_show_the_end_of_the_log(start: Start) -> None:
    mesh = start(("search", "sleep"), ("gateway", "crash", "30"))
    lines = mesh.rest()
    assert mesh.process.wait() == 1
    assert lines.count("gateway stopped (exit code 3); restarting in 0.05 s") == 1
    assert lines.count("gateway stopped (exit code 3); restarting in 0.1 s") == 1
    tail = [f"last words {number}" for number in range(10, 30)]
    assert lines[-22:] == [
        "gateway stopped 3 times in 60 s (exit code 3); its log ends with:",
        *tail,
        "stopping the mesh",
    ]


@pytest.mark.parametrize("kind", ["grpc", "grpc-without-health", "http"])
def test_a_frozen_process_is_killed_and_restarted(start: Start, free_port: int, kind: str) -> None:
    mesh = start(("search", kind, str(free_port), *(["0"] if kind == "http" else [])))
    pid = mesh.pid("search")
    mesh.line("live")
    os.kill(pid, signal.SIGSTOP)
    assert mesh.line("search") == "search does not answer; restarting"
    assert mesh.pid("search", start=2) != pid
    assert mesh.stop() == 0
    assert not any("signal 9" in line for line in mesh.lines)


def test_a_process_that_never_answers_is_restarted_after_the_grace(
    start: Start, free_port: int
) -> None:
    mesh = start(("gateway", "unanswered", str(free_port)), startup_grace_s=0.5)
    mesh.line("gateway does not answer; restarting")
    mesh.pid("gateway", start=2)
    assert mesh.stop() == 0


def test_back_off_doubles_up_to_its_limit_and_starts_anew_after_a_steady_minute() -> None:
    restarts = Restarts(Timings(crashes_to_stop=100))
    delays = [restarts.delay_after_crash(0.0, 1.0) for _ in range(6)]
    assert delays == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0]
    assert restarts.delay_after_crash(started_at=10.0, now=71.0) == 0.2


def test_only_crashes_within_the_window_count() -> None:
    restarts = Restarts(Timings())
    assert [restarts.delay_after_crash(at, at) for at in (0.0, 40.0, 61.0)] == [0.2, 0.4, 0.8]
    assert restarts.delay_after_crash(62.0, 62.0) is None
