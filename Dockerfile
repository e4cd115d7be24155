# syntax=docker/dockerfile:1
# Two images: `service` answers searches and has no torch; `worker` embeds and indexes, on a
# CPU or, given one, on an NVIDIA GPU (torch's wheel holds CUDA). Both run as user 10001.

ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS base
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    UV_LINK_MODE=copy \
    VIRTUAL_ENV=/opt/shelfwise \
    PATH=/opt/shelfwise/bin:$PATH \
    SHELFWISE_MODEL_DIRECTORY=/models
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tini libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 shelfwise \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp shelfwise \
    && install -d -o shelfwise -g shelfwise /models
WORKDIR /tmp

FROM base AS build
WORKDIR /source
COPY requirements/ requirements/
RUN --mount=type=cache,target=/root/.cache \
    pip install --require-hashes --no-deps --requirement requirements/uv.txt \
    && uv venv /opt/shelfwise
COPY pyproject.toml README.md LICENSE ./
COPY mappings/ mappings/
COPY indexer/ indexer/
COPY service/ service/
COPY embedded/ embedded/

FROM build AS service-build
# The lock as a constraint: the service's packages alone, in the pinned versions.
RUN --mount=type=cache,target=/root/.cache \
    uv pip install --constraint requirements/run.txt ".[service,evaluate,otel]"

FROM build AS worker-build
RUN --mount=type=cache,target=/root/.cache \
    uv pip install --require-hashes --requirement requirements/run.txt \
    && uv pip install --no-deps .

FROM worker-build AS encoder
RUN SHELFWISE_MODEL_DIRECTORY=/models shelfwise encoder export minilm

FROM base AS service
COPY --from=service-build /opt/shelfwise /opt/shelfwise
COPY --from=encoder --chown=shelfwise:shelfwise /models /models
ENV SHELFWISE_SERVICE_HOST=0.0.0.0 \
    SHELFWISE_SERVICE_PORT=8080
USER shelfwise
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/readyz', timeout=4)"]
ENTRYPOINT ["tini", "--", "shelfwise"]
CMD ["serve"]

FROM base AS worker
COPY --from=worker-build /opt/shelfwise /opt/shelfwise
COPY --from=encoder --chown=shelfwise:shelfwise /models /models
ENV HF_HOME=/tmp/huggingface
USER shelfwise
# A worker that dies ends the container; what remains to be asked is whether it reaches its queue.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-m", "mappings.redis_check"]
# One SIGTERM to the worker alone: it finishes the batch that it has begun.
ENTRYPOINT ["tini", "--", "shelfwise"]
CMD ["worker"]
