"""The guards: what a program chose itself goes before certboot's variables, and our bundle is read as the directory."""
# Loaded by the hook only when a module of GUARDED is imported, or was before the hook ran. The same rules hold as for
# the hook: standard library only, Python 3.8, no output, and no exception that the guarded module would not raise. A
# guard that meets something unexpected steps aside: the module stays as it was, and ``guarded`` says why.
#
# Python holds its one import lock while a finder is asked, and so while this file is loaded. It therefore imports only
# what every interpreter has loaded already: waiting here for a module that another thread loads would be a deadlock.
#
# Ours is a value that names the bundle or the directory of the store that the hook uses, and no other.

import os
import sys
from _thread import get_ident

if "hook" not in globals():  # the hook has loaded this file for itself, but for one in an archive
    import certboot_startup as hook

TYPE_CHECKING = False
if TYPE_CHECKING:  # for the comments that hold the types: annotations would take an import of __future__ on Python 3.8
    from collections.abc import Callable  # noqa: F401
    from importlib.machinery import ModuleSpec  # noqa: F401
    from types import ModuleType  # noqa: F401
    from typing import Any

    Path = str | bytes | os.PathLike[str] | os.PathLike[bytes]

_BUNDLE = "bundle.pem"
_CRTS = "crts"
_MARK = "certboot_guard"
_HERE = os.sep + os.curdir
_MISSING = object()
_PARAMETERS = ("self", "url", "proxies", "stream", "verify", "cert")

# (thread, module): finders that ask all finders, as this one does, would not end.
_asking = set()  # type: set[tuple[int, str]]
_hint = None  # type: Any  # hint.py, once it was needed


def find_spec(name, path, target):
    # type: (str, Any, Any) -> ModuleSpec | None
    """Return what the other finders find for this module of GUARDED, with a loader that guards it; None for nothing.

    None as well where the guard steps aside: Python then goes on to the other finders itself.
    """
    key = (get_ident(), name)
    if key in _asking or not _is_on(name):
        return None
    _asking.add(key)
    try:
        spec = _spec_of(name, path, target)
    finally:
        _asking.discard(key)
    if spec is None or isinstance(spec.loader, _GuardingLoader):
        return spec
    if not (hasattr(spec.loader, "create_module") and hasattr(spec.loader, "exec_module")):
        hook.guarded[name] = "stepped aside: its loader has no exec_module"  # zipimport up to Python 3.9
        return None
    spec.loader = _GuardingLoader(spec.loader, name)  # type: ignore[assignment] # no Loader by its class
    if hook.guarded.get(name) != "applied":  # or it is about to be executed again
        hook.guarded[name] = "waiting"
    return spec


def guard_imported():
    # type: () -> None
    """Guard the modules that were imported before the hook ran."""
    for name in hook.GUARDED:
        module = sys.modules.get(name)
        if module is None or not _is_on(name):
            continue
        # One that loads itself when it is looked at must not be looked at.
        if type(module) is not type(sys) or getattr(module.__spec__, "_initializing", False):
            hook.guarded[name] = "stepped aside: it was not imported to the end"
        else:
            _guard(name, module)


def _is_on(name):
    # type: (str) -> bool
    return hook.GUARDED[name] in [switch.strip() for switch in hook.switches.split(",")]


def _spec_of(name, path, target):
    # type: (str, Any, Any) -> ModuleSpec | None
    for finder in tuple(sys.meta_path):
        if finder is not hook:  # type: ignore[comparison-overlap] # a module may be a finder
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                return spec
    return None


class _GuardingLoader:
    """A loader in front of another, up to the moment when that one executes the module."""

    def __init__(self, loader, name):
        # type: (Any, str) -> None
        self._loader = loader
        self._name = name

    def create_module(self, spec):
        # type: (ModuleSpec) -> Any
        return self._loader.create_module(spec)

    def exec_module(self, module):
        # type: (ModuleType) -> None
        if getattr(module.__spec__, "loader", None) is self:
            module.__spec__.loader = self._loader  # type: ignore[union-attr] # there is one, then
        if getattr(module, "__loader__", None) is self:
            module.__loader__ = self._loader
        self._loader.exec_module(module)
        _guard(self._name, module)

    def __getattr__(self, name):
        # type: (str) -> Any
        if name.startswith("__") or name == "_loader":  # copy and pickle ask before there is a loader
            raise AttributeError(name)
        return getattr(self._loader, name)


