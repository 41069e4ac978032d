"""Graph's token from MSAL: in a thread, one request at a time, renewed before it expires."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any

import msal
import requests

from domain.errors import Trouble

SCOPE = "https://graph.microsoft.com/.default"
RESOURCE = "https://graph.microsoft.com"
EARLY = 300.0
"""Seconds before the end at which a token is renewed."""
TIMEOUT = 10.0


class MsalToken:
    """Called for a token. `settings` hold either a secret, or a certificate with thumbprint, or a managed identity."""

    def __init__(
        self,
        *,
        app_id: str,
        tenant_id: str,
        secret: str = "",
        certificate_file: str = "",
        thumbprint: str = "",
        authority: str = "https://login.microsoftonline.com",
        ca_file: str = "",
    ) -> None:
        self._app_id = app_id
        self._authority = f"{authority}/{tenant_id}"
        self._secret = secret
        self._certificate_file = certificate_file
        self._thumbprint = thumbprint
        self._verify: bool | str = ca_file or True
        self._client: Any = None
        self._token = ""
        self._renew_at = 0.0
        self._lock = asyncio.Lock()

    async def __call__(self) -> str:
        """Raises `Trouble` where the login service gives none."""
        async with self._lock:
            if monotonic() >= self._renew_at:
                answer = await asyncio.to_thread(self._acquire)
                if "access_token" not in answer:
                    raise Trouble(f"the login service gave no token for Graph ({answer.get('error', 'no reason')})")
                self._token = str(answer["access_token"])
                self._renew_at = monotonic() + max(1.0, float(answer.get("expires_in", 0)) - EARLY)
            return self._token

    def _acquire(self) -> Mapping[str, Any]:
        try:
            if self._client is None:
                self._client = self._make_client()
            if not self._secret and not self._certificate_file:
                return dict(self._client.acquire_token_for_client(resource=RESOURCE))
            return dict(self._client.acquire_token_for_client([SCOPE]))
        except (requests.RequestException, OSError, ValueError) as error:
            raise Trouble(f"the login service cannot be reached ({type(error).__name__})") from error

    def _make_client(self) -> Any:
        session = requests.Session()
        session.verify = self._verify
        if not self._secret and not self._certificate_file:
            identity = msal.UserAssignedManagedIdentity(client_id=self._app_id)
            return msal.ManagedIdentityClient(identity, http_client=session)
        credential: Any = self._secret
        if self._certificate_file:
            key = Path(self._certificate_file).read_text(encoding="utf-8")
            credential = {"private_key": key, "thumbprint": self._thumbprint}
        return msal.ConfidentialClientApplication(
            self._app_id,
            client_credential=credential,
            authority=self._authority,
            http_client=session,
            timeout=TIMEOUT,
            instance_discovery=False,
        )
