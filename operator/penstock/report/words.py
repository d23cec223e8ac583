"""Numbers and changes as people read them; unknown is a dash, never a zero."""

import math


def number(value: float | None, digits: int = 1) -> str:
    """Return a number without needless zeros."""
    if value is None or not math.isfinite(value):
        return "–"
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(ratio: float | None) -> str:
    """Return a ratio as a percentage with one decimal."""
    return "–" if ratio is None or not math.isfinite(ratio) else f"{ratio * 100:.1f} %"


def seconds(value: float) -> str:
    """Return an instant or a length of time."""
    return f"{value:.1f} s"


def step(before: int | None, after: int | None) -> str:
    """Return a change of replicas as `2 → 3`."""
    return f"{'–' if before is None else before} → {'–' if after is None else after}"


def letters(names: tuple[str, ...]) -> dict[str, str]:
    """Return one letter per name, the first one of it that no earlier name took."""
    taken: dict[str, str] = {}
    for name in names:
        own = (char.upper() for char in name if char.isascii() and char.isalpha())
        spare = (chr(code) for code in range(ord("A"), ord("Z") + 1))
        taken[name] = next((char for char in (*own, *spare) if char not in taken.values()), "?")
    return taken
