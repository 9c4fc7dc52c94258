"""``env``: the hook's variables for what no Python starts."""

from __future__ import annotations

import argparse
import os

from certboot.cli import options
from certboot.cli.ephemeral import add_options, tell_held, tell_left_out, wanted
from certboot.cli.terminal import aside, data, warn
from certboot.errors import OK, CertbootError
from certboot.store.env_file import settings
from certboot.store.paths import store_paths

_FORMATS = """\
for shells:
  sh              eval "$(certboot env)"
  fish            certboot env --format fish | source
  powershell      certboot env --format powershell | Out-String | iex
for files of variables:
  dotenv          .env, and systemd's EnvironmentFile=
  github          certboot env --format github >> "$GITHUB_ENV"
  docker          docker run --env-file; mount the store's folder at its own path
  json            one object
for a tool's own configuration, not with --add (stderr says where paths hold):
  systemd         a drop-in for a unit: systemctl --user edit SERVICE
  docker-compose  compose.override.yaml, with the mount
  gitlab          variables: of .gitlab-ci.yml
  devcontainer    containerEnv and mounts of devcontainer.json
  mcp             mcpServers of a client of the Model Context Protocol
  vscode          settings.json, for VS Code's terminals

With --add they lead to a copy of the store beside it, with those CAs. It is
removed a month after such a command last named it, or by certboot purge.

None is for a whole session (environment.d, launchctl, setx): variables that are
always there also reach Pythons without the hook, where they overrule what
programs choose.
"""


def env_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    options.examples(
        command,
        ('eval "$(certboot env)"', "in this shell"),
        ("certboot env --format fish | source", "in fish"),
        ('eval "$(certboot env --add company-ca.pem)"', "and a CA for this shell alone"),
    )
    from certboot.cli.env_formats import FORMATS
    from certboot.cli.env_snippets import NOTES

    command.description = (
        "Print what the start-up hook sets, for what no Python starts. Like the hook, leave alone a\n"
        "variable that is set to something else, and say so on standard error."
    )
    command.epilog = _FORMATS
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    formats = (*FORMATS, *NOTES)
    command.add_argument(
        "--format", choices=formats, default="sh", metavar="FORMAT", help="how to write them (default: sh), see below"
    )
    add_options(command, "this shell, and what it starts,")
    command.add_argument("--force", action="store_true", help="print those too that are set to something else")


def env_command(arguments: argparse.Namespace) -> int:
    """Print the variables in one of the formats."""
    from certboot.cli.env_formats import FORMATS
    from certboot.cli.env_snippets import NOTES, snippet

    form, named = arguments.format, wanted(arguments)
    paths, force = store_paths(), arguments.force
    own: dict[str, str] = {}
    if named:
        if form in NOTES:
            message = f"--format {form} writes what lasts, and a copy for --add goes after a month"
            raise CertbootError(
                message, "let the tool start certboot run --add FILE -- PROGRAM; or for good: certboot trust FILE"
            )
        # It brings in what the common run does without.
        from certboot.store.ephemeral import for_shell, leading_elsewhere

        made = for_shell(paths, named, os.environ)
        paths, force = made.paths, force or named.only
        own = {"CERTBOOT_HOME": str(paths.home)}
        tell_left_out(made, named)
        for name in leading_elsewhere(os.environ) if named.only else ():
            warn(f"{name} still leads to other CAs: unset {name}")
    hooks = settings(paths, os.environ)
    held = {} if force else hooks.held
    variables = own | (hooks.variables | hooks.replaced if force else hooks.applied)
    text = FORMATS[form](variables) if form in FORMATS else snippet(form, variables, str(paths.home))
    data(os.fsencode(text))  # as bytes: a path need not be text, and no shell wants the line ends of Windows
    if form in NOTES:
        aside(f"note: {NOTES[form]}")
    if held:
        tell_held(held)
        aside("\nhint: certboot env --force")
    return OK
