"""How the platform's own processes are started."""

from __future__ import annotations

from pathlib import Path

from modelyard.embedded.services import Services
from modelyard.installation import Installation


def test_certificates_named_by_relative_paths_are_found_from_the_folder_of_our_processes(tmp_path: Path) -> None:
    named = {
        "MODELYARD_TLS_CERT": "tls/web.pem",
        "MODELYARD_TLS_KEY": "tls/web-key.pem",
        "MODELYARD_WORKER_TLS_CA": "tls/ca.pem",
    }
    services = Services(Installation.at(tmp_path), named)
    for spec in (services.agent(), services.web(host="127.0.0.1", port=1)):
        assert {spec.environment[name] for name in named} == {str(Path(path).absolute()) for path in named.values()}
