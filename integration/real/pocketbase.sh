#!/usr/bin/env bash
# Builds PocketBase into the folder named and serves it with a superuser.
#
#   pocketbase.sh install FOLDER
#   pocketbase.sh serve FOLDER PORT
set -euo pipefail
dir=$2
version=v0.36.8 # the newest that Go 1.26 builds
case $1 in
install)
	mkdir -p "$dir"
	[ -x "$dir/base-$version" ] || {
		GOFLAGS= GOBIN="$dir" go install "github.com/pocketbase/pocketbase/examples/base@$version" >&2
		mv "$dir/base" "$dir/base-$version"
	}
	;;
serve)
	rm -rf "$dir/data"
	# Left to itself it writes down what is done to collections, and does it again at the next start.
	options=(--dir "$dir/data" --migrationsDir "$dir/data/migrations" --automigrate=false)
	"$dir/base-$version" superuser create root@example.com RootPass12345 "${options[@]}" >&2
	exec "$dir/base-$version" serve --http "127.0.0.1:$3" "${options[@]}"
	;;
*)
	echo "usage: pocketbase.sh install FOLDER | serve FOLDER PORT" >&2
	exit 2
	;;
esac
