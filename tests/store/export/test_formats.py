from __future__ import annotations

import subprocess
import sys

from support.exported import hostile
from support.table import cases

from certboot.store.export.formats import FORMATS, Format, Options


@cases("chosen", FORMATS.values())
def test_each_format_gives_the_same_each_time(chosen: Format) -> None:
    made = chosen.render(hostile(), Options())
    assert made == chosen.render(hostile(), Options())
    assert isinstance(made, bytes) is not chosen.directory


@cases("chosen", FORMATS.values())
def test_what_is_not_binary_is_ascii(chosen: Format) -> None:
    made = chosen.render(hostile(), Options())
    if isinstance(made, bytes):
        assert made.isascii() is not chosen.binary


@cases("option", ["password", "name", "namespace"])
def test_an_option_changes_those_formats_that_take_it_and_no_other(option: str) -> None:
    changed = {
        name
        for name, chosen in FORMATS.items()
        if chosen.render(hostile(), Options()) != chosen.render(hostile(), Options()._replace(**{option: "another"}))
    }
    takes = "password-file" if option == "password" else option
    assert changed == {name for name, chosen in FORMATS.items() if takes in chosen.takes}


def test_the_list_of_formats_costs_the_command_line_no_library() -> None:
    script = "import sys, certboot.store.export.formats; print('cryptography' in sys.modules, 'ssl' in sys.modules)"
    ran = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "False False\n"
