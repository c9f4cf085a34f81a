# The product as one static binary in a small image. Build arguments:
#   VERSION   what "bangfu version" prints, e.g. --build-arg VERSION=$(git describe --tags --always)
#   GOPROXY   a Go module proxy near you, if the default one is out of reach

FROM golang:1.26 AS build
ARG GOPROXY
ARG VERSION=unknown
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -tags nomsgpack -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/bangfu . \
	&& mkdir /out/data

FROM debian:bookworm-slim
# Certificates for calls to WeChat and S3; time zones are inside the binary.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/bangfu /usr/local/bin/bangfu
# Keys made at first start, pictures and exports; owned by the unprivileged user that runs the product.
COPY --from=build --chown=10001:10001 --chmod=700 /out/data /data
USER 10001:10001
ENV HTTP_ADDR=0.0.0.0:8080 DATA_DIR=/data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 CMD ["bangfu", "healthcheck"]
ENTRYPOINT ["bangfu"]
CMD ["serve"]
