# syntax=docker/dockerfile:1
# The production image: one command, `twoway-router`, with a role as its argument (`serve ingress`, `migrate expand` …).
# No embedded database, no compiler, no shell needed; runs on a read-only root file system as any user id.

ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
RUN pip install --no-cache-dir uv==0.13.9
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PROJECT_ENVIRONMENT=/opt/twoway-router \
    UV_PYTHON_DOWNLOADS=never
WORKDIR /build
# Dependencies first: their layer changes only with the lock.
COPY pyproject.toml uv.lock ./
RUN uv sync --locked --no-dev --no-install-project
COPY README.md LICENSE NOTICE ./
COPY migrations migrations
COPY src src
RUN uv sync --locked --no-dev --no-editable

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="twoway-router" \
      org.opencontainers.image.description="Two-way SMS on shared short codes" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/twoway-router /opt/twoway-router
ENV PATH=/opt/twoway-router/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TWOWAY_LISTEN_HOST=0.0.0.0 \
    TWOWAY_LOG_FORMAT=json
WORKDIR /opt/twoway-router
USER 10001:10001
# 8080 carriers, 8081 management API, 9100 probes and metrics
EXPOSE 8080 8081 9100
# No HEALTHCHECK: it would start a second Python every few seconds. Probe /livez and /readyz on port 9100 instead.
ENTRYPOINT ["twoway-router"]
