FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY nura_rt nura_rt
COPY sql sql
COPY requirements/base.lock requirements/
RUN grep -oE '^[A-Za-z0-9._-]+==[^ ;\\]+' requirements/base.lock > constraints.txt \
 && pip install --no-cache-dir --prefix=/install -c constraints.txt .

FROM python:3.13-slim
COPY --from=build /install /usr/local
RUN useradd --system --uid 10001 --home-dir /var/lib/nura --create-home nura
USER nura
WORKDIR /var/lib/nura
ENV NURA_HOST=0.0.0.0
EXPOSE 8000
CMD ["nura-rt", "serve"]
