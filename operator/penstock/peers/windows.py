"""What laws remember of late: rates, means and maxima over a trailing window, and how long a wish has lasted."""

from collections import deque


class Meter:
    """How fast a counter grew over a trailing window, from samples taken now and then."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._samples: deque[tuple[float, float]] = deque([(0.0, 0.0)])

    def per_s(self, now_s: float, count: float) -> float:
        """Take a sample and return the growth over the window per second of it, short windows at the start included."""
        self._samples.append((now_s, count))
        while len(self._samples) > 1 and self._samples[1][0] <= now_s - self._window_s:
            self._samples.popleft()
        began_s, began = self._samples[0]
        return (count - began) / (now_s - began_s) if now_s > began_s else 0.0


class Window:
    """The mean of what was recorded within the last `length_s`, kept as a running sum."""

    def __init__(self, length_s: float) -> None:
        self._length_s = length_s
        self._values: deque[tuple[float, float]] = deque()
        self._sum = 0.0

    def record(self, now_s: float, value: float) -> None:
        """Take in a value, and drop those that are too old."""
        self._values.append((now_s, value))
        self._sum += value
        while self._values[0][0] <= now_s - self._length_s:
            self._sum -= self._values.popleft()[1]

    @property
    def mean(self) -> float | None:
        """The mean; None before anything was recorded."""
        return max(0.0, self._sum) / len(self._values) if self._values else None


class Delay:
    """The most replicas wanted within the last `length_s`, such as Knative's `scale-down-delay`; 0 switches it off."""

    def __init__(self, length_s: float) -> None:
        self._length_s = length_s
        self._falling: deque[tuple[float, int]] = deque()

    def most(self, now_s: float, wanted: int) -> int:
        """Take in what is wanted now, and return the highest."""
        if not self._length_s:
            return wanted
        while self._falling and self._falling[-1][1] <= wanted:
            self._falling.pop()
        self._falling.append((now_s, wanted))
        while self._falling[0][0] <= now_s - self._length_s:
            self._falling.popleft()
        return self._falling[0][1]


class Steady:
    """How long the wish to go one way has lasted without a break; the other way or none begins anew."""

    def __init__(self) -> None:
        self._way = 0
        self._since_s = 0.0

    def held_s(self, way: int, now_s: float) -> float:
        """Tell the way wished for now (-1, 0, 1) and return for how long it has been the same."""
        if way != self._way:
            self._way, self._since_s = way, now_s
        return now_s - self._since_s

    def forget(self) -> None:
        """Begin anew after the wish was granted."""
        self._way = 0
