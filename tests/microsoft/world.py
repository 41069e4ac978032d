"""The pretend Microsoft as one HTTPS server on loopback, with its own certificate authority."""

import dataclasses
import ssl
import tempfile
from pathlib import Path
from typing import Any, Self

import aiohttp
import trustme
from aiohttp import web

from bot.gateway.settings import ClientSecret, GatewaySettings
from tests.microsoft.connector import Connector
from tests.microsoft.files import Files
from tests.microsoft.login import Login
from tests.microsoft.people import APP_ID, TENANT
from tests.microsoft.signing import METADATA, Signing
from tests.microsoft.teams import Teams

_PREFIX = "/uk"


class Microsoft:
    """`async with Microsoft() as microsoft`; `url`, `service_url`, `service_host`, `ca_file` exist once it is open."""

    def __init__(self) -> None:
        self.signing = Signing()
        self.login = Login()
        self.connector = Connector(self.login)
        self.files = Files()
        self._folder = tempfile.TemporaryDirectory(prefix="microsoft-")
        self.ca_file = str(Path(self._folder.name) / "ca.pem")

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=8 * 1024 * 1024)
        # The connector's paths are more exact than the login's, which begin with any tenant.
        app.add_routes(
            [*self.connector.routes(_PREFIX), *self.files.routes(), *self.signing.routes(), *self.login.routes()]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls())
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.service_host = f"{host}:{port}"
        self.url = f"https://{self.service_host}"
        self.service_url = f"{self.url}{_PREFIX}/"
        self.files.base = self.url
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))
        self.teams = Teams(APP_ID, self.service_url, self.signing, lambda: self._session)
        return self

    async def __aexit__(self, *exc_details: object) -> None:
        await self._session.close()
        await self._runner.cleanup()
        self._folder.cleanup()

    def settings(self, **changes: Any) -> GatewaySettings:
        """The gateway's settings that point at this Microsoft."""
        usual = GatewaySettings(
            app_id=APP_ID,
            app_tenant_id=TENANT,
            allowed_tenants=frozenset({TENANT}),
            credentials=ClientSecret(self.login.secret),
            metadata_url=self.url + METADATA,
            authority=self.url,
            service_hosts=frozenset({self.service_host}),
            ca_file=self.ca_file,
        )
        return dataclasses.replace(usual, **changes)

    def environment(self) -> dict[str, str]:
        """The same as environment variables, for the program in a process of its own."""
        settings = self.settings()
        return {
            "MicrosoftAppId": settings.app_id,
            "MicrosoftAppPassword": self.login.secret,
            "MicrosoftAppType": settings.app_type.value,
            "MicrosoftAppTenantId": settings.app_tenant_id,
            "MICROSOFT_METADATA_URL": settings.metadata_url,
            "MICROSOFT_AUTHORITY": settings.authority,
            "MICROSOFT_SERVICE_HOSTS": self.service_host,
            "MICROSOFT_CA_FILE": self.ca_file,
            "FILE_HOSTS": self.service_host,
        }

    def _tls(self) -> ssl.SSLContext:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca_file)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
        return context
