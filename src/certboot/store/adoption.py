"""Which preset variables can be adopted, and what would be lost with one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from certboot.clients.variables import BY_NAME, Adoption
from certboot.errors import CertbootError, printable
from certboot.sources import adopted
from certboot.sources.candidates import Loaded, Rejection
from certboot.store import choices, env_file
from certboot.store.paths import StorePaths

# What no client could use either, what enters as it is, and what its CA has replaced.
_NO_LOSS = ("expired", "not-yet-valid", adopted.GONE, "no-stand-in", "issued-anew")
# The hook reads no more than 64 KiB of the env file.
_MOST_BYTES = 32 * 1024


def preset(names: Sequence[str], paths: StorePaths, environ: Mapping[str, str]) -> tuple[Adoption, ...]:
    """Return the values of these variables, or of all that have one to adopt where none is named.

    What is adopted already is left out, and what another store of certboot's has set is, unless it is named. Raises
    CertbootError for a variable that is named and cannot be adopted.
    """
    known = choices.read_adoptions(paths.adopted)
    env = env_file.parse(paths.env)
    # What the hook does not know of is what a killed run had begun, and is done again.
    ended = [adoption for adoption in known if env and adoption in env.adopted]
    if names:
        again = {adoption.variable for adoption in known if paths.holds(environ.get(adoption.variable, ""))}  # the hook
        wanted = [_named(name, paths, environ) for name in dict.fromkeys(names) if name not in again]
    else:
        environ = env_file.chosen(paths, environ)
        preset = (Adoption(name, environ[name]) for name in BY_NAME if name in environ)
        wanted = [adoption for adoption in preset if not adoption.unfit and not adopted.is_own(adoption, paths.home)]
    new = tuple(adoption for adoption in wanted if adoption not in ended)
    if len(choices.render_adoptions(dict.fromkeys((*known, *new)))) > _MOST_BYTES:
        message = f"more is adopted than the hook reads: {paths.adopted}"
        raise CertbootError(message, "certboot adopt --undo VARIABLE gives back what is needed no more")
    return new


def offers(adoptions: Iterable[Adoption], home: Path) -> tuple[dict[Adoption, Loaded], list[CertbootError]]:
    """Return what each value names, and why nothing can be taken over from the others."""
    named: dict[Adoption, Loaded] = {}
    refused: list[CertbootError] = []
    for adoption in adoptions:
        try:
            loaded = adopted.read(adoption, home).parse()
        except CertbootError as error:
            refused.append(error)
            continue
        if loaded.candidates:
            named[adoption] = loaded
        else:
            message = f"{adoption.variable} names no certificates: {printable(adoption.value)}"
            refused.append(CertbootError(message, f"unset {adoption.variable}: clients that go by it trust nobody"))
    return named, refused


def lost(rejected: Iterable[Rejection], loaded: Collection[Loaded]) -> tuple[Rejection, ...]:
    """Return what was read with these, and programs may rely on, but does not enter the store."""
    places = {candidate.detail for source in loaded for candidate in source.candidates}
    places |= {rejection.detail for source in loaded for rejection in source.rejections}
    ours = (rejection for rejection in rejected if rejection.source == adopted.NAME and rejection.detail in places)
    return tuple(dict.fromkeys(rejection for rejection in ours if rejection.rule not in _NO_LOSS))


def _named(name: str, paths: StorePaths, environ: Mapping[str, str]) -> Adoption:
    if name not in BY_NAME:
        raise CertbootError(f"certboot knows no variable {printable(name)}", f"it knows {', '.join(BY_NAME)}")
    if name not in environ:
        message = f"{name} is not set here"
        raise CertbootError(message, "run this where it is set; certboot doctor environment lists what is")
    adoption = Adoption(name, environ[name])
    if adoption.unfit:
        message = f"{name} cannot be adopted, {adoption.unfit}: {printable(adoption.value)!r}"
        raise CertbootError(message, f"unset {name}, or let it name a file or directory by its absolute path")
    if adopted.is_own(adoption, paths.home):
        message = f"{name} has certboot's own value"
        raise CertbootError(message, "there is nothing to adopt; certboot adopt --undo ends an adoption")
    return adoption
