"""Zero replicas: refused while nothing could tell that a request waits for a model that does not run."""


def is_refused(replicas: int, current: int | None) -> bool:
    """Whether zero is asked for while something runs, or may run; a zero that somebody else chose stays."""
    return replicas == 0 and current != 0
