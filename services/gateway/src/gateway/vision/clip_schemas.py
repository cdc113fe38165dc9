"""What CLIP sees, as the routes answer it."""

from pydantic import BaseModel, Field

from gateway.vision.clip_analysis import ClipAnalysis


class ClipAnalysisAnswer(BaseModel):
    """How well labels fit the image."""

    concepts: list[str] = Field(
        description="The labels, best first; without `labels` the 10 best of the common objects",
        examples=[["ring", "jewellery", "gold"]],
    )
    confidence_scores: dict[str, float] = Field(
        description="Each label's confidence, 0 to 1, independent of the other labels: the softmax"
        " of the label's prompts (`a photo of a LABEL.` and others, averaged) against the same"
        " prompts without a label, at the model's temperature",
        examples=[{"ring": 0.95, "jewellery": 0.87, "gold": 0.76}],
    )

    @classmethod
    def of(cls, analysis: ClipAnalysis) -> "ClipAnalysisAnswer":
        """`analysis` as the routes answer it."""
        return cls(concepts=analysis.concepts, confidence_scores=dict(analysis.confidence_scores))
