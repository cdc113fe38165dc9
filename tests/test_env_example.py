import re
from pathlib import Path

from gateway.settings import Settings as GatewaySettings
from mesh.settings import MeshSettings
from search.settings import Settings as SearchSettings
from vision_models.settings import Settings as VisionSettings

EXAMPLE = Path(__file__).parents[1] / ".env.example"
ALL = (GatewaySettings, MeshSettings, SearchSettings, VisionSettings)


def test_every_variable_is_in_the_example_and_no_other() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    documented = set(re.findall(r"^([A-Z0-9_]+)=", text, re.MULTILINE))
    read = {name.upper() for settings in ALL for name in settings.model_fields}
    assert documented == {name for name in read if not name.endswith("_FILE")}
