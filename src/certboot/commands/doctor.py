"""``doctor``: what is active, and why a handshake fails."""

from __future__ import annotations

import os
import typing

from certboot.errors import CertbootError

if typing.TYPE_CHECKING:
    import argparse


def doctor_command(arguments: argparse.Namespace) -> int:
    """Examine, and change nothing."""
    from certboot.doctor.address import parse_address
    from certboot.doctor.run import GROUPS, examine, exit_code
    from certboot.paths import store_paths

    groups = tuple(target for target in arguments.target if target in GROUPS)
    hosts = [parse_address(target) for target in arguments.target if target not in GROUPS]
    if len(hosts) > 1:
        message = "one host at a time"
        raise CertbootError(message, "certboot doctor HOST[:PORT]")
    findings = examine(store_paths(), os.environ, groups or GROUPS, hosts[0] if hosts else None)
    if arguments.json:
        from certboot.render.doctor_json import doctor_json

        print(doctor_json(findings))
    else:
        from certboot.render.doctor_text import doctor_report

        print(doctor_report(findings))
    return exit_code(findings)
