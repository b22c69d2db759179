# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The audit trail: who did what. Append-only; a sealer links each organization's entries into a chain."""

from django.db import models

from accounts.tenancy import OrganizationModel


class AuditEvent(OrganizationModel):
    """One deed, written in the transaction of the change itself."""

    actor_kind = models.CharField(max_length=10)
    actor_id = models.UUIDField(null=True)
    actor_label = models.CharField(max_length=254)
    token_id = models.UUIDField(null=True)
    break_glass_id = models.UUIDField(null=True)
    action = models.CharField(max_length=60)
    about_kind = models.CharField(max_length=40, blank=True)
    about_id = models.CharField(max_length=254, blank=True)
    about_label = models.CharField(max_length=254, blank=True)
    details = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True)
    address = models.CharField(max_length=45, blank=True)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["organization", "-id"], name="audit_newest")]

    def __str__(self) -> str:
        return f"{self.actor_label} {self.action} {self.about_label}"


class UnsealedAudit(OrganizationModel):
    """An audit event that waits for its seal; its id is the event's. Put here by a trigger, whoever wrote the event."""

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["organization", "id"], name="audit_waiting")]

    def __str__(self) -> str:
        return str(self.id)


class AuditSeal(OrganizationModel):
    """A link of an organization's chain: ``mac`` covers the link before and the event."""

    seq = models.BigIntegerField()
    event = models.OneToOneField(AuditEvent, on_delete=models.PROTECT, related_name="+")
    mac = models.BinaryField(max_length=32)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["organization", "seq"], name="audit_seal_order")]

    def __str__(self) -> str:
        return f"{self.seq}"


class AuditHead(OrganizationModel):
    """Where an organization's chain ends. Moves forward only; ``tag`` is a mac, so it cannot be made to fit."""

    seq = models.BigIntegerField(default=0)
    mac = models.BinaryField(max_length=32)
    tag = models.BinaryField(max_length=32)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["organization"], name="audit_head_one")]

    def __str__(self) -> str:
        return f"{self.seq}"


class AuditCheckpoint(OrganizationModel):
    """A signed statement of how long a chain was and how it ended at a moment (Ed25519)."""

    seq = models.BigIntegerField()
    mac = models.BinaryField(max_length=32)
    signed_at = models.DateTimeField()
    signature = models.BinaryField(max_length=64)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["organization", "seq"], name="audit_checkpoint_order")]

    def __str__(self) -> str:
        return f"{self.seq}"
