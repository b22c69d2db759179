# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""What the engine counts is not checked again by the database: each such check costs every commit."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0015_delivery_bodies"),
    ]

    operations = [
        migrations.AlterField(
            model_name="journalentry",
            name="attempt",
            field=models.SmallIntegerField(),
        ),
        migrations.AlterField(
            model_name="journalentry",
            name="content_days",
            field=models.SmallIntegerField(choices=[(7, "7 days"), (30, "30 days"), (365, "365 days")]),
        ),
        migrations.AlterField(
            model_name="journalentry",
            name="epoch",
            field=models.IntegerField(),
        ),
        migrations.AlterField(
            model_name="journalentry",
            name="seq",
            field=models.IntegerField(),
        ),
        migrations.AlterField(
            model_name="run",
            name="bad_takes",
            field=models.SmallIntegerField(default=0),
        ),
        migrations.AlterField(
            model_name="run",
            name="content_days",
            field=models.SmallIntegerField(
                choices=[(7, "7 days"), (30, "30 days"), (365, "365 days")], db_default=30, default=30
            ),
        ),
        migrations.AlterField(
            model_name="run",
            name="epoch",
            field=models.IntegerField(default=0),
        ),
        migrations.AlterField(
            model_name="run",
            name="input_tokens",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AlterField(
            model_name="run",
            name="last_seq",
            field=models.IntegerField(default=0),
        ),
        migrations.AlterField(
            model_name="run",
            name="output_tokens",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AlterField(
            model_name="run",
            name="place",
            field=models.IntegerField(default=0),
        ),
    ]