def _guard(name, module):
    # type: (str, ModuleType) -> None
    try:
        _GUARDS[name.rpartition(".")[2]](module)
        hook.guarded[name] = "applied"
    except Exception as error:
        hook.guarded[name] = f"stepped aside: {type(error).__name__}: {error}"


def _stand_in(original):
    # type: (Any) -> Callable[[Callable[..., Any]], Any]
    """Return a decorator that gives a function the name, signature and documentation of the original."""

    def decorate(function):
        # type: (Any) -> Any
        for name in ("__module__", "__name__", "__qualname__", "__doc__"):
            setattr(function, name, getattr(original, name, None))
        # Our annotations name what the module of the original does not know; by __wrapped__ its own are found.
        function.__annotations__ = {}
        function.__wrapped__ = original
        setattr(function, _MARK, True)
        return function

    return decorate


def _replace(owners, functions):
    # type: (tuple[Any, ...], list[Any]) -> None
    """Put the functions in the place of those with their names: all, or none and raise."""
    replaced: list[tuple[Any, str, Any]] = []
    try:
        for owner in owners:
            for function in functions:
                name = function.__name__
                before = vars(owner).get(name, _MISSING)
                setattr(owner, name, function)
                replaced.append((owner, name, before))
    except Exception:
        for owner, name, before in replaced:
            if before is _MISSING:
                delattr(owner, name)
            else:
                setattr(owner, name, before)
        raise


def _quietly(step, *arguments):
    # type: (Callable[..., Any], *Any) -> Any
    try:
        return step(*arguments)
    except Exception:  # wrong arguments, a store that was removed: the original has the word
        return None


def _generation_of(path, *names):
    # type: (Path | None, *str) -> str
    """Return the folder of the generation whose bundle or directory, by these names, ``path`` is; "" for another."""
    text = os.fsdecode(path) if path is not None else ""
    folder, _, name = text.rpartition(os.sep)
    if folder.endswith(_HERE):  # the spelling of an adopted value (hook.ADOPTED)
        folder = folder[: -len(_HERE)]
    # Without symbolic links the variables name a numbered generation, and an inherited one may name one before it.
    above = hook.generation.rpartition(os.sep)[0]
    return folder if name in names and above and folder.rpartition(os.sep)[0] == above else ""


def _is_out_of_reach(path, *names):
    # type: (Path | None, *str) -> bool
    """Return whether a path is ours and this process may not come to it: it has changed its user since the hook ran.

    To a program that does, the variable is then as if it were not set. A store that is gone is another thing: that is
    an error, and said.
    """
    if not _generation_of(path, *names):
        return False
    try:
        os.stat(os.fsdecode(path))  # type: ignore[arg-type] # None is of no generation
    except OSError as error:
        return isinstance(error, PermissionError)
    return False


def _serves_root_alone(folder):
    # type: (str) -> bool
    """Return whether no other user may pass to this folder of a root process's: a daemon may drop root any time."""
    if os.name != "posix" or os.geteuid():
        return False
    folder = os.path.realpath(folder)
    while folder not in ("", os.sep):
        if not os.stat(folder).st_mode & 0o001:
            return True
        folder = folder.rpartition(os.sep)[0]
    return False


def _is_as_written(folder):
    # type: (str) -> bool
    """Return whether bundle and directory are there, and the bundle untouched since the manifest was written after it.

    What somebody appended to the bundle (``cat corp.pem >> $(python -m certifi)``) is in no directory. He may give a
    file an older time, but not an older time of its last change (st_ctime). That is not asked of the directory: what is
    in it is what a context gets, and an image of a container sets the times of directories last. Where a copy of a
    store was made in another order, the guard steps aside until the next generation: slower, and right.
    """
    try:
        manifest = os.stat(folder + os.sep + "manifest.json")
        bundle, crts = os.stat(folder + os.sep + _BUNDLE), os.stat(folder + os.sep + _CRTS)
    except OSError:
        return False
    untouched = bundle.st_mtime <= manifest.st_mtime and bundle.st_ctime <= manifest.st_ctime
    return untouched and crts.st_mode & 0o170000 == 0o040000 and crts.st_mtime <= manifest.st_mtime


