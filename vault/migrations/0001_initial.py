# SPDX-License-Identifier: LicenseRef-NIA-Proprietary
import codexos.kernel.clock
import codexos.kernel.ids
import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0007_most_runs'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Secret',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('key', models.CharField(max_length=100)),
                ('kind', models.CharField(choices=[('llm_api_key', 'LLM API key'), ('oauth_token', 'OAuth token'), ('tool_credential', 'Tool credential'), ('generic', 'Generic')], default='generic', max_length=16)),
                ('scope', models.CharField(choices=[('personal', 'Personal'), ('project', 'Project'), ('team', 'Team'), ('organization', 'Organization')], max_length=12)),
                ('description', models.CharField(blank=True, max_length=500)),
                ('tags', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=50), default=list, size=None)),
                ('former_tags', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=50), default=list, size=None)),
                ('current_number', models.PositiveIntegerField(default=0)),
                ('expires_at', models.DateTimeField(null=True)),
                ('updated_at', models.DateTimeField(default=codexos.kernel.clock.now)),
                ('rotated_at', models.DateTimeField(default=codexos.kernel.clock.now)),
                ('revision', models.PositiveIntegerField(default=1)),
                ('last_used_at', models.DateTimeField(null=True)),
                ('last_used_by', models.CharField(blank=True, max_length=254)),
                ('rotate_every_days', models.PositiveIntegerField(null=True)),
                ('rotate_by', models.CharField(blank=True, choices=[('reminder', 'Reminder'), ('callback', 'Callback')], max_length=8)),
                ('rotates_at', models.DateTimeField(null=True)),
                ('callback_url', models.CharField(blank=True, max_length=2000)),
                ('grace_seconds', models.PositiveIntegerField(default=0)),
                ('destroyed_at', models.DateTimeField(null=True)),
                ('destroyed_by', models.CharField(blank=True, max_length=254)),
                ('gone_at', models.DateTimeField(null=True)),
                ('created_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('person', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('project', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.project')),
                ('team', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.team')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='SecretReference',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('key', models.CharField(max_length=100)),
                ('about_kind', models.CharField(max_length=30)),
                ('about_id', models.UUIDField()),
                ('about_label', models.CharField(max_length=254)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.project')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='SecretShare',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('shared_by', models.CharField(max_length=254)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('person', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('secret', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='shares', to='vault.secret')),
                ('team', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.team')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='TagRule',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('tag', models.CharField(max_length=50)),
                ('effect', models.CharField(choices=[('allow', 'Allow'), ('deny', 'Deny')], max_length=5)),
                ('role', models.CharField(blank=True, choices=[('org_admin', 'org_admin'), ('team_lead', 'team_lead'), ('developer', 'developer'), ('viewer', 'viewer')], max_length=12)),
                ('made_by', models.CharField(max_length=254)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('person', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('team', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.team')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='VaultKey',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('number', models.PositiveIntegerField()),
                ('master', models.CharField(max_length=300)),
                ('wrapped', models.BinaryField()),
                ('retired_at', models.DateTimeField(null=True)),
                ('shredded_at', models.DateTimeField(null=True)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='SecretVersion',
            fields=[
                ('id', models.UUIDField(default=codexos.kernel.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('number', models.PositiveIntegerField()),
                ('wrapped_key', models.BinaryField()),
                ('sealed', models.BinaryField()),
                ('size', models.PositiveIntegerField()),
                ('origin', models.CharField(choices=[('put', 'Put'), ('rotated', 'Rotated'), ('rolled_back', 'Rolled back'), ('refreshed', 'Refreshed'), ('imported', 'Imported')], max_length=11)),
                ('created_by', models.CharField(max_length=254)),
                ('readable_until', models.DateTimeField(null=True)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('secret', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='vault.secret')),
                ('vault_key', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='vault.vaultkey')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.AddIndex(
            model_name='secret',
            index=models.Index(condition=models.Q(('rotates_at__isnull', False)), fields=['rotates_at'], name='secret_rotates'),
        ),
        migrations.AddIndex(
            model_name='secret',
            index=models.Index(condition=models.Q(('gone_at__isnull', False)), fields=['gone_at'], name='secret_gone'),
        ),
        migrations.AddIndex(
            model_name='secret',
            index=models.Index(condition=models.Q(('expires_at__isnull', False)), fields=['expires_at'], name='secret_expires'),
        ),
        migrations.AddConstraint(
            model_name='secret',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('person__isnull', False), ('project__isnull', True), ('scope', 'personal'), ('team__isnull', True)), models.Q(('person__isnull', True), ('project__isnull', False), ('scope', 'project'), ('team__isnull', True)), models.Q(('person__isnull', True), ('project__isnull', True), ('scope', 'team'), ('team__isnull', False)), models.Q(('person__isnull', True), ('project__isnull', True), ('scope', 'organization'), ('team__isnull', True)), _connector='OR'), name='secret_lies_in_one_folder'),
        ),
        migrations.AddConstraint(
            model_name='secret',
            constraint=models.UniqueConstraint(condition=models.Q(('destroyed_at', None)), fields=('organization', 'scope', 'person', 'project', 'team', 'key'), name='secret_key_unique', nulls_distinct=False),
        ),
        migrations.AddIndex(
            model_name='secretreference',
            index=models.Index(fields=['organization', 'key'], name='secret_reference_key'),
        ),
        migrations.AddConstraint(
            model_name='secretreference',
            constraint=models.UniqueConstraint(fields=('about_kind', 'about_id', 'key'), name='secret_reference_unique'),
        ),
        migrations.AddConstraint(
            model_name='secretshare',
            constraint=models.CheckConstraint(condition=models.Q(('team', None), ('person', None), _connector='XOR'), name='secret_share_with_one'),
        ),
        migrations.AddConstraint(
            model_name='secretshare',
            constraint=models.UniqueConstraint(fields=('secret', 'team', 'person'), name='secret_share_unique', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='tagrule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('person', None), ('role', ''), ('team__isnull', False)), models.Q(('person__isnull', False), ('role', ''), ('team', None)), models.Q(('person', None), ('team', None), models.Q(('role', ''), _negated=True)), _connector='OR'), name='tag_rule_for_one'),
        ),
        migrations.AddConstraint(
            model_name='tagrule',
            constraint=models.UniqueConstraint(fields=('organization', 'tag', 'effect', 'team', 'person', 'role'), name='tag_rule_unique', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='vaultkey',
            constraint=models.UniqueConstraint(fields=('organization', 'number'), name='vault_key_unique'),
        ),
        migrations.AddConstraint(
            model_name='vaultkey',
            constraint=models.UniqueConstraint(condition=models.Q(('retired_at', None), ('shredded_at', None)), fields=('organization',), name='vault_key_one_in_use'),
        ),
        migrations.AddConstraint(
            model_name='vaultkey',
            constraint=models.CheckConstraint(condition=models.Q(('shredded_at', None), ('wrapped', b''), _connector='OR'), name='vault_key_shredded_holds_nothing'),
        ),
        migrations.AddConstraint(
            model_name='secretversion',
            constraint=models.UniqueConstraint(fields=('secret', 'number'), name='secret_version_unique'),
        ),
    ]
