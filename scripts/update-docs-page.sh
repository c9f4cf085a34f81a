#!/usr/bin/env bash
# Fetches the pinned release of Swagger UI and copies what the page at /docs needs into api/docs/bundle,
# with checksums that a test verifies. To move to a new release change both lines below; the
# integrity is what "npm view swagger-ui-dist@VERSION dist.integrity" prints.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=5.35.0
integrity=sha512-U06rpMtW9V3XPGOBeamTUSr0Z09jMX4IJuANpE/EZbAhw0G8CgwrzU4YmXkn/h0wCDNsXdGarTNNHC3sU8yVUQ==

bundle=$PWD/api/docs/bundle
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd "$work"

npm pack --silent "swagger-ui-dist@$version" >/dev/null
archive=swagger-ui-dist-$version.tgz
actual=sha512-$(openssl dgst -sha512 -binary "$archive" | openssl base64 -A)
if [ "$actual" != "$integrity" ]; then
	echo "update-docs-page: swagger-ui-dist $version has integrity $actual, expected $integrity" >&2
	exit 1
fi
tar -xzf "$archive"
mkdir -p "$bundle"
for file in swagger-ui-bundle.js swagger-ui.css LICENSE NOTICE swagger-ui-bundle.js.LICENSE.txt; do
	# No source maps here, so no line that points at one.
	sed -e 's|^//# sourceMappingURL=.*||' -e 's|^/\*# sourceMappingURL=.*\*/$||' "package/$file" >"$bundle/$file"
done
cd "$bundle"
sha256sum -- LICENSE NOTICE swagger-ui* >SHA256SUMS
echo "update-docs-page: Swagger UI $version is in api/docs/bundle"
