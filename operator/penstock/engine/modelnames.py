"""What the name of a model tells of it: parameters, those active per token, bytes for each."""

import re
from dataclasses import dataclass
from typing import Final

_NUMBER: Final = r"(?<![\w.])(\d+(?:\.\d+)?)"
_EXPERTS: Final = re.compile(rf"{_NUMBER}x(\d+(?:\.\d+)?)b(?![a-z0-9])")
_SIZE: Final = re.compile(rf"{_NUMBER}([bm])(?![a-z0-9])")
_ACTIVE: Final = re.compile(r"(?<![a-z0-9])a(\d+(?:\.\d+)?)b(?![a-z0-9])")
_FOUR_BITS: Final = re.compile(r"awq|gptq|int4|w4a|fp4|4bit|4-bit|gguf|q4")
_EIGHT_BITS: Final = re.compile(r"fp8|w8a|int8|8bit|8-bit")
# from their model cards: parameters and active ones in 10⁹, bytes per parameter
_BY_NAME: Final = (
    (re.compile(r"gpt-oss-120b"), (117.0, 5.1, 0.55)),
    (re.compile(r"gpt-oss-20b"), (21.0, 3.6, 0.6)),
    (re.compile(r"deepseek-(?:v3|r1)(?!.*distill)"), (671.0, 37.0, 1.0)),
    (re.compile(r"phi-4(?!-mini)"), (14.7, 14.7, 2.0)),
    (re.compile(r"mistral-large"), (123.0, 123.0, 2.0)),
)
# a mixture of n experts of x billions shares its attention layers, and asks two experts per token (Mixtral)
_OF_EXPERTS: Final = 0.835
_ASKED_EXPERTS: Final = 1.84


@dataclass(frozen=True, slots=True)
class ModelSize:
    """Parameters in 10⁹, those that a token passes through, and bytes per parameter."""

    parameters: float
    active: float
    bytes_each: float

    @property
    def weights_gb(self) -> float:
        """Memory that the weights take."""
        return self.parameters * self.bytes_each


def size_of(model: str) -> ModelSize | None:
    """Return what a model's name tells; None where it tells no size."""
    name = model.lower()
    for pattern, (parameters, active, each) in _BY_NAME:
        if pattern.search(name):
            return ModelSize(parameters, active, each)
    each = 0.55 if _FOUR_BITS.search(name) else 1.0 if _EIGHT_BITS.search(name) else 2.0
    if found := _EXPERTS.search(name):
        experts, size = float(found[1]), float(found[2])
        return ModelSize(experts * size * _OF_EXPERTS, size * _ASKED_EXPERTS, each)
    if not (found := _SIZE.search(name)):
        return None
    parameters = float(found[1]) / (1000 if found[2] == "m" else 1)
    part = _ACTIVE.search(name)
    active = min(float(part[1]), parameters) if part else parameters
    return ModelSize(parameters, active, each) if parameters > 0 and active > 0 else None
