"""Parts of transformers' CLIP vision tower in forms that give the same for less work."""

from typing import Any

import torch
from torch.nn import functional
from transformers.activations import QuickGELUActivation


class ClassTokenLayer(torch.nn.Module):
    """The last encoder layer for the class token alone: nothing looks at the others after it."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self._layer = layer

    def forward(
        self, states: torch.Tensor, mask: torch.Tensor | None = None, **options: Any
    ) -> torch.Tensor:
        """n × tokens × width as n × 1 × width."""
        attended = states[:, :1] + self._attend(self._layer.layer_norm1(states))
        result: torch.Tensor = attended + self._layer.mlp(self._layer.layer_norm2(attended))
        return result

    def _attend(self, states: torch.Tensor) -> torch.Tensor:
        attention = self._layer.self_attn
        queries = self._heads(attention.q_proj(states[:, :1]))
        keys, values = self._heads(attention.k_proj(states)), self._heads(attention.v_proj(states))
        mixed = functional.scaled_dot_product_attention(queries, keys, values)
        result: torch.Tensor = attention.out_proj(mixed.transpose(1, 2).flatten(2))
        return result

    def _heads(self, states: torch.Tensor) -> torch.Tensor:
        heads: int = self._layer.self_attn.num_heads
        return states.reshape(*states.shape[:2], heads, -1).transpose(1, 2)


class InPlaceQuickGelu(torch.nn.Module):
    """x · sigmoid(1.702 · x), written over x: new memory costs more than the arithmetic."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """The activations, in the memory of `inputs`."""
        return functional.silu(inputs.mul_(1.702), inplace=True).mul_(1 / 1.702)


class PatchProjection(torch.nn.Module):
    """A convolution whose windows lie side by side, as one linear layer."""

    def __init__(self, convolution: torch.nn.Conv2d) -> None:
        super().__init__()
        self.weight = convolution.weight
        self._side = convolution.kernel_size[0]
        flat = convolution.weight.detach().flatten(1)
        self._linear = torch.nn.Linear(flat.shape[1], flat.shape[0], bias=False, device="meta")
        self._linear.weight = torch.nn.Parameter(flat, requires_grad=False)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """n × 3 × height × width as n × width of the tower × rows × columns of patches."""
        windows = pixels.unfold(2, self._side, self._side).unfold(3, self._side, self._side)
        patches = windows.permute(0, 2, 3, 1, 4, 5).flatten(3)
        result: torch.Tensor = self._linear(patches).permute(0, 3, 1, 2)
        return result


def lighten(tower: Any) -> None:
    """Puts them into a CLIPVisionModel, whose last hidden state then has the class token only."""
    tower.embeddings.patch_embedding = PatchProjection(tower.embeddings.patch_embedding)
    for layer in tower.encoder.layers:
        if isinstance(layer.mlp.activation_fn, QuickGELUActivation):
            layer.mlp.activation_fn = InPlaceQuickGelu()
    tower.encoder.layers[-1] = ClassTokenLayer(tower.encoder.layers[-1])
