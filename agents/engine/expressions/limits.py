# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""How large anything of the expression language may be, and the names it keeps for itself."""

MAX_TEMPLATE_CHARACTERS = 100_000
MAX_EXPRESSION_CHARACTERS = 4_000
MAX_EXPRESSIONS = 500
MAX_NESTING = 32
MAX_ACCESSORS = 32
MAX_RENDERED_CHARACTERS = 2_000_000
# Every item looked at is a step, and so are a hundred characters that are searched or compared.
MAX_STEPS = 250_000
# Beyond this a whole number is not the same number in every program that reads it.
MAX_WHOLE_NUMBER = 2**53
# How deep a value may be that is read from JSON, as deep as a step's result.
MAX_VALUE_NESTING = 100

RESERVED_NAMES = frozenset({"input", "steps"})
WORDS = frozenset({"and", "or", "not", "in", "true", "false", "null"})