def _built_in(module):
    # type: (ModuleType) -> tuple[str | None, str | None]
    """Return OpenSSL's own file and directory, each if it is there and our variable for it is out of reach."""
    built = module.get_default_verify_paths()
    cafile, capath = built.openssl_cafile, built.openssl_capath
    unset = (
        _is_out_of_reach(os.environ.get("SSL_CERT_FILE"), _BUNDLE),
        _is_out_of_reach(os.environ.get("SSL_CERT_DIR"), _CRTS),
    )
    return (
        cafile if unset[0] and os.path.isfile(cafile) else None,
        capath if unset[1] and os.path.isdir(capath) else None,
    )


class _Loaded:
    """What a context was asked to load."""

    __slots__ = ("directory", "foreign", "other")

    def __init__(self):
        # type: () -> None
        self.directory = ""  # the generation whose directory stands in for its bundle
        self.other = False  # it has loaded something else too
        self.foreign = False  # some of that is not our store


def _loaded(context):
    # type: (Any) -> Any
    return vars(context).setdefault("_certboot_loaded", _Loaded())


def _is_our_store(cafile, capath, cadata):
    # type: (Path | None, Path | None, object) -> bool
    """Return whether this is our store and nothing else, and this process may come to it."""
    parts = [(path, name) for path, name in ((cafile, _BUNDLE), (capath, _CRTS)) if path is not None]
    within = all(_generation_of(path, name) and not _is_out_of_reach(path, name) for path, name in parts)
    return bool(parts) and within and cadata is None


def _hinting(original, failure):
    # type: (Any, Any) -> Any
    """Return a subclass of ssl's SSLSocket or SSLObject by which a ``failure`` of the verification says what to run."""

    @_stand_in(original.do_handshake)
    def do_handshake(self, *args, **kwargs):
        # type: (Any, *Any, **Any) -> None
        try:
            original.do_handshake(self, *args, **kwargs)
        except failure as error:
            _quietly(_add_hint, self, error)
            raise

    members = {name: getattr(original, name) for name in ("__module__", "__qualname__", "__doc__")}
    members.update(__slots__=(), do_handshake=do_handshake)
    return type(original)(original.__name__, (original,), members)


def _add_hint(connection, error):
    # type: (Any, Any) -> None
    """Let hint.py add its words, where the program left the trust to us; it is loaded at the first such failure."""
    global _hint
    # Where the hook's own path is relative, the program may be in a folder of somebody else's by now.
    if connection.server_side or _loaded(connection.context).foreign or not os.path.isabs(hook.__path__[0]):
        return
    _hint = _hint or hook.part("hint")
    _hint.add(connection, error)


