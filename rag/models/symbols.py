# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What stands where in the code of a knowledge base. All of it belongs to a document's content, and goes with it."""

from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.tenancy import OrganizationModel
from rag.engine.symbols.facts import LONGEST_NAME, LONGEST_SCOPE, LONGEST_SIGNATURE, LONGEST_TARGET, SymbolKind
from rag.engine.symbols.words import LONGEST_WORD
from rag.models.documents import Document
from rag.models.knowledge_bases import KnowledgeBase


class _OfDocument(OrganizationModel):
    """A row of a document. Base and document lead the indexes that questions need, so none of their own is kept."""

    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    base = models.ForeignKey(KnowledgeBase, on_delete=models.CASCADE, related_name="+", db_index=False)
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="+")

    if TYPE_CHECKING:
        base_id: UUID
        document_id: UUID

    class Meta:
        abstract = True


class SymbolReading(_OfDocument):
    """That a document's content was read for symbols: which content, by which reader, and what is missing for why."""

    document = models.OneToOneField(Document, on_delete=models.CASCADE, related_name="+")
    sha256 = models.CharField(max_length=64)
    reader = models.PositiveIntegerField()
    language = models.CharField(max_length=20)
    symbols = models.PositiveIntegerField(default=0)
    references = models.PositiveIntegerField(default=0)
    imports = models.PositiveIntegerField(default=0)
    reason = models.CharField(max_length=40, blank=True)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["base", "language"], name="symbol_reading_of_base")]

    def __str__(self) -> str:
        return f"{self.symbols} symbols"


class Symbol(_OfDocument):
    """A name that a document defines. *load_user* and *loadUser* share a ``key``: the name without its spelling."""

    name = models.CharField(max_length=LONGEST_NAME, db_collation="C")
    key = models.CharField(max_length=LONGEST_NAME, db_collation="C")
    kind = models.CharField(max_length=12, choices=[(kind.value, kind.value) for kind in SymbolKind])
    scope = models.CharField(max_length=LONGEST_SCOPE, blank=True)
    signature = models.CharField(max_length=LONGEST_SIGNATURE, blank=True)
    language = models.CharField(max_length=20)
    first_line = models.PositiveIntegerField()
    last_line = models.PositiveIntegerField()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["base", "key"], name="symbol_by_key")]

    def __str__(self) -> str:
        return f"{self.scope}.{self.name}" if self.scope else self.name

    @property
    def project_id(self) -> UUID:
        """The project of its base."""
        return self.base.project_id

    @property
    def team_id(self) -> object:
        """Where it stands: in the team of its base's project."""
        return self.base.team_id


class SymbolWord(_OfDocument):
    """One word of a symbol's name. An index over arrays would not do: row-level security keeps it from being used."""

    id = models.BigAutoField(primary_key=True)  # type: ignore[assignment]
    symbol_id = models.UUIDField()
    word = models.CharField(max_length=LONGEST_WORD, db_collation="C")

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["base", "word"], name="symbol_by_word")]

    def __str__(self) -> str:
        return self.word


class SymbolReference(_OfDocument):
    """A name that a document uses. ``uses`` says how, inside of what, and on which lines (from 1)."""

    name = models.CharField(max_length=LONGEST_NAME, db_collation="C")
    uses = models.JSONField(default=list)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["base", "name"], name="symbol_reference_by_name")]

    def __str__(self) -> str:
        return self.name


class SymbolImport(_OfDocument):
    """A module that a document takes names from. ``target`` ends the path it would have; ``leaf`` is its last name."""

    module = models.CharField(max_length=LONGEST_TARGET)
    target = models.CharField(max_length=LONGEST_TARGET)
    leaf = models.CharField(max_length=LONGEST_TARGET, db_collation="C")
    names = ArrayField(models.CharField(max_length=LONGEST_NAME), default=list)
    line = models.PositiveIntegerField()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["base", "leaf"], name="symbol_import_by_leaf")]

    def __str__(self) -> str:
        return self.module
