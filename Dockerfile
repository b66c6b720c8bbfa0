# The image of every process: `docker build --tag rowhook .`
# For a fixed base, pass its digest: --build-arg PYTHON_IMAGE=python:3.13-slim@sha256:…
ARG PYTHON_IMAGE=python:3.13-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/build && python -m venv --without-pip /opt/rowhook
COPY deploy/image/requirements.txt deploy/image/build-requirements.txt ./
# Only wheels, so that no code of a package runs here.
RUN pip --python /opt/rowhook/bin/python install --require-hashes --only-binary :all: --requirement requirements.txt \
    && pip --python /opt/build/bin/python install --require-hashes --only-binary :all: --requirement build-requirements.txt
COPY pyproject.toml README.md CHANGELOG.md LICENSE ./
COPY sql sql
COPY src src
RUN /opt/build/bin/python -m hatchling build --target wheel --directory /wheels \
    && pip --python /opt/rowhook/bin/python install --no-deps --no-index /wheels/*.whl

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="Rowhook" \
      org.opencontainers.image.description="Insert a row, get a webhook: a webhook outbox inside your own PostgreSQL." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/rowhook /opt/rowhook
# The file system may be read-only.
ENV PATH=/opt/rowhook/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/tmp
WORKDIR /tmp
USER 10001:10001
EXPOSE 8080 9090
ENTRYPOINT ["rowhook"]
CMD ["--help"]
