# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The API routes of vault: below /api/v1/, and the short door."""

from django.urls import path

from vault.api.views import keys, secrets, sharing, values

_SECRET = "secrets/<str:secret>/"  # noqa: S105 - a route

urlpatterns = [
    path("secrets/", secrets.SecretListView.as_view(), name="api-secrets"),
    path(_SECRET, secrets.SecretView.as_view(), name="api-secret"),
    path(_SECRET + "restore/", secrets.RestoreSecretView.as_view(), name="api-secret-restore"),
    path(_SECRET + "uses/", secrets.SecretUsesView.as_view(), name="api-secret-uses"),
    path(_SECRET + "value/", values.SecretValueView.as_view(), name="api-secret-value"),
    path(_SECRET + "versions/", values.SecretVersionsView.as_view(), name="api-secret-versions"),
    path(_SECRET + "rotate/", values.RotateSecretView.as_view(), name="api-secret-rotate"),
    path(_SECRET + "rotation/", values.SecretRotationView.as_view(), name="api-secret-rotation"),
    path(_SECRET + "rollback/", values.RollBackSecretView.as_view(), name="api-secret-rollback"),
    path(_SECRET + "shares/", sharing.SecretSharesView.as_view(), name="api-secret-shares"),
    path(_SECRET + "shares/<str:share>/", sharing.SecretShareView.as_view(), name="api-secret-share"),
    path("vault/keys/", keys.VaultKeysView.as_view(), name="api-vault-keys"),
    path("vault/keys/rotate/", keys.RotateKeyView.as_view(), name="api-vault-keys-rotate"),
    path("vault/shred/", keys.ShredView.as_view(), name="api-vault-shred"),
    path("vault/tag-rules/", sharing.TagRuleListView.as_view(), name="api-tag-rules"),
    path("vault/tag-rules/<str:rule>/", sharing.TagRuleView.as_view(), name="api-tag-rule"),
]

short_doors = [path("vault/put", secrets.PutSecretView.as_view(), name="vault-put")]
