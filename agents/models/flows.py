# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Flows: drawings one may edit, what was kept of their editing, and their frozen, runnable versions."""

from django.db import models

from accounts.models import Person, Project
from accounts.tenancy import OrganizationModel
from agents.engine.drafts import Draft, DraftFormat, write_document
from agents.models.documents import DocumentField


class Concurrency(models.TextChoices):
    """What becomes of a run that is asked for while another one of the same flow is not over."""

    ALLOW = "allow", "Allow"
    QUEUE = "queue", "Queue"
    REJECT = "reject", "Reject"
    REPLACE = "replace", "Replace"


class ConcurrencyScope(models.TextChoices):
    """Which runs a flow's concurrency policy counts together."""

    FLOW = "flow", "Flow"
    CONVERSATION = "conversation", "Conversation"


class Flow(OrganizationModel):
    """A drawing in a project. Without an owner it is a team template, which its team's leads may change.

    ``draft`` is what the text in ``source`` says; the text is kept as it was written. ``revision`` counts every edit.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    owner = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    slug = models.SlugField(max_length=100)
    name = models.CharField(max_length=200)
    draft = DocumentField()
    draft_hash = models.CharField(max_length=64, blank=True)
    source = models.TextField(blank=True)
    format = models.CharField(max_length=4, default="json")
    revision = models.PositiveIntegerField(default=1)
    edited_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    edited_at = models.DateTimeField(null=True)
    archived_at = models.DateTimeField(null=True)
    concurrency = models.CharField(max_length=10, choices=Concurrency.choices, default=Concurrency.ALLOW)
    concurrency_scope = models.CharField(max_length=12, choices=ConcurrencyScope.choices, default=ConcurrencyScope.FLOW)
    published = models.ForeignKey("FlowVersion", on_delete=models.PROTECT, null=True, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["organization", "project", "slug"], name="flow_slug_unique")]

    def __str__(self) -> str:
        return self.name

    @property
    def team_id(self) -> object:
        """Where it stands: in its project's team."""
        return self.project.team_id

    @property
    def is_team_template(self) -> bool:
        """Whether the team owns it, rather than a person."""
        return self.owner_id is None

    @property
    def as_written(self) -> Draft:
        """The draft with its text; what was kept before texts were is written anew."""
        return Draft(self.draft, self.source or write_document(self.draft, self.format), DraftFormat(self.format))

    @property
    def is_archived(self) -> bool:
        """Whether it was put away."""
        return self.archived_at is not None

    @property
    def has_unpublished_changes(self) -> bool:
        """Whether the draft says or draws anything else than the published version; true where there is none."""
        return self.published is None or self.published.document_hash != self.draft_hash


class FlowVersion(OrganizationModel):
    """One frozen state of a flow; the database lets nobody change it. ``logic_hash`` leaves layout out."""

    flow = models.ForeignKey(Flow, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    document = DocumentField()
    document_hash = models.CharField(max_length=64, blank=True)
    source = models.TextField(blank=True)
    format = models.CharField(max_length=4, default="json")
    logic_hash = models.CharField(max_length=64)
    note = models.CharField(max_length=500, blank=True)
    published_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["flow", "number"], name="flow_version_unique")]

    def __str__(self) -> str:
        return f"v{self.number}"

    @property
    def as_written(self) -> Draft:
        """The document with its text; what was frozen before texts were kept is written anew."""
        return Draft(self.document, self.source or write_document(self.document, self.format), DraftFormat(self.format))


class FlowRevision(OrganizationModel):
    """One draft as it was saved, so that no later one loses it. ``number`` is the flow's ``revision`` at the time."""

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    source = models.TextField()
    format = models.CharField(max_length=4)
    saved_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["flow", "number"], name="flow_revision_unique")]

    def __str__(self) -> str:
        return f"r{self.number}"
