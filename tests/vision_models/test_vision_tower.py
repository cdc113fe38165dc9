from pathlib import Path
from typing import Any

import torch
from transformers import CLIPModel

from vision_models import demo, random_models
from vision_models.models.vision_tower import lighten


def features(model: Any, pixels: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        result: torch.Tensor = model.get_image_features(pixel_values=pixels).pooler_output
    return torch.nn.functional.normalize(result, dim=1)


def test_a_lightened_tower_gives_the_same_vectors(tmp_path: Path) -> None:
    folder = random_models.ensure(tmp_path, demo.EMBEDDING) / "0_CLIPModel"
    loaded: Any = CLIPModel.from_pretrained
    plain, light = loaded(folder).eval(), loaded(folder).eval()
    lighten(light.vision_model)
    side = plain.config.vision_config.image_size
    pixels = torch.randn(3, 3, side, side, generator=torch.Generator().manual_seed(1))
    cosines = (features(plain, pixels) * features(light, pixels)).sum(1)
    assert torch.all(cosines > 0.99999)
    assert not torch.allclose(features(light, pixels[:1]), features(light, pixels[1:2]), atol=1e-4)
