# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""The API routes of rag, below /api/v1/."""

from django.urls import path, register_converter
from django.urls.converters import PathConverter

from rag.api.views import FileDetail, FileList


class AnyPathConverter(PathConverter):
    """Takes line breaks too: the view says what is wrong with a path, not the router."""

    regex = r"[\s\S]+"


register_converter(AnyPathConverter, "any_path")

urlpatterns = [
    path("projects/<str:project>/files/", FileList.as_view(), name="project-files"),
    path("projects/<str:project>/files/<any_path:path>", FileDetail.as_view(), name="project-file"),
]
