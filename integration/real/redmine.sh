#!/usr/bin/env bash
# Puts Redmine 5.0 from Debian's package into the folder named, ready to be started with `serve`, and prints the API key
# of its administrator. The package's own installation step wants a network and an answer to questions, so the package
# is unpacked and never configured.
#
#   redmine.sh install FOLDER
#   redmine.sh serve FOLDER PORT
set -euo pipefail
dir=$2
export RAILS_ENV=production REDMINE_LANG=en
case $1 in
install)
	mkdir -p "$dir"
	cd "$dir"
	if [ ! -e key ]; then
		run() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
		export DEBIAN_FRONTEND=noninteractive
		run apt-get update -qq >&2
		rm -rf ./*
		apt-get download -qq redmine >&2
		depends=$(dpkg-deb -f redmine_*.deb Depends | tr ',' '\n' | grep -v redmine- | paste -sd,)
		run apt-get satisfy -y -qq --no-install-recommends "$depends" >&2
		run apt-get install -y -qq --no-install-recommends ruby-sqlite3 puma sqlite3 >&2
		dpkg-deb -x redmine_*.deb unpacked
		cp -r unpacked/usr/share/redmine app
		cd app
		rm -f instances config/database.yml Gemfile.lock
		sed -i "s#Dir\['/usr/share/redmine/{config,instances/\*/config}/database.yml'\]#Dir[File.join(__dir__, 'config/database.yml')]#" Gemfile
		echo "gem 'puma'" >Gemfile.local
		mkdir -p instances/default/{config,tmp/cache,log} tmp log files plugins public/plugin_assets
		printf 'production:\n  adapter: sqlite3\n  database: %s/redmine.db\n  timeout: 10000\n' "$PWD" |
			tee config/database.yml >instances/default/config/database.yml
		openssl rand -hex 32 >instances/default/config/secret_key.txt
		SCHEMA=/dev/null bundle exec rake db:migrate >&2
		bundle exec rails runner 'Setting.rest_api_enabled = "1"; u = User.find_by_login("admin"); u.must_change_passwd = false; u.save!(validate: false); puts u.api_key' |
			tail -n 1 >../key.new
		cp redmine.db ../redmine.fresh.db
		mv ../key.new ../key
	fi
	cat "$dir/key"
	;;
serve)
	cd "$dir/app"
	cp ../redmine.fresh.db redmine.db
	exec bundle exec puma -b "tcp://127.0.0.1:$3" -e production
	;;
*)
	echo "usage: redmine.sh install FOLDER | serve FOLDER PORT" >&2
	exit 2
	;;
esac
