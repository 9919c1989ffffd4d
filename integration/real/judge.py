"""Judges answers of the gateway, one JSON object a line: {"method", "path", "status", "body"}.

scim2-models takes every document apart in the context that it came in, and forbids what neither RFC 7643 nor the gateway's own
/Schemas defines; pydantic-scim takes users and groups apart once more. What they have against one is printed, one line each.
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
    Extension,
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
TYPES = {
    "Users": User[EnterpriseUser],
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
        if kind in SECOND and "ttributes=" not in answer["path"]:
            SECOND[kind].model_validate(resource)


answers = [json.loads(line) for line in sys.stdin]
extensions = {EnterpriseUser.__schema__: EnterpriseUser}
for answer in answers:
    body = answer["body"]
    if "/Schemas/" in answer["path"] and "extension" in body.get("id", "") and body["id"] not in extensions:
        extensions[body["id"]] = Extension.from_schema(Schema.model_validate(body))
TYPES["Users"] = User[Union[tuple(extensions.values())]]

bad = 0
for answer in answers:
    try:
        complaints(answer)
    except Exception as e:  # whatever they raise is a complaint
        bad += 1
        text = " ".join(str(e).split())
        print(answer["method"], answer["path"], answer["status"], text[:600], json.dumps(answer["body"])[:300])
print(f"{len(answers)} answers, {bad} complaints", file=sys.stderr)
