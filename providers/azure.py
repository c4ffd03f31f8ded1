"""The adapter for OpenAI's models on Azure, over either of its surfaces.

    azure = AzureOpenAI()                             # {url}/openai/v1/chat/completions
    azure = AzureOpenAI(api_version="2024-10-21")     # {url}/openai/deployments/{deployment}/chat/completions
    Endpoint(name="eu", provider=azure, url="https://my-resource.openai.azure.com", model="gpt-4.1-mini",
             deployment="chat-eu", region="swedencentral", api_key=Secret.from_env("AZURE_OPENAI_API_KEY"))

Azure speaks chat completions with some of its own: a first frame that only judges the prompt, annotations without a
delta, also after the finish reason, errors inside a 200. All of that is understood by the common reader. A prompt that
its filter blocks is `ContentBlocked`; an answer it stops has the finish reason ``content_filter``.

A deployment of the "global" kind is served in whichever region has room. `Attempt.served_region` says which it was.

Source: Azure OpenAI in Foundry Models, "REST API reference" (2024-10-21), "v1 API", "Content streaming".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

import attrs

from ..router import check
from ..router.credential import static_secrets
from ..router.errors import ConfigurationError
from .http_address import address_at, base_of, plain_headers
from .openai_compatible import OpenAICompatible, cap_name
from .openai_request import ANTHROPICS, CACHE_MARK

if TYPE_CHECKING:
    from yarl import URL

    from ..router.endpoint import Endpoint
    from ..router.secret import Secret
    from .http_address import Address
    from .http_client import Dialect

EXAMPLE = "https://my-resource.openai.azure.com"
SURFACES = ("openai/v1", "openai/deployments")

DATED = re.compile(r"(\d{4}-\d{2}-\d{2})(-preview)?")
FIRST_VERSION = "2024-09-01"
"""Earlier ones report no usage of streams and know no ``max_completion_tokens``."""


def _version(_instance: object, _attribute: attrs.Attribute[str | None], value: object) -> None:
    if value is None:
        return
    dated = DATED.fullmatch(value) if isinstance(value, str) else None
    if dated is None or dated[1] < FIRST_VERSION:
        raise ConfigurationError(
            f"AzureOpenAI: api_version must be a date such as '2024-10-21', from {FIRST_VERSION} on, not {value!r}: "
            "earlier versions report no usage of streams. Leave it out for the v1 surface, which has no versions"
        )


@attrs.frozen(kw_only=True)
class AzureOpenAI(OpenAICompatible):
    """A `Provider` for OpenAI's models on Azure. Other fields as in `OpenAICompatible`.

    api_version: of the surface by deployments, ``2024-09-01`` or later, ``-preview`` or not. Default None: the v1
        surface, which has none.

    An endpoint's ``url`` is that of its resource, ``deployment`` the name of the deployment (default, its ``model``).
    ``api_key`` is a key, or what gives Entra tokens: ``TokenSource(get_bearer_token_provider(credential, scope))`` of
    Microsoft's ``azure-identity``. A key is sent as ``api-key``, a token as a bearer's.
    """

    hints: ClassVar[frozenset[str]] = ANTHROPICS | {CACHE_MARK}

    name: str = attrs.field(default="azure", validator=check.named)
    cap: str = attrs.field(default="max_completion_tokens", validator=cap_name)
    api_version: str | None = attrs.field(default=None, validator=_version)

    def _dialect(self) -> Dialect:
        return attrs.evolve(super()._dialect(), region="x-ms-region")

    def _address(self, endpoint: Endpoint, key: Secret | None) -> Address:
        headers = plain_headers()
        if key is not None:
            is_key = key in static_secrets(endpoint.api_key)
            name, form = ("api-key", "{}") if is_key else ("Authorization", "Bearer {}")
            headers[name] = form.format(key.reveal())
        return address_at(self._url(endpoint), headers, endpoint)

    def _url(self, endpoint: Endpoint) -> URL:
        given = endpoint.url or self.url
        if given is None:
            raise ConfigurationError(f"endpoint {endpoint.name!r} has no url: give its resource's, such as {EXAMPLE}")
        base = base_of(endpoint, given, EXAMPLE)
        if any(f"/{surface}" in base.path for surface in SURFACES) or base.query:
            raise ConfigurationError(
                f"endpoint {endpoint.name!r}: url is to be the resource's, such as {EXAMPLE}; the path is added, the "
                "deployment and the api_version are fields of Endpoint and AzureOpenAI"
            )
        if self.api_version is None:
            return base / "openai" / "v1" / "chat" / "completions"
        if "/" in endpoint.deployment:
            raise ConfigurationError(f"endpoint {endpoint.name!r}: a deployment's name holds no slash")
        path = base / "openai" / "deployments" / endpoint.deployment / "chat" / "completions"
        return path.with_query({"api-version": self.api_version})
