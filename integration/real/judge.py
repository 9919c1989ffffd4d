"""Judges answers of the gateway, one JSON object a line: {"method", "path", "status", "body"}.

scim2-models takes every document apart in the context that it came in, and forbids what RFC 7643 does not define;
pydantic-scim takes users and groups apart once more. What they have against one is printed, one line each.
"""

import json
import sys
from typing import Union

import pydanticscim.group
import pydanticscim.user
from scim2_models import (
    Context,
    EnterpriseUser,
    Error,
    Group,
    ListResponse,
    ResourceType,
    Schema,
    ServiceProviderConfig,
    User,
)

CONTEXTS = {
    "GET": Context.RESOURCE_QUERY_RESPONSE,
    "POST": Context.RESOURCE_CREATION_RESPONSE,
    "PUT": Context.RESOURCE_REPLACEMENT_RESPONSE,
    "PATCH": Context.RESOURCE_PATCH_RESPONSE,
}
PERSON = User[EnterpriseUser]
TYPES = {
    "Users": PERSON,
    "Groups": Group,
    "Schemas": Schema,
    "ResourceTypes": ResourceType,
    "ServiceProviderConfig": ServiceProviderConfig,
}
SECOND = {"Users": pydanticscim.user.User, "Groups": pydanticscim.group.Group}


def complaints(answer):
    body, path = answer["body"], answer["path"].split("?")[0].strip("/").split("/")
    kind = next((k for k in path if k in TYPES), None)
    if answer["status"] >= 400 or kind is None:
        Error.model_validate(body)
        return
    context = CONTEXTS[answer["method"]]
    if answer["method"] == "GET" and path[-1] == kind and kind != "ServiceProviderConfig":
        context = Context.SEARCH_RESPONSE
        ListResponse[TYPES[kind]].model_validate(body, scim_ctx=context)
        resources = body["Resources"]
    else:
        TYPES[kind].model_validate(body, scim_ctx=context)
        resources = [body]
    for resource in resources:
        if kind in SECOND:
            SECOND[kind].model_validate(resource)


count = bad = 0
for line in sys.stdin:
    answer = json.loads(line)
    count += 1
    try:
        complaints(answer)
    except Exception as e:  # whatever they raise is a complaint
        bad += 1
        text = " ".join(str(e).split())
        print(answer["method"], answer["path"], answer["status"], text[:600], json.dumps(answer["body"])[:300])
print(f"{count} answers, {bad} complaints", file=sys.stderr)
