import os

from jupyterhub.auth import DummyAuthenticator
from tornado import web

port = int(os.environ["PORT"])


# What docs/mapping.md shows: whoever is in the group "blocked" comes in neither by signing in, nor with a session or a token that
# they have already.
class Blocking(DummyAuthenticator):
    auth_refresh_age = 1

    def blocked(self, user):
        return user is not None and any(group.name == "blocked" for group in user.groups)

    async def authenticate(self, handler, data):
        name = await super().authenticate(handler, data)
        return None if self.blocked(handler.find_user(name)) else name

    async def refresh_user(self, user, handler=None, **kwargs):
        if self.blocked(user):
            raise web.HTTPError(403, "this account is blocked")
        return True


c = get_config()  # noqa: F821
c.JupyterHub.authenticator_class = Blocking
c.Authenticator.allow_all = True
c.JupyterHub.bind_url = f"http://127.0.0.1:{port}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{port + 1}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{port + 2}"
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.load_groups = {"blocked": {}}
c.JupyterHub.services = [{"name": "scim", "api_token": os.environ["SCIM_TOKEN"]}]
c.JupyterHub.load_roles = [{"name": "scim", "services": ["scim"], "scopes": ["admin:users", "admin:groups", "admin:servers"]}]
# The test makes tokens for people.
c.JupyterHub.load_roles.append({"name": "test", "services": ["scim"], "scopes": ["tokens"]})
