#!/usr/bin/env bash
# Installs Flask-AppBuilder, whose users, roles and groups are those of Superset and Airflow, into the folder named, and prints the
# password of its administrator.
#
#	flaskappbuilder.sh install FOLDER
#	flaskappbuilder.sh serve FOLDER PORT
set -euo pipefail
cd "$(dirname "$0")"
dir=$2
case $1 in
install)
	[ -e "$dir/ready" ] || {
		python3 -m venv "$dir"
		"$dir/bin/pip" install --quiet flask-appbuilder==5.3.0 'marshmallow<4' 'marshmallow-sqlalchemy<1.5' >&2
		touch "$dir/ready"
	}
	[ -e "$dir/password" ] || python3 -c 'import secrets; print(secrets.token_hex(32))' >"$dir/password"
	cat "$dir/password"
	;;
serve)
	PASSWORD=$(cat "$dir/password")
	export PASSWORD DIR=$dir PORT=$3
	rm -f "$dir/app.db"
	exec "$dir/bin/python" flaskappbuilder.py
	;;
*)
	echo "usage: flaskappbuilder.sh install FOLDER | serve FOLDER PORT" >&2
	exit 2
	;;
esac
