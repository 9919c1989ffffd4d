#!/usr/bin/env bash
# Installs other people's idea of SCIM into the folder named: scim2-models and pydantic-scim, which judge documents, and
# scim2-tester and scim-sanity, which judge a server.
#
#	judges.sh install FOLDER
#	judges.sh judge FOLDER <answers.jsonl
#	judges.sh test FOLDER URL KEY
#	judges.sh probe FOLDER URL KEY
set -euo pipefail
cd "$(dirname "$0")"
dir=$2
case $1 in
install)
	[ -e "$dir/ready" ] || {
		python3 -m venv "$dir"
		"$dir/bin/pip" install --quiet scim2-models==0.12.3 scim2-tester==0.5.2 'scim2-client[httpx2]==0.13.2' pydantic-scim==0.0.8 >&2
		touch "$dir/ready"
	}
	[ -x "$dir/bin/scim-sanity" ] || "$dir/bin/pip" install --quiet scim-sanity==0.7.4 >&2
	;;
judge) exec "$dir/bin/python" judge.py ;;
test) exec "$dir/bin/python" tester.py "$3" "$4" ;;
probe) "$dir/bin/scim-sanity" probe "$3" --token "$4" --i-accept-side-effects --json-output || [ $? = 1 ] ;; # 1: something failed
*)
	echo "usage: judges.sh install FOLDER | judge FOLDER | test FOLDER URL KEY | probe FOLDER URL KEY" >&2
	exit 2
	;;
esac
