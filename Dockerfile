# docker build -t chipsim . && docker run --rm -v "$PWD":/work chipsim chipsim run DESIGN.toml -o out/
# Not tried: no container engine where this was written.
FROM debian:trixie
COPY tools/packages-debian.txt /tmp/
RUN apt-get update \
    && apt-get install -y --no-install-recommends $(sed 's/#.*//' /tmp/packages-debian.txt) \
    && rm -rf /var/lib/apt/lists/*
COPY . /chipsim
# What comes from PyPI; writable, as the container may run as any user.
ENV CHIPSIM_CACHE=/var/cache/chipsim
RUN /chipsim/tools/env true && chmod -R a+rwX /var/cache/chipsim
WORKDIR /work
ENTRYPOINT ["/chipsim/tools/env"]
CMD ["chipsim", "--help"]
