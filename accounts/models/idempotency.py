# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Answers kept under a client's Idempotency-Key, so that a repeated write is done once."""

from django.db import models

from accounts.tenancy import OrganizationModel


class IdempotencyRecord(OrganizationModel):
    """One write: in flight while ``status`` is null, answered afterwards."""

    asked_by = models.UUIDField()
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.BinaryField(default=b"")
    headers = models.JSONField(default=dict)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["organization", "asked_by", "key"], name="idempotency_key_unique")
        ]

    def __str__(self) -> str:
        return self.key
