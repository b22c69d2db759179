# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What PythonExec runs in the sandbox: somebody's code, and then what it gave. It is never imported here.

The result is the value of the last line where that is an expression, else of a variable ``result``. It is left in
/out/.result.json, as JSON where it can be that, else as what Python shows of it. Open figures are left as pictures.
"""

import ast
import json
import math
import os
import sys
import traceback

OUT = os.environ.get("OUT", "/out")
DEEPEST = 40


def main(path: str) -> int:
    """Run the code at ``path``; 1 where it raised something, which is told as Python tells it."""
    with open(path, encoding="utf-8") as file:
        source = file.read()
    names = {"__name__": "__main__", "__file__": path, "__builtins__": __builtins__}
    sys.argv = [path]
    sys.path.insert(0, os.getcwd())
    try:
        value = run(source, path=path, names=names)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException as error:
        own = error.__traceback__
        while own is not None and own.tb_frame.f_code.co_filename != path:
            own = own.tb_next
        traceback.print_exception(type(error), error, own)
        return 1
    finally:
        sys.stdout.flush()
        leave_figures()
    leave(value)
    return 0


def run(source: str, *, path: str, names: dict) -> object:  # type: ignore[type-arg]
    """Run a module; return what its last line is worth."""
    tree = ast.parse(source, path)
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr):
        exec(compile(tree, path, "exec"), names)  # noqa: S102 - that is what it is for, and where
        return names.get("result")
    tree.body.pop()
    exec(compile(tree, path, "exec"), names)  # noqa: S102
    return eval(compile(ast.Expression(last.value), path, "eval"), names)  # noqa: S307


def leave(value: object) -> None:
    """Write the value down for who asked."""
    with open(os.path.join(OUT, ".result.json"), "w", encoding="utf-8") as file:
        try:
            json.dump(plain(value), file, allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            file.seek(0)
            file.truncate()
            json.dump(repr(value)[:20_000], file)


def plain(value: object, depth: int = 0) -> object:
    """Return a value as JSON has it, also of the libraries that are there."""
    if depth > DEEPEST:
        return repr(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, dict):
        return {str(name): plain(item, depth + 1) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item, depth + 1) for item in value]
    return of_library(value, depth)


def of_library(value: object, depth: int) -> object:
    """Return a table as its rows, an array as its items, a date as its text; else what Python shows of it."""
    if hasattr(value, "columns") and hasattr(value, "to_dict"):
        return plain(value.to_dict(orient="records"), depth + 1)
    for way in ("to_dict", "tolist", "isoformat"):
        if callable(made := getattr(value, way, None)) and not isinstance(value, type):
            return plain(made(), depth + 1)
    return repr(value)


def leave_figures() -> None:
    """Save what was drawn and not saved; nothing where nothing was drawn."""
    plots = sys.modules.get("matplotlib.pyplot")
    if plots is None:
        return
    for number in plots.get_fignums():
        plots.figure(number).savefig(os.path.join(OUT, f"figure-{number}.png"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
