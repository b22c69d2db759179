# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Over HTTP: the keys of an organization, rotating them, and shredding them. For its admins."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import insist_fresh_sign_in, page_params, paginated
from vault.api.bodies import ShredBody
from vault.api.shapes import ShreddedShape, ShreddingShape, VaultKeyShape
from vault.api.views.asking import SecretAPIView
from vault.operations.key_rotation import rotate_organization_key
from vault.operations.refusals import auditing_refusals
from vault.operations.shredding import shred_vault
from vault.queries.keys import list_vault_keys, shredding_of, view_key


class VaultKeysView(SecretAPIView):
    """``/api/v1/vault/keys/``."""

    @extend_schema(responses=VaultKeyShape(many=True))
    def get(self, request: Request) -> Response:
        """List the organization's keys, newest first, with how much stands under each."""
        return paginated(
            request, list_vault_keys(self.actor_of(request), **page_params(request)._asdict()), VaultKeyShape
        )


class RotateKeyView(SecretAPIView):
    """``/api/v1/vault/keys/rotate/``."""

    @extend_schema(request=None, responses={201: VaultKeyShape})
    def post(self, request: Request) -> Response:
        """Retire the key in use and make the next; everything is moved to it in the background."""
        self.tried = "rotate key"
        actor = self.actor_of(request)
        return Response(VaultKeyShape(view_key(actor, rotate_organization_key(actor).number)).data, status=201)


class ShredView(SecretAPIView):
    """``/api/v1/vault/shred/``."""

    operation_ids = {"get": "get_vault_shredding"}

    @extend_schema(responses=ShreddingShape)
    def get(self, request: Request) -> Response:
        """Tell when the keys were shredded last, and from when on that is final; nulls where they never were."""
        shredding = shredding_of(self.actor_of(request))
        nothing = {"shredded_at": None, "final_at": None, "versions": 0, "is_final": False}
        return Response(ShreddingShape(shredding).data if shredding else nothing)

    @extend_schema(request=ShredBody, responses=ShreddedShape)
    def post(self, request: Request) -> Response:
        """Destroy every key, signed in: nobody opens the organization's secrets again. It cannot be taken back."""
        self.tried = "shred"
        actor = self.actor_of(request)
        with auditing_refusals(actor, "shred", key=""):
            insist_fresh_sign_in(request, actor)
        confirm = ShredBody.parse(request.data)["confirm"]
        return Response(ShreddedShape(shred_vault(actor, confirm=confirm)).data)
