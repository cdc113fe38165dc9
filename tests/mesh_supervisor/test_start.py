"""What `python -m mesh` refuses, passes on and says when it is ready."""

import json
import os
import socket
from pathlib import Path

import pytest

from mesh.banner import banner
from mesh.lock import data_dir_lock
from mesh.log_file import LogFile
from mesh.processes import mesh_processes
from mesh.settings import MeshSettings
from tests.mesh_supervisor.running import Running, Start, wait_until
from tests.ports import free_mesh_ports

MESH = ("-m", "mesh")


def test_a_taken_port_is_one_line_and_nothing_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with Running(tmp_path, *MESH, **free_mesh_ports() | {"SEARCH_PORT": str(port)}) as mesh:
            lines = mesh.rest()
            assert mesh.process.wait() == 1
    assert len(lines) == 1
    assert f"port {port} is taken by " in lines[0]
    assert f"(pid {os.getpid()})" in lines[0]
    assert "set SEARCH_PORT to another port" in lines[0]
    assert not (tmp_path / "var/logs").exists()


def test_one_port_for_two_processes_is_refused(tmp_path: Path, free_port: int) -> None:
    same = str(free_port)
    ports = free_mesh_ports() | {"SEARCH_PORT": same, "VISION_PORT": same}
    with Running(tmp_path, *MESH, **ports) as mesh:
        assert mesh.rest() == [
            f"cannot start: VISION_PORT and SEARCH_PORT both name port {same}; change one of them"
        ]


def test_a_wrong_setting_is_one_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=eight\n")
    with Running(tmp_path, *MESH) as mesh:
        (line,) = mesh.rest()
        assert mesh.process.wait() == 1
    assert line.startswith("cannot start: PORT: ")


def test_a_second_mesh_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    with data_dir_lock(tmp_path / "data"), Running(tmp_path, *MESH, FACET_DATA_DIR="data") as mesh:
        (line,) = mesh.rest()
        assert mesh.process.wait() == 1
    assert f"the mesh already runs on {tmp_path / 'data'} (pid {os.getpid()})" in line


def test_processes_inherit_dotenv_and_the_real_environment_wins(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("PLAIN", "QUOTED", "COMMENTED", "BOTH")
    (tmp_path / ".env").write_text(
        '# a comment\nPLAIN=one\nQUOTED="two words"\nexport COMMENTED=three # why\nBOTH=file\n'
    )
    monkeypatch.setenv("BOTH", "process")
    mesh = start(("gateway", "env", *names))
    wait_until(lambda: "BOTH" in mesh.log("gateway"))
    assert json.loads(mesh.log("gateway").splitlines()[1]) == {
        "PLAIN": "one",
        "QUOTED": "two words",
        "COMMENTED": "three",
        "BOTH": "process",
    }
    assert mesh.stop() == 0


def test_the_mesh_is_announced_once_the_gateway_is_ready(start: Start, free_port: int) -> None:
    mesh = start(("gateway", "http", str(free_port), "2"), ready_port=free_port)
    mesh.line("announced")
    assert "waiting for vision-models: weights are loading" in mesh.lines
    assert mesh.stop() == 0
    assert mesh.lines.count("announced") == 1


def test_each_process_knows_where_the_others_listen() -> None:
    settings = MeshSettings(port=8001, vision_port=1, search_port=2, milvus_port=3)
    env = {process.name: process.env for process in mesh_processes(settings, {"API_KEY": "k"})}
    assert list(env) == ["milvus", "vision-models", "search", "gateway"]
    assert env["search"]["MILVUS_URI"] == "http://127.0.0.1:3"
    assert env["search"]["VECTOR_INDEX"] == "matrix"
    assert env["search"]["VISION_TARGET"] == env["gateway"]["VISION_TARGET"] == "127.0.0.1:1"
    assert env["gateway"]["SEARCH_TARGET"] == "127.0.0.1:2"
    assert env["gateway"]["PUBLIC_BASE_URL"] == "http://localhost:8001"
    assert {name: each["PORT"] for name, each in env.items() if name != "milvus"} == {
        "vision-models": "1",
        "search": "2",
        "gateway": "8001",
    }
    for each in env.values():
        assert each["API_KEY"] == "k"
        assert each["OMP_NUM_THREADS"] == "1"
        assert Path(each["FACET_DATA_DIR"]).is_absolute()


def test_with_a_milvus_elsewhere_none_is_started() -> None:
    settings = MeshSettings(milvus_uri="https://milvus.example:443")
    search = next(p for p in mesh_processes(settings, {}) if p.name == "search")
    assert "milvus" not in [process.name for process in mesh_processes(settings, {})]
    assert search.env["MILVUS_URI"] == "https://milvus.example:443"
    assert "VECTOR_INDEX" not in search.env


def test_the_banner_has_calls_that_work_as_they_are() -> None:
    open_mesh = banner(MeshSettings(port=8001), "demo")
    assert (
        "curl -F file=@examples/gold-ring-red-stones.jpg http://localhost:8001/api/images"
        in open_mesh
    )
    assert 'curl -F text="a gold ring" -F top_k=3 http://localhost:8001/api/search' in open_mesh
    guarded = banner(MeshSettings(api_keys="shop:secret"), "demo-random")
    assert guarded.count('curl -H "X-API-Key: $API_KEY" ') == 3
    assert "secret" not in guarded


def test_a_log_keeps_one_previous_generation_and_stays_bounded(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "search.log", max_bytes=10)
    previous = tmp_path / "search.log.1"
    log.path.write_text("first run\n")
    log.start()
    assert previous.read_text() == "first run\n"
    descriptor = log.open()
    os.write(descriptor, b"more than ten bytes\n")
    log.keep_bounded()
    os.write(descriptor, b"after\n")
    os.close(descriptor)
    assert previous.read_text() == "more than ten bytes\n"
    assert log.path.read_text() == "after\n"
    assert log.tail(20) == ["after"]
