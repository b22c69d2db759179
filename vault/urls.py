# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Pages of the vault."""

from django.urls import path

from vault.views import keys, leaving, people, secrets, values

urlpatterns = [
    path("vault/", secrets.SecretListPage.as_view(), name="vault"),
    path("vault/new/", secrets.NewSecretPage.as_view(), name="new-secret"),
    path("vault/keys/", keys.KeysPage.as_view(), name="vault-keys"),
    path("vault/keys/shred/", keys.ShredPage.as_view(), name="shred-vault"),
    path("vault/tag-rules/", people.TagRulesPage.as_view(), name="tag-rules"),
    path("vault/tag-rules/<str:rule>/drop/", people.DropRuleDeed.as_view(), name="drop-tag-rule"),
    path("vault/<str:secret>/", secrets.OneSecretPage.as_view(), name="secret"),
    path("vault/<str:secret>/reveal/", values.RevealPage.as_view(), name="reveal-secret"),
    path("vault/<str:secret>/value/", values.NewValuePage.as_view(), name="new-value"),
    path("vault/<str:secret>/rotation/", values.RotationPage.as_view(), name="secret-rotation"),
    path("vault/<str:secret>/roll-back/", values.RollBackDeed.as_view(), name="roll-back-secret"),
    path("vault/<str:secret>/destroy/", leaving.DestroyPage.as_view(), name="destroy-secret"),
    path("vault/<str:secret>/restore/", leaving.RestoreDeed.as_view(), name="restore-secret"),
    path("vault/<str:secret>/share/", people.ShareDeed.as_view(), name="share-secret"),
    path("vault/<str:secret>/shares/<str:share>/drop/", people.UnshareDeed.as_view(), name="unshare-secret"),
]
