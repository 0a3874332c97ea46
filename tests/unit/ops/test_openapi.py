"""The documentation's page names only files that this server has, so it works without a network."""

import re
from importlib import resources

from litestar import Litestar
from litestar.testing import TestClient

from nura_rt.ops.openapi import documentation
from nura_rt.ops.wire import wire_routes

PAGE = (resources.files("nura_rt.ops") / "reading" / "index.html").read_text("utf-8")
# the document itself, the page's own door, and the socket's documents
OUTSIDE = {"/schema/openapi.json", "/assets/icon.svg"} | {route for route in wire_routes()[0].paths}


def test_the_page_names_only_files_we_serve() -> None:
    named = set(re.findall(r'(?:src|href)="([^"]+)"', PAGE)) - OUTSIDE

    with TestClient(Litestar(openapi_config=documentation("1"))) as client:
        found = {name: client.get(name).status_code for name in named}

    assert found == dict.fromkeys(named, 200)
    assert len(found) == 3
