import os
import socket
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest
from pydantic import ValidationError

from facetkit.settings import EXIT_WRONG_SETTINGS
from tests.gateway.running import settings


def run(cwd: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "gateway"],
        cwd=cwd,
        env=clean | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_defaults() -> None:
    found = settings(env="development")
    assert (found.port, found.public_base_url) == (8000, "http://localhost:8000")
    assert found.embedding_target == "127.0.0.1:50051"
    assert found.max_upload_bytes == 24 * 2**20
    assert len(found.allowed_origins) == 3
    assert settings(env="production", api_key="k").allowed_origins == ()
    assert settings(cors_origins="http://a, http://b").allowed_origins == ("http://a", "http://b")
    assert settings(vision_embedding_target="other:1").embedding_target == "other:1"
    assert found.generation_target == found.segmentation_target == "127.0.0.1:50051"
    assert settings(vision_generation_target="other:1").generation_target == "other:1"
    assert settings(vision_segmentation_target="other:1").segmentation_target == "other:1"
    assert settings(max_upload_bytes=4).max_json_body_bytes == len(b64encode(b"1234")) + 2**20
    assert (found.bucket, found.s3_private, found.s3_url_expires_s) == (None, True, 3600)


@pytest.mark.parametrize(
    "changes",
    [
        {"public_base_url": "localhost:8000"},
        {"public_base_url": "ftp://x"},
        {"public_base_url": "http://x/?a"},
        {"api_keys": "nameless"},
        {"api_keys": "a:1,a:2"},
        {"deadline_s": 0},
        {"generate_deadline_s": 901},
        {"analyze_deadline_s": 0},
        {"env": "production"},
        {"max_upload_bytes": 25 * 2**20},
        {"public_base_url": ""},
        {"s3_bucket": "photos", "aws_access_key_id": "AKID"},
    ],
)
def test_bad_values(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        settings(**changes)


def test_production_without_a_key_says_so_in_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, ENV="production")
    assert done.returncode == EXIT_WRONG_SETTINGS
    assert done.stderr == "ENV=production needs an API key: set API_KEY or API_KEYS\n"


def test_half_a_key_pair_is_told_in_one_line(tmp_path: Path) -> None:
    done = run(tmp_path, S3_BUCKET="photos", AWS_SECRET_ACCESS_KEY="hunter2")
    assert done.returncode == EXIT_WRONG_SETTINGS
    assert done.stderr == "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY belong together\n"


def test_secrets_stay_out_of_the_complaint(tmp_path: Path) -> None:
    done = run(tmp_path, API_KEYS="hunter2")
    assert done.returncode == EXIT_WRONG_SETTINGS
    assert done.stderr == "API_KEYS: must be a comma list of name:key\n"


@pytest.mark.parametrize("name", ["PORT", "METRICS_PORT"])
def test_a_taken_port_is_told_in_one_line(tmp_path: Path, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = run(tmp_path, **({"PORT": "0"} | {name: port}))
    assert done.returncode == 1
    assert done.stderr == f"gateway: cannot listen on 127.0.0.1:{port}: Address already in use\n"
