# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Our rules for django-allauth: how it names things, and how its second-factor secrets are sealed."""

import base64

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings

from codexos.kernel.sealing import associate, open_sealed, seal

_ABOUT = associate("accounts", "second-factor")


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Sign-up and sign-in by e-mail."""


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Seals what allauth would keep in the clear: its own encrypt() is the identity function."""

    def encrypt(self, text: str) -> str:
        """Return ``text`` sealed."""
        return base64.b64encode(seal(settings.SIGN_IN_SEAL_KEY, text.encode(), associated=_ABOUT)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Return what was sealed. Raises SealBroken."""
        return open_sealed(settings.SIGN_IN_SEAL_KEY, base64.b64decode(encrypted_text), associated=_ABOUT).decode()
