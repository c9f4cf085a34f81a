#!/bin/sh
# Fetches the font of the printed form from npm, at the pinned version, and accepts it only if it has the
# checksum written in SHA256SUMS. To move to another version: change `version`, run once, compare the
# printed checksum with a second source, write it into SHA256SUMS, run again.
set -eu

package=@expo-google-fonts/noto-sans-sc
version=0.4.3
file=NotoSansSC_400Regular.ttf

target=$(cd "$(dirname "$0")/../service/report/form/font" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cd "$work"
archive=$(npm pack --silent "$package@$version")
tar -xzf "$archive" "package/400Regular/$file" package/LICENSE_FONT
mv "package/400Regular/$file" "$file"
sha256sum "$file"
sha256sum --check --strict "$target/SHA256SUMS"

cp "$file" "$target/$file"
cp package/LICENSE_FONT "$target/OFL.txt"
chmod 644 "$target/$file" "$target/OFL.txt"
