"""Coverage's tracer, on only where there is something of ours to see: it makes all else three times as slow."""

import functools
import importlib.abc
import importlib.machinery
import itertools
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

PACKAGE = "penstock"
TRACED_EXAMPLES = 15


class Meter(importlib.abc.MetaPathFinder):
    """Takes the tracer away, and brings it back for `running` and for our modules while they are imported.

    Where coverage does not trace in this thread (it is off, or Python's own monitoring serves it), nothing is changed.
    """

    def __init__(self, *, imports: bool) -> None:  # imports: whether modules are traced while they are imported
        self.imports = imports
        self._tracer: Any = None

    def take(self) -> None:
        """Take the tracer that is on now, unless it is a debugger's."""
        found = sys.gettrace()
        if type(found).__module__.partition(".")[0] != "coverage":
            return
        sys.settrace(None)
        if self._tracer is None:
            sys.meta_path.insert(0, self)
        self._tracer = found

    @contextmanager
    def running(self) -> Iterator[None]:
        """Trace what runs inside, unless somebody does already."""
        if self._tracer is None or sys.gettrace() is not None:
            yield
            return
        sys.settrace(self._tracer)
        try:
            yield
        finally:
            sys.settrace(None)

    def around(self, examples: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function whose first calls are traced: a hundredth example rarely takes a way of its own."""
        if self._tracer is None:
            return examples
        calls = itertools.count()

        @functools.wraps(examples)
        def traced(*args: object, **kwargs: object) -> Any:
            if next(calls) >= TRACED_EXAMPLES:
                return examples(*args, **kwargs)
            with self.running():
                return examples(*args, **kwargs)

        return traced

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find a module of ours as the import system would, and trace it."""
        if not self.imports or fullname.partition(".")[0] != PACKAGE:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = _Traced(spec.loader, self)
        return spec


class _Traced(importlib.machinery.SourceFileLoader):
    def __init__(self, loader: importlib.machinery.SourceFileLoader, meter: Meter) -> None:
        super().__init__(loader.name, loader.path)
        self._meter = meter

    def exec_module(self, module: ModuleType) -> None:
        with self._meter.running():
            super().exec_module(module)
