#!/usr/bin/env bash
# Starts the gateway on its embedded organization and says how to talk to it. What it makes (keys, members, logs) is kept
# in .run between runs.
set -euo pipefail
cd "$(dirname "$0")/.."
port=${PORT:-8080}
caddy=build/caddy
export SCIM_STATE=.run SCIM_ADDRESS=http://127.0.0.1:$port SCIM_OPTIONS=${DRY_RUN:+dry_run}

if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
	echo "Port $port is taken. If it is another \"make run\" of this directory, stop that one; else choose a port: make run PORT=$((port + 1))" >&2
	exit 1
fi

umask 077
mkdir -p .run
secret() { # secret NAME: a secret of one's own, made once
	[ -s ".run/$1" ] || "$caddy" scim keygen --raw >".run/$1"
	cat ".run/$1"
}
key=$(secret scim-key)
SCIM_KEY_HASH=$("$caddy" scim keygen --hash <.run/scim-key)
ORG_CLIENT_ID=organization.0b9f1c3e-5a7d-4e2b-8c46-9d1f3a5b7c20
ORG_CLIENT_SECRET=$(secret organization-secret)
export SCIM_KEY_HASH ORG_CLIENT_ID ORG_CLIENT_SECRET

tell() {
	until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
		sleep 0.1
		if ! kill -0 $$ 2>/dev/null; then
			sed -n '$s/.*"msg":"\(.*\)"}$/It does not start: \1/p' .run/caddy.log >&2
			exit 0
		fi
	done
	cat <<TEXT

The gateway runs, with its embedded organization behind it. Stop it with Ctrl-C.

Console: $SCIM_ADDRESS/console

SCIM URL: $SCIM_ADDRESS/scim
SCIM API key: $key

Test Connection, as Entra does it (200, an empty list):

  curl -s -H 'Authorization: Bearer $key' '$SCIM_ADDRESS/scim/Users?filter=userName+eq+%22nobody%22'

Invite somebody (201; the same again is 409):

  curl -s -H 'Authorization: Bearer $key' -H 'Content-Type: application/scim+json' -d '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"alex.morgan@example.com","externalId":"alexm","active":"True","displayName":"Alex Morgan","emails":[{"primary":true,"type":"work","value":"alex.morgan@example.com"}]}' $SCIM_ADDRESS/scim/Users

Suspend them, in Entra's words (the inner request looks up the id):

  curl -s -X PATCH -H 'Authorization: Bearer $key' -H 'Content-Type: application/scim+json' -d '{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"active","value":"False"}]}' "$SCIM_ADDRESS/scim/Users/\$(curl -s -H 'Authorization: Bearer $key' '$SCIM_ADDRESS/scim/Users?filter=userName+eq+%22alex.morgan@example.com%22' | sed 's/.*"id":"\([^"]*\)".*/\1/')"

The organization's own API shows what became of it. Its token, and its members:

  TOKEN=\$(curl -s -d grant_type=client_credentials -d scope=api.organization -d client_id=$ORG_CLIENT_ID -d client_secret=$ORG_CLIENT_SECRET $SCIM_ADDRESS/identity/connect/token | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
  curl -s -H "Authorization: Bearer \$TOKEN" $SCIM_ADDRESS/api/public/members

What happens shows in the console as it happens, and with

  $caddy scim log --file .run/provisioning.db

The gateway tells how it is, and in what the organization differs from what the provider said:

  $caddy scim status --address unix/.run/admin.sock
  $caddy scim drift --address unix/.run/admin.sock

With "make run DRY_RUN=1" nothing is changed, and this says what would be:

  $caddy scim dry-run report --address unix/.run/admin.sock
TEXT
}
tell &
exec "$caddy" run --config examples/embedded.caddyfile --adapter caddyfile
