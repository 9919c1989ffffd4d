"""Runs scim2-tester in full against a SCIM server: tester.py URL KEY. Prints one JSON object for each check.

The tester makes up a userName of any kind. An organization invites people by their address, so that here it is one.
"""

import json
import random
import sys
import uuid

import httpx2
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import check_server, filling

random.seed(1)  # the same checks in every run
made_up = filling.generate_random_value


def with_addresses(context, path, *args, **kwargs):
    value = made_up(context, path, *args, **kwargs)
    return f"{uuid.uuid4()}@example.com" if str(path).endswith("userName") and value else value


for module in list(sys.modules.values()):
    if getattr(module, "generate_random_value", None) is made_up:
        module.generate_random_value = with_addresses

url, key = sys.argv[1:]
client = httpx2.Client(base_url=url, headers={"Authorization": "Bearer " + key}, timeout=60)
for result in check_server(SyncSCIMClient(client)):
    print(json.dumps({
        "status": result.status.name, "title": result.title, "type": result.resource_type or "", "reason": result.reason or "",
        "data": str(result.data)[:600],
    }))
