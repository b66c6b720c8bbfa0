FROM python:3.13-slim
WORKDIR /src
COPY pyproject.toml README.md CHANGELOG.md LICENSE ./
COPY sql sql
COPY src src
RUN pip install --no-cache-dir '.[mcp]' && rm -rf /src
WORKDIR /
USER nobody
CMD ["rowhook", "--help"]
