# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What a JSON document looks like to a type checker."""

from collections.abc import Mapping, Sequence

JsonValue = None | bool | int | float | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"]
JsonObject = Mapping[str, JsonValue]
