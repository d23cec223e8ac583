"""The window over which a number may not fall: the highest recommendation within it holds, as in an HPA."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recommendations:
    """Past recommendations as (Unix seconds, replicas), oldest first and falling: only those that can still hold."""

    peaks: tuple[tuple[float, int], ...] = ()

    def adding(self, at_s: float, replicas: int) -> "Recommendations":
        """Return these and one more; what is not above it can never be the highest again, and goes."""
        higher = [peak for peak in self.peaks if peak[1] > replicas]
        return Recommendations((*higher, (at_s, replicas)))

    @property
    def highest(self) -> int:
        """The highest recommendation, 0 if there is none."""
        return self.peaks[0][1] if self.peaks else 0


def stabilised(
    replicas: int, history: Recommendations, *, window_s: float, now_s: float
) -> tuple[int, Recommendations]:
    """Return the highest of `replicas` and the window, and the history with this recommendation in it.

    One whose age is exactly the window has left it.
    """
    higher = [peak for peak in history.peaks if now_s - peak[0] < window_s and peak[1] > replicas]
    kept = Recommendations((*higher, (now_s, replicas)))
    return kept.highest, kept