class _Contexts:
    """What becomes of the contexts of one ssl module: each has the directory in the place of the bundle while it can.

    OpenSSL looks into a directory only for a subject of which it has no certificate in memory (crypto/x509/x509_lu.c,
    X509_STORE_CTX_get_by_subject). So the directory stands in only where it is all that the context has; as soon as
    anything else is loaded, or somebody asks what is loaded, the bundle is loaded too.

    A context that holds our store and no trust of the program's own makes connections that add a hint to a verification
    that failed (_hinting). That is set on the context: the classes of the module stay as they are.
    """

    def __init__(self, module, context_class):
        # type: (ModuleType, Any) -> None
        self._module = module  # type: Any
        self._load, self._stats = context_class.load_verify_locations, context_class.cert_store_stats
        # A directory is read when it is needed, and may then be out of reach: such a process reads the bundle at once.
        self._only_bundle = _serves_root_alone(hook.generation)
        self._hinting = {}  # type: dict[Any, Any]  # SSLSocket or SSLObject, gevent's too -> its subclass

    def load_bundle(self, context):
        # type: (Any) -> None
        state = _loaded(context)
        folder, state.directory = state.directory, ""
        if folder:
            self._load(context, folder + os.sep + _BUNDLE)

    def load_directory(self, context, folder):
        # type: (Any, str) -> bool
        state = _loaded(context)
        if not folder or state.other or state.directory not in ("", folder):
            return False
        if not state.directory and any(self._stats(context).values()):
            return False
        state.directory = folder
        # Again if need be: another thread may not have come to it yet.
        self._load(context, None, folder + os.sep + _CRTS)
        if state.other:  # another thread has loaded something in the meantime
            self.load_bundle(context)
        return True

    def load_other(self, context):
        # type: (Any) -> None
        _loaded(context).other = True
        self.load_bundle(context)

    def load_built_in(self, context):
        # type: (Any) -> None
        cafile, capath = _built_in(self._module)
        if cafile or capath:
            self._load(context, cafile, capath)

    def asked_for(self, cafile):
        # type: (Any) -> str
        """Return the generation whose bundle this is, if its directory may stand in for it; "" for none."""
        folder = "" if self._only_bundle else _generation_of(cafile, _BUNDLE)
        return folder if folder and _is_as_written(folder) else ""

    def instead_of(self, cafile):
        # type: (Any) -> Any
        """Return the file that a program would have asked for if our variable were not set."""
        if _is_out_of_reach(cafile, _BUNDLE):
            certifi = sys.modules.get("certifi.core")
            built_in = self._module.get_default_verify_paths().openssl_cafile
            return certifi.where() if certifi else built_in if os.path.isfile(built_in) else cafile
        return cafile

    def watch(self, context):
        # type: (Any) -> None
        """Let the connections of a context add hints, if all that it trusts is our store."""
        if _loaded(context).foreign or os.environ.get("CERTBOOT_HINTS", hook.hints) == "0":
            return
        for attribute in ("sslsocket_class", "sslobject_class"):
            original = getattr(context, attribute)
            if hasattr(original.do_handshake, _MARK):
                continue
            subclass = self._hinting.get(original) or _hinting(original, self._module.SSLCertVerificationError)
            # truststore makes new ones for each context.
            if original in (self._module.SSLSocket, self._module.SSLObject):
                self._hinting[original] = subclass
            setattr(context, attribute, subclass)

    def note(self, context, cafile, capath, cadata):
        # type: (Any, Any, Any, Any) -> None
        """Note whose certificates a context has loaded.

        On Windows a default context loads those of the system as data, as a program may load its own: it gets no hint.
        """
        if _is_our_store(cafile, capath, cadata):
            self.watch(context)
        else:
            _loaded(context).foreign = True


def _guard_ssl(module):
    # type: (ModuleType) -> None
    """Let a context that is asked for our bundle have the directory instead: nothing is parsed, whatever its size."""
    classes = module.SSLContext.__mro__  # gevent and truststore put a class of theirs before the original
    context_class = classes[: classes.index(vars(module)["_SSLContext"])][-1]
    load, load_defaults = context_class.load_verify_locations, context_class.set_default_verify_paths
    ca_certs, stats = context_class.get_ca_certs, context_class.cert_store_stats
    if hasattr(load, _MARK):
        return
    contexts = _Contexts(module, context_class)

    @_stand_in(load)
    def load_verify_locations(self, cafile=None, capath=None, cadata=None):
        # type: (Any, Any, Any, Any) -> None
        folder = _quietly(contexts.asked_for, cafile)
        if capath is None and cadata is None and _quietly(contexts.load_directory, self, folder):
            _quietly(contexts.watch, self)
            return
        _quietly(contexts.load_other, self)
        load(self, _quietly(contexts.instead_of, cafile) or cafile, capath, cadata)
        if folder:
            _quietly(load, self, None, folder + os.sep + _CRTS)
        _quietly(contexts.note, self, cafile, capath, cadata)

    @_stand_in(load_defaults)
    def set_default_verify_paths(self):
        # type: (Any) -> None
        cafile, capath = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
        folder = _quietly(contexts.asked_for, cafile)
        # Another directory, or that of the system where none is set, is one more than ours.
        ours = folder and capath == folder + os.sep + _CRTS
        if ours and _quietly(contexts.load_directory, self, folder):
            _quietly(contexts.watch, self)
            return
        _quietly(contexts.load_other, self)
        load_defaults(self)
        _quietly(contexts.load_built_in, self)
        _quietly(contexts.note, self, cafile, capath, None)

    @_stand_in(ca_certs)
    def get_ca_certs(self, *args, **kwargs):
        # type: (Any, *Any, **Any) -> Any
        _quietly(contexts.load_bundle, self)
        return ca_certs(self, *args, **kwargs)

    @_stand_in(stats)
    def cert_store_stats(self, *args, **kwargs):
        # type: (Any, *Any, **Any) -> Any
        _quietly(contexts.load_bundle, self)
        return stats(self, *args, **kwargs)

    _replace((context_class,), [load_verify_locations, set_default_verify_paths, get_ca_certs, cert_store_stats])


