# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The API routes of rag, below /api/v1/."""

from django.urls import path

from rag.api.views import FileDetail, FileList

urlpatterns = [
    path("projects/<str:project>/files/", FileList.as_view(), name="project-files"),
    path("projects/<str:project>/files/<path:path>", FileDetail.as_view(), name="project-file"),
]
