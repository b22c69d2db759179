# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Raises the wall of tenancy around knowledge; the owner's lookups see which bases, sources and ingestions are due."""

from django.db import migrations

from accounts.walls import protect


class Migration(migrations.Migration):
    dependencies = [("rag", "0005_knowledge")]

    operations = [
        protect("rag_knowledgebase", lookup=True),
        protect("rag_knowledgeindex"),
        protect("rag_source", lookup=True),
        protect("rag_revision"),
        protect("rag_ingestion", lookup=True),
        protect("rag_document"),
        protect("rag_chunk"),
    ]
