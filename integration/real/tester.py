"""Runs scim2-tester in full against a SCIM server: tester.py URL KEY. Prints one JSON object for each check."""

import json
import sys

import httpx2
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import check_server

url, key = sys.argv[1:]
client = httpx2.Client(base_url=url, headers={"Authorization": "Bearer " + key}, timeout=60)
for result in check_server(SyncSCIMClient(client)):
    print(json.dumps({
        "status": result.status.name, "title": result.title, "type": result.resource_type or "", "reason": result.reason or "",
        "data": str(result.data)[:600],
    }))
