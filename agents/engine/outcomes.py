# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a step gives back: Done, Waiting, Failed or Again. Expected things are values, not exceptions."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from codexos.kernel.chat import Usage
from codexos.kernel.errors import CodexosError
from codexos.kernel.jsontypes import JsonObject, JsonValue


@dataclass(frozen=True, slots=True)
class StepError:
    """Why a step failed, ready to be written down and shown."""

    code: str
    message: str

    @classmethod
    def of(cls, error: CodexosError) -> "StepError":
        """Take over an error of the house."""
        return cls(error.code, error.message)

    def as_data(self) -> JsonObject:
        """Say it as JSON."""
        return {"code": self.code, "message": self.message}


@dataclass(frozen=True, slots=True)
class Done:
    """The step has its result; ``notes`` are told to people beside it.

    ``written`` is the result as JSON, from whom had to write it anyway. ``labels`` say where text of strangers in it
    came from, beside what the step itself had read; those in ``only_told`` are not in the files that it ``left``
    in the run's workspace, which its result tells of.
    """

    result: JsonValue
    usage: Usage = field(default_factory=Usage)
    notes: Sequence[JsonObject] = ()
    written: bytes | None = None
    labels: frozenset[str] = frozenset()
    only_told: frozenset[str] = frozenset()
    left: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """The step goes on when something outside has happened; ``said`` is told beside it."""

    reason: str
    message: str
    said: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failed:
    """The step will not succeed; ``usage`` is what it cost all the same."""

    error: StepError
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Again:
    """The step failed in a way that may pass: try again after a while."""

    error: StepError
    after_seconds: float
    usage: Usage = field(default_factory=Usage)


Outcome = Done | Waiting | Failed | Again


@dataclass(frozen=True, slots=True)
class CutOff:
    """The step was ended by its holder before it had an outcome."""

    because: str
