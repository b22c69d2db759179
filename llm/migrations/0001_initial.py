# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Providers, deployments, routes and the rules for them, behind the wall of tenancy."""

import codexos.kernel.clock
import codexos.kernel.ids
import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

from accounts.walls import protect


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0008_secrets_in_prompts'),
    ]

    operations = [
        migrations.CreateModel(
            name='Provider',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('name', models.CharField(max_length=100)),
                ('kind', models.CharField(max_length=20)),
                ('base_url', models.CharField(blank=True, max_length=500)),
                ('options', models.JSONField(default=dict)),
                ('key', models.CharField(blank=True, max_length=100)),
                ('key_folder', models.CharField(choices=[('organization', 'Organization'), ('team', 'Team'), ('project', 'Project')], default='organization', max_length=12)),
                ('requests_per_minute', models.PositiveIntegerField(null=True)),
                ('tokens_per_minute', models.PositiveIntegerField(null=True)),
                ('is_enabled', models.BooleanField(default=True)),
                ('revision', models.PositiveIntegerField(default=1)),
                ('updated_at', models.DateTimeField(default=codexos.kernel.clock.now)),
                ('key_project', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.project')),
                ('key_team', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.team')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Deployment',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('name', models.CharField(max_length=100)),
                ('model', models.CharField(max_length=200)),
                ('context_tokens', models.PositiveIntegerField()),
                ('capabilities', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('tools', 'Tools'), ('images', 'Pictures'), ('schema', 'Structured output')], max_length=20), default=list, size=None)),
                ('is_enabled', models.BooleanField(default=True)),
                ('revision', models.PositiveIntegerField(default=1)),
                ('updated_at', models.DateTimeField(default=codexos.kernel.clock.now)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('provider', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='deployments', to='llm.provider')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Route',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('name', models.CharField(max_length=100)),
                ('description', models.CharField(blank=True, max_length=500)),
                ('retries', models.PositiveSmallIntegerField(default=1)),
                ('hedge_after_ms', models.PositiveIntegerField(null=True)),
                ('is_sticky', models.BooleanField(default=False)),
                ('falls_back_on_refusal', models.BooleanField(default=False)),
                ('is_enabled', models.BooleanField(default=True)),
                ('revision', models.PositiveIntegerField(default=1)),
                ('updated_at', models.DateTimeField(default=codexos.kernel.clock.now)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('project', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.project')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='RouteStep',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('place', models.PositiveSmallIntegerField()),
                ('deployment', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='steps', to='llm.deployment')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('route', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='steps', to='llm.route')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='ModelRules',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('requests_per_minute', models.PositiveIntegerField(null=True)),
                ('tokens_per_minute', models.PositiveIntegerField(null=True)),
                ('is_local_only', models.BooleanField(default=False)),
                ('revision', models.PositiveIntegerField(default=1)),
                ('updated_at', models.DateTimeField(default=codexos.kernel.clock.now)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('organization',), name='model_rules_one')],
            },
        ),
        migrations.AddConstraint(
            model_name='provider',
            constraint=models.UniqueConstraint(fields=('organization', 'name'), name='model_provider_name_unique'),
        ),
        migrations.AddConstraint(
            model_name='provider',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('key_folder', 'organization'), ('key_project', None), ('key_team', None)), models.Q(('key_folder', 'team'), ('key_project', None), ('key_team__isnull', False)), models.Q(('key_folder', 'project'), ('key_project__isnull', False), ('key_team', None)), _connector='OR'), name='model_provider_key_in_one_folder'),
        ),
        migrations.AddConstraint(
            model_name='deployment',
            constraint=models.UniqueConstraint(fields=('organization', 'name'), name='model_deployment_name_unique'),
        ),
        migrations.AddConstraint(
            model_name='route',
            constraint=models.UniqueConstraint(fields=('organization', 'project', 'name'), name='model_route_name_unique', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='routestep',
            constraint=models.UniqueConstraint(fields=('route', 'deployment'), name='route_step_deployment_once'),
        ),
        migrations.AddConstraint(
            model_name='routestep',
            constraint=models.UniqueConstraint(fields=('route', 'place'), name='route_step_place_once'),
        ),
        *(protect(f"llm_{table}") for table in ("provider", "deployment", "route", "routestep", "modelrules")),
    ]
