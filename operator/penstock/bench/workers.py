"""What worker processes do when they begin."""

import signal


def deaf() -> None:
    """Leave an interruption to the process that the user sees."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
