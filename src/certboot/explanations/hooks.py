"""Findings of the group ``hook``."""

from __future__ import annotations

from certboot.explanations.form import NOBODY, YOU, Explanation

_H = "hook"
_WITHOUT = "Programs of this interpreter use their built-in trust."
_INIT = "`certboot init` writes it anew."

EXPLANATIONS = {
    "hook-active": Explanation(
        _H,
        "the hook ran",
        "It set the variables when this interpreter started. What it costs a start is measured by doing its work "
        "again, in this process.",
        "They do not.",
        NOBODY,
        "Nothing is to be done.",
    ),
    "hook-disabled": Explanation(
        _H,
        "the hook is turned off",
        "CERTBOOT_DISABLE is set.",
        _WITHOUT,
        YOU,
        "Remove CERTBOOT_DISABLE from where it is set.",
    ),
    "hook-without-store": Explanation(
        _H,
        "the hook found no store",
        "certboot was not set up for this user, or its store is in another folder.",
        _WITHOUT,
        YOU,
        "`certboot init` makes a store.",
    ),
    "hook-homeless": Explanation(
        _H,
        "the hook does not know where the store would be",
        "Neither CERTBOOT_HOME nor HOME is an absolute path, and the system knows no home folder for this user.",
        _WITHOUT,
        YOU,
        "Set CERTBOOT_HOME to an absolute path.",
    ),
    "hook-nothing-to-set": Explanation(
        _H,
        "the hook has nothing to set",
        "config.toml takes every variable out.",
        _WITHOUT,
        NOBODY,
        "Nothing, if that is what you want; else shorten the list variables.remove, then `certboot init`.",
    ),
    "hook-env-damaged": Explanation(
        _H,
        "the store's env file is missing or damaged",
        "It says which variables the hook sets. The hook takes nothing but paths of its own store from it.",
        _WITHOUT,
        YOU,
        _INIT,
    ),
    "hook-refuses-store": Explanation(
        _H,
        "the hook does not use the store",
        "Somebody else can write to it, or its bundle or directory is empty.",
        f"{_WITHOUT} With a store that others can change, they could be told to trust anybody.",
        YOU,
        "`certboot doctor store` says what is wrong, and the command that mends it.",
    ),
    "hook-failed": Explanation(
        _H,
        "the hook gave up",
        "It met something that it could not deal with, and let the interpreter start as if it were not there.",
        _WITHOUT,
        YOU,
        f"{_INIT} If that does not help, report it.",
    ),
    "hook-looks-elsewhere": Explanation(
        _H,
        "the hook and this command mean different stores",
        "CERTBOOT_HOME, HOME or what was recorded beside the hook leads the hook to another folder than this command.",
        "Programs get what is in that other store, or nothing.",
        YOU,
        "Set CERTBOOT_HOME to the same folder for both, or remove it.",
    ),
    "hook-no-site": Explanation(
        _H,
        "the hook did not run: Python was started with -S",
        "-S leaves out all start-up files. (-I, -E and -s do not, in a virtualenv.)",
        _WITHOUT,
        YOU,
        "Start without -S. A Python that is started by one with the hook inherits its variables in any case.",
    ),
    "hook-outside-site": Explanation(
        _H,
        "the hook did not run: it lies outside Python's site-packages",
        "Start-up files are read from site-packages only, not from folders on PYTHONPATH or of pip install --target.",
        _WITHOUT,
        YOU,
        "The command that is shown copies the hook into this interpreter's site-packages.",
    ),
    "hook-missing": Explanation(
        _H,
        "the hook did not run: its start-up file is not there",
        "certboot_startup.pth (from Python 3.15 on certboot_startup.start) is what makes Python call the hook.",
        _WITHOUT,
        YOU,
        "The command that is shown puts it back.",
    ),
    "hook-hidden": Explanation(
        _H,
        "the hook did not run: its start-up file is hidden",
        "Newer Pythons skip start-up files that have the attribute hidden, which macOS and Windows know.",
        _WITHOUT,
        YOU,
        "Take the attribute away: `chflags nohidden FILE` on macOS, `attrib -h FILE` on Windows.",
    ),
    "hook-altered": Explanation(
        _H,
        "the hook did not run: its start-up file was changed",
        "It does not hold what certboot wrote.",
        f"{_WITHOUT} A start-up file that somebody else has changed may do anything: look at it.",
        YOU,
        "The command that is shown puts the right one back.",
    ),
    "hook-not-run": Explanation(
        _H,
        "the hook did not run, although its start-up file is in its place",
        "Python did not process it: another start-up file may have ended that, or it could not be read in this locale.",
        _WITHOUT,
        YOU,
        "`python -v -c pass` shows what Python does at its start.",
    ),
    "hook-late": Explanation(
        _H,
        "something else imported TLS modules before the hook ran",
        "Start-up files run in the order of their names. One before the hook's has imported ssl, or a client that "
        "looks for certificates when it is imported.",
        "ssl and requests are guarded afterwards, which does no harm. aiohttp, httplib2 and Tornado have made up their "
        "mind by then, and do not see the variables.",
        YOU,
        "Uninstall or mend what is named, or set the variables in the shell: `certboot env`.",
    ),
    "hook-copy-outdated": Explanation(
        _H,
        "a copy of the hook is not that of this certboot",
        "`certboot hook install` copied it when another version was installed, or it is not whole.",
        "It works as it did then.",
        YOU,
        "The command that is shown renews it.",
    ),
    "hook-alone": Explanation(
        _H,
        "the hook acts where none of your scripts run",
        "pipx and uv install a program into an environment of its own. The hook that came with certboot acts there "
        "only.",
        "Your scripts run in other interpreters, without the hook.",
        YOU,
        "`certboot hook install --python PATH` copies the hook into an interpreter, `--all-venvs DIR` into those of "
        "many virtualenvs.",
    ),
    "hook-from-elsewhere": Explanation(
        _H,
        "the hook that ran belongs to another installation",
        "This certboot lies in another folder than the hook that Python called: it runs from PYTHONPATH or a source "
        "folder, or the hook was copied.",
        "They do not, as long as both are the same.",
        NOBODY,
        "Nothing, if it is meant so. If nobody knows who put it there, look at it, and take it away.",
    ),
    "guards-on": Explanation(
        _H,
        "the guards are on",
        "When ssl, requests or certifi is imported the hook adapts it: explicit choices of programs go before "
        "certboot's variables, and contexts are made quickly.",
        "They do not.",
        NOBODY,
        "Nothing is to be done.",
    ),
    "guards-off": Explanation(
        _H,
        "guards are turned off",
        "CERTBOOT_GUARDS or config.toml leaves some of them out.",
        "Without that of requests, session.verify and `pip --cert` lose against REQUESTS_CA_BUNDLE; without that of "
        "certifi, code that asks certifi itself does not see the store; without that of ssl, contexts take longer.",
        NOBODY,
        "Nothing, if that is what you want.",
    ),
    "guard-stepped-aside": Explanation(
        _H,
        "a guard met something that it does not know",
        "The module is another than the guard was written for, so it was left as it was.",
        "As with the guard turned off; see `certboot explain guards-off`.",
        YOU,
        "Report it, with the version of the module.",
    ),
    "other-start-up-hooks": Explanation(
        _H,
        "other packages run code at every start of this Python",
        "These start-up files have import lines or entry points. Many are harmless: setuptools, coverage, editable "
        "installs. Attacks have come this way too.",
        "They do not, unless one of them changes ssl or the variables.",
        NOBODY,
        "Look at what you do not know.",
    ),
}
