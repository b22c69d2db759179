# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Runs and their journal. A run's row is accepted by the app; from then on only the holder of its lease writes."""

from django.db import models
from django.db.models import Q

from accounts.models import ContentDays, Organization, Person, Project
from accounts.tenancy import OrganizationManager, OrganizationModel
from agents.models.documents import DocumentField
from agents.models.flows import Flow, FlowVersion


class RunStatus(models.TextChoices):
    """Where a run stands."""

    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    WAITING = "waiting", "Waiting"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


UNFINISHED = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.WAITING)
NEEDS_PLACE = Q(is_cancelling=False) & (
    Q(status=RunStatus.QUEUED, is_held_back=False) | Q(status=RunStatus.WAITING, has_post=True)
)
"""Runs that a worker may take up where their organization has a place left."""
TO_BE_ENDED = Q(is_cancelling=True) & (Q(status=RunStatus.QUEUED) | Q(status=RunStatus.WAITING, has_post=True))
"""Runs that a worker takes up to end them, for which there is always a place."""
HELD_BACK = Q(status=RunStatus.QUEUED, is_held_back=True)
"""Runs that stand in a line behind others."""


class Run(OrganizationModel):
    """One doing of a flow. ``document`` is the flow as it was when the run was accepted."""

    # Each index is written anew whenever a run is taken up, ends and is settled: where another one begins with the same
    # column, or nobody looks by it, there is none.
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    flow = models.ForeignKey(Flow, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False)
    version = models.ForeignKey(FlowVersion, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False)
    label = models.CharField(max_length=200)
    document = DocumentField()
    input = models.JSONField()
    # Where text of strangers in the input came from, such as ``webhook:orders``; nothing where a person wrote it.
    input_labels = models.JSONField(null=True)
    context = models.JSONField(default=list)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    token_id = models.UUIDField(null=True)
    limit = models.JSONField(null=True)

    # The organization's retention class as of the run's acceptance: it says in which partitions its entries stand.
    content_days = models.SmallIntegerField(
        choices=ContentDays, default=ContentDays.STANDARD, db_default=ContentDays.STANDARD
    )
    # Set when document, input, context and journal have gone; then this is what is left of the steps.
    content_expired_at = models.DateTimeField(null=True)
    skeleton = models.JSONField(null=True)
    # Which talk it belongs to, as whoever started it says.
    conversation_id = models.CharField(max_length=200, blank=True)
    # Runs of one line are carried one behind another, in the order of their places; one that stands in none is not held
    # back. See agents/operations/lines.py.
    line = models.CharField(max_length=300, blank=True)
    place = models.IntegerField(default=0)
    is_held_back = models.BooleanField(default=False)

    status = models.CharField(max_length=10, choices=RunStatus.choices, default=RunStatus.QUEUED)
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    last_seq = models.IntegerField(default=0)
    input_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=16, decimal_places=8, default=0)

    # When a run that waits is to go on by itself; None while it is carried, or waits for people alone.
    wake_at = models.DateTimeField(null=True)
    # The run that this one goes on from, and how: retried, run again, forked; see agents/engine/travel.py.
    parent = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="children", db_index=False)
    origin = models.JSONField(null=True)
    # The flows that it does as sub-flows, pinned when it was accepted: their versions and documents by name.
    library = DocumentField(default=dict)

    # Set with every message to the run, cleared by the holder before it reads them: none is overlooked.
    has_post = models.BooleanField(default=False)
    # Somebody wants its end: it is taken up for that alone, however many of its organization's runs are under way.
    is_cancelling = models.BooleanField(default=False)
    epoch = models.IntegerField(default=0)
    claimed_until = models.DateTimeField(null=True)
    claimed_by = models.CharField(max_length=100, blank=True)
    # How often it was taken up since it last came on: a run that ends its workers does so before it comes on.
    bad_takes = models.SmallIntegerField(default=0)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=UNFINISHED, completed_at=None)
                | (~Q(status__in=UNFINISHED) & Q(completed_at__isnull=False)),
                name="finished_runs_have_an_end",
            ),
            models.UniqueConstraint(
                fields=["line", "place"], condition=Q(status__in=UNFINISHED) & ~Q(line=""), name="run_line"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-id"], name="run_newest"),
            models.Index(
                fields=["wake_at"], condition=Q(status=RunStatus.WAITING, wake_at__isnull=False), name="run_wakes"
            ),
            models.Index(fields=["parent"], condition=Q(parent__isnull=False), name="run_children"),
            models.Index(fields=["organization", "id"], condition=NEEDS_PLACE, name="run_needs_place"),
            models.Index(fields=["organization"], condition=Q(status=RunStatus.RUNNING), name="run_under_way"),
            models.Index(
                fields=["organization", "status", "id"], condition=Q(status__in=UNFINISHED), name="run_unfinished"
            ),
            models.Index(fields=["flow", "-id"], condition=Q(flow__isnull=False), name="run_of_flow"),
            models.Index(fields=["version"], condition=Q(version__isnull=False), name="run_of_version"),
            models.Index(fields=["id"], condition=TO_BE_ENDED, name="run_to_be_ended"),
            models.Index(fields=["line", "place"], condition=HELD_BACK, name="run_held_back"),
            models.Index(fields=["id"], condition=~Q(status__in=UNFINISHED) & Q(settled_at=None), name="run_unsettled"),
            models.Index(fields=["content_days", "id"], condition=Q(content_expired_at=None), name="run_with_content"),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def team_id(self) -> object:
        """Where it stands: in its project's team."""
        return self.project.team_id

    @property
    def duration_seconds(self) -> float | None:
        """How long it took; None until it has ended."""
        if self.started_at is None or self.completed_at is None:
            return None
        return (self.completed_at - self.started_at).total_seconds()

    @property
    def tokens(self) -> int:
        """Tokens in and out."""
        return self.input_tokens + self.output_tokens

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen."""
        return self.status not in UNFINISHED


class InboxMessage(OrganizationModel):
    """Something a person wants of a run. Its holder makes an entry of it, once: the journal says by its id whether."""

    class Kind(models.TextChoices):
        CANCEL = "cancel", "Cancel"
        PAUSE = "pause", "Pause"
        RESUME = "resume", "Resume"
        DECIDE = "decide", "Decide"

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    data = models.JSONField(default=dict)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.kind} for {self.run_id}"


class Snapshot(models.Model):
    """What a long journal came to with its first ``seq`` entries, so that not all of it need be read again."""

    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="+", primary_key=True)
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    seq = models.PositiveIntegerField()
    state = models.BinaryField()

    objects = OrganizationManager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.run_id} at {self.seq}"


class JournalEntry(models.Model):
    """One durable fact about a run, which is also the event people see. ``delta`` is JSON in UTF-8.

    Neither here nor in a run's row does the database check that what the engine counts is not negative: it would read
    and plan each such check anew with every commit.

    The table is partitioned by ``content_days`` and below that by ``run_id``, which begins with the time at which the
    run was accepted: all entries of a run stand in one partition, whose key has ``content_days`` as its third part.
    """

    pk = models.CompositePrimaryKey("run_id", "seq")
    # What is taken from the run by the one statement that writes entries need not be checked again by the database.
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    seq = models.IntegerField()
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    type = models.CharField(max_length=20)
    node_id = models.TextField(null=True)
    attempt = models.SmallIntegerField()
    epoch = models.IntegerField()
    at = models.DateTimeField()
    delta = models.BinaryField()
    content_days = models.SmallIntegerField(choices=ContentDays)

    objects = OrganizationManager()

    class Meta:
        default_permissions = ()
        # Of few entries: whoever lists the questions that wait for people asks which runs ever had one.
        indexes = [models.Index(fields=["run"], condition=Q(type="run.waiting"), name="entry_waits")]

    def __str__(self) -> str:
        return f"{self.seq} {self.type}"
