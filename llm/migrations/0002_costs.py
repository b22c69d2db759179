# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
"""Prices, calls, budgets and kept answers, behind the wall of tenancy; what a call cost is not written over."""

from pathlib import Path

import codexos.kernel.clock
import codexos.kernel.ids
import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
from decimal import Decimal
from django.db import migrations, models

from accounts.walls import protect, run_file

SQL_FOLDER = Path(__file__).parent.parent / "sql"
TABLES = ("price", "costrules", "llmcall", "budget", "budgetspan", "reservation", "keptanswer")
_FROZEN = """
revoke update, delete, truncate on llm_llmcall, llm_price from codexos_app;
grant update (is_counted) on llm_llmcall to codexos_app;
grant delete on llm_price to codexos_app;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0008_secrets_in_prompts'),
        ('llm', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Budget',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('name', models.CharField(max_length=100)),
                ('scope', models.CharField(choices=[('organization', 'Organization'), ('team', 'Team'), ('project', 'Project'), ('flow', 'Flow'), ('person', 'Person')], max_length=12)),
                ('scope_id', models.UUIDField(null=True)),
                ('period', models.CharField(choices=[('day', 'Day'), ('week', 'Week'), ('month', 'Month'), ('ever', 'Ever')], max_length=5)),
                ('limit_usd', models.DecimalField(decimal_places=8, max_digits=16)),
                ('alerts', django.contrib.postgres.fields.ArrayField(base_field=models.PositiveSmallIntegerField(), default=list, size=None)),
                ('is_hard', models.BooleanField(default=True)),
                ('allows_unpriced', models.BooleanField(default=False)),
                ('revision', models.PositiveIntegerField(default=1)),
                ('made_by', models.CharField(blank=True, max_length=254)),
                ('updated_at', models.DateTimeField(default=codexos.kernel.clock.now)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='BudgetSpan',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('starts_at', models.DateTimeField()),
                ('spent_usd', models.DecimalField(decimal_places=8, default=Decimal('0'), max_digits=16)),
                ('reserved_usd', models.DecimalField(decimal_places=8, default=Decimal('0'), max_digits=16)),
                ('unpriced_calls', models.PositiveIntegerField(default=0)),
                ('alerted', django.contrib.postgres.fields.ArrayField(base_field=models.PositiveSmallIntegerField(), default=list, size=None)),
                ('budget', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='spans', to='llm.budget')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='CostRules',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('markup', models.DecimalField(decimal_places=4, default=Decimal('1'), max_digits=7, validators=[django.core.validators.MinValueValidator(Decimal('0'))])),
                ('cache_seconds', models.PositiveIntegerField(default=86400)),
                ('cache_bytes', models.PositiveIntegerField(default=50000000)),
                ('revision', models.PositiveIntegerField(default=1)),
                ('updated_at', models.DateTimeField(default=codexos.kernel.clock.now)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='KeptAnswer',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('key', models.CharField(max_length=64)),
                ('model', models.CharField(max_length=200)),
                ('answer', models.JSONField()),
                ('bytes', models.PositiveIntegerField()),
                ('cost_usd', models.DecimalField(decimal_places=8, default=0, max_digits=16)),
                ('hits', models.PositiveIntegerField(default=0)),
                ('expires_at', models.DateTimeField()),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='LlmCall',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('at', models.DateTimeField(default=codexos.kernel.clock.now)),
                ('team_id', models.UUIDField(null=True)),
                ('project_id', models.UUIDField(null=True)),
                ('person_id', models.UUIDField(null=True)),
                ('flow_id', models.UUIDField(null=True)),
                ('run_id', models.UUIDField(null=True)),
                ('node_id', models.CharField(blank=True, max_length=200)),
                ('key', models.CharField(blank=True, max_length=500)),
                ('deployment', models.CharField(max_length=200)),
                ('kind', models.CharField(max_length=20)),
                ('model', models.CharField(max_length=200)),
                ('route', models.CharField(blank=True, max_length=100)),
                ('attempt', models.PositiveSmallIntegerField(default=1)),
                ('outcome', models.CharField(choices=[('answered', 'Answered'), ('failed', 'Failed'), ('cut', 'Cut off'), ('lost', 'Lost'), ('cached', 'From the cache')], max_length=10)),
                ('error', models.CharField(blank=True, max_length=60)),
                ('input_tokens', models.PositiveBigIntegerField(default=0)),
                ('output_tokens', models.PositiveBigIntegerField(default=0)),
                ('cached_tokens', models.PositiveBigIntegerField(default=0)),
                ('cache_write_tokens', models.PositiveBigIntegerField(default=0)),
                ('is_estimated', models.BooleanField(default=False)),
                ('is_batch', models.BooleanField(default=False)),
                ('wants_cache', models.BooleanField(default=False)),
                ('cost_usd', models.DecimalField(decimal_places=8, max_digits=16, null=True)),
                ('saved_usd', models.DecimalField(decimal_places=8, default=0, max_digits=16)),
                ('rate', models.JSONField(null=True)),
                ('prices', models.CharField(blank=True, max_length=64)),
                ('seconds', models.FloatField(default=0)),
                ('is_counted', models.BooleanField(default=False)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Price',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('kind', models.CharField(max_length=20)),
                ('model', models.CharField(max_length=200)),
                ('rate', models.JSONField()),
                ('made_by', models.CharField(blank=True, max_length=254)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Reservation',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('spans', django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), size=None)),
                ('amount_usd', models.DecimalField(decimal_places=8, max_digits=16)),
                ('expires_at', models.DateTimeField()),
                ('call', models.JSONField(default=dict)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.AddConstraint(
            model_name='budget',
            constraint=models.CheckConstraint(condition=models.Q(('limit_usd__gte', 0)), name='budget_limit_not_negative'),
        ),
        migrations.AddConstraint(
            model_name='budget',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('scope', 'organization'), ('scope_id', None)), models.Q(models.Q(('scope', 'organization'), _negated=True), ('scope_id__isnull', False)), _connector='OR'), name='budget_scope_named'),
        ),
        migrations.AddConstraint(
            model_name='budgetspan',
            constraint=models.UniqueConstraint(fields=('budget', 'starts_at'), name='budget_span_once'),
        ),
        migrations.AddConstraint(
            model_name='costrules',
            constraint=models.UniqueConstraint(fields=('organization',), name='cost_rules_one'),
        ),
        migrations.AddIndex(
            model_name='keptanswer',
            index=models.Index(fields=['expires_at'], name='kept_answer_expiry'),
        ),
        migrations.AddConstraint(
            model_name='keptanswer',
            constraint=models.UniqueConstraint(fields=('organization', 'key'), name='kept_answer_once'),
        ),
        migrations.AddIndex(
            model_name='llmcall',
            index=models.Index(fields=['organization', 'at'], name='llm_call_by_time'),
        ),
        migrations.AddIndex(
            model_name='llmcall',
            index=models.Index(condition=models.Q(('run_id__isnull', False)), fields=['run_id'], name='llm_call_by_run'),
        ),
        migrations.AddIndex(
            model_name='llmcall',
            index=models.Index(condition=models.Q(('flow_id__isnull', False)), fields=['flow_id', 'at'], name='llm_call_by_flow'),
        ),
        migrations.AddIndex(
            model_name='llmcall',
            index=models.Index(condition=models.Q(('is_counted', False)), fields=['at'], name='llm_call_uncounted'),
        ),
        migrations.AddIndex(
            model_name='price',
            index=models.Index(fields=['organization', 'kind', 'model', '-id'], name='price_newest'),
        ),
        migrations.AddIndex(
            model_name='reservation',
            index=models.Index(fields=['expires_at'], name='reservation_expiry'),
        ),
        *(protect(f"llm_{table}", lookup=table in {"llmcall", "reservation", "keptanswer"}) for table in TABLES),
        migrations.RunSQL(_FROZEN, reverse_sql=migrations.RunSQL.noop),
        run_file("costs.sql", folder=SQL_FOLDER),
    ]
