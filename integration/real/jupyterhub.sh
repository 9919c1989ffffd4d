#!/usr/bin/env bash
# Installs JupyterHub, with the proxy that it starts, into the folder named, and prints the token of its SCIM service.
#
#	jupyterhub.sh install FOLDER
#	jupyterhub.sh serve FOLDER PORT
set -euo pipefail
cd "$(dirname "$0")"
dir=$2
case $1 in
install)
	[ -e "$dir/ready" ] || {
		python3 -m venv "$dir"
		"$dir/bin/pip" install --quiet jupyterhub==6.1.1 >&2
		npm install --silent --no-fund --no-audit --prefix "$dir/npm" configurable-http-proxy@5 >&2
		touch "$dir/ready"
	}
	[ -e "$dir/token" ] || python3 -c 'import secrets; print(secrets.token_hex(32))' >"$dir/token"
	cat "$dir/token"
	;;
serve)
	config=$PWD/jupyterhub_config.py
	SCIM_TOKEN=$(cat "$dir/token")
	export SCIM_TOKEN PORT=$3 PATH="$dir/bin:$dir/npm/node_modules/.bin:$PATH"
	rm -rf "$dir/run"
	mkdir -p "$dir/run"
	cd "$dir/run"
	exec "$dir/bin/jupyterhub" -f "$config"
	;;
*)
	echo "usage: jupyterhub.sh install FOLDER | serve FOLDER PORT" >&2
	exit 2
	;;
esac
