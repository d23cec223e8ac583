# The one image of Penstock: operator, router, emulated engine and tools, in a virtual environment of its own.
ARG BASE=python:3.12-slim

FROM $BASE AS build
WORKDIR /src
RUN python3 -m venv /opt/penstock
COPY constraints-image.txt ./
RUN /opt/penstock/bin/pip install --no-cache-dir --require-hashes -r constraints-image.txt
COPY pyproject.toml README.md LICENSE ./
COPY operator operator
COPY examples/local examples/local
RUN /opt/penstock/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
 && /opt/penstock/bin/pip uninstall --quiet --yes hatchling pathspec pluggy trove-classifiers \
 && /opt/penstock/bin/python -m compileall -q /opt/penstock

FROM $BASE
COPY --from=build /opt/penstock /opt/penstock
ENV PATH=/opt/penstock/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
ENTRYPOINT ["penstock"]
CMD ["--help"]