def _guard_requests(module):
    # type: (ModuleType) -> None
    """Let ``session.verify`` go before our REQUESTS_CA_BUNDLE, as if that were not set (psf/requests#3829).

    niquests, which grew out of requests and asks the system in the place of certifi, has our bundle if nothing is set.
    """
    original = module.Session.merge_environment_settings
    if hasattr(original, _MARK):
        return
    if original.__code__.co_varnames[: original.__code__.co_argcount] != _PARAMETERS:
        message = "Session.merge_environment_settings takes other arguments"
        raise LookupError(message)

    certs = module.__name__.rpartition(".")[0] + ".certs"
    asks_system = module.__name__ == "niquests.sessions"

    def is_ours(path):
        # type: (Any) -> bool
        """Return whether certboot set this: what it replaced the user's own value by is as good as that."""
        return bool(_generation_of(path, _BUNDLE, _CRTS)) and not os.fsdecode(path).endswith(hook.ADOPTED)

    def choose(session, verify, settings):
        # type: (Any, Any, Any) -> None
        """Make of ``settings`` what they were if our variable were not set."""
        variable, curl = os.environ.get("REQUESTS_CA_BUNDLE"), os.environ.get("CURL_CA_BUNDLE")
        used = settings["verify"]
        if session.trust_env and (verify is None or verify is True) and used == (variable or curl) and is_ours(used):
            if variable and curl and not is_ours(curl):
                settings["verify"] = curl
            elif verify is None and session.verify is not True:
                settings["verify"] = session.verify
        used = settings["verify"]
        if asks_system and used is True and session.trust_env:
            settings["verify"] = used = _bundle() or True
        # Without one, requests reads what certifi told it when it was imported, and that was ours.
        read = hook.generation + os.sep + _BUNDLE if used is True else used
        if isinstance(read, str) and _is_out_of_reach(read, _BUNDLE, _CRTS):
            settings["verify"] = True if asks_system else sys.modules[certs].where()

    @_stand_in(original)
    def merge_environment_settings(self, url, proxies, stream, verify, cert):
        # type: (Any, Any, Any, Any, Any, Any) -> Any
        settings = original(self, url, proxies, stream, verify, cert)
        _quietly(choose, self, verify, settings)
        return settings

    _replace((module.Session,), [merge_environment_settings])


def _bundle():
    # type: () -> str
    """Return our bundle while it is there, else ""."""
    path = hook.generation + os.sep + _BUNDLE
    try:
        return path if os.stat(path).st_size else ""
    except OSError:
        return ""


def _guard_certifi(module):
    # type: (ModuleType) -> None
    """Let ``certifi.where()`` and ``contents()`` answer with our bundle while it is there."""
    original_where, original_contents = module.where, module.contents
    if hasattr(original_where, _MARK):
        return
    if _serves_root_alone(hook.generation):
        _quietly(original_where)  # it keeps its answer, and without us requests would have asked before root is dropped

    @_stand_in(original_where)
    def where():
        # type: () -> str
        return _bundle() or original_where()

    @_stand_in(original_contents)
    def contents():
        # type: () -> Any
        try:
            with open(_bundle(), encoding="ascii") as file:
                return file.read()
        except (OSError, ValueError):
            return original_contents()

    # The package has them too, unless it is only now being imported.
    package = sys.modules.get(module.__name__.rpartition(".")[0])
    owners = (module, package) if getattr(package, "where", None) is original_where else (module,)
    _replace(owners, [where, contents])


def _guard_botocore(module):
    # type: (ModuleType) -> None
    """Let botocore have our bundle where there is no certifi that it would ask, and it brings a list of its own."""
    original = module.where
    if original.__module__ != module.__name__ or hasattr(original, _MARK):
        return

    @_stand_in(original)
    def where():
        # type: () -> str
        return _bundle() or original()

    _replace((module,), [where])


_GUARDS = {"ssl": _guard_ssl, "sessions": _guard_requests, "core": _guard_certifi, "httpsession": _guard_botocore}
"""The last part of a module's name in hook.GUARDED -> what guards it."""
